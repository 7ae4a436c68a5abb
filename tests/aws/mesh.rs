//! The mesh of a deployed stack: the control plane reads the account, Envoys start from the task definitions, and a stack
//! update shifts traffic.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use mesh_control::Addresses;
use mesh_control_aws::{
    Clients, EndpointPolicy, Options, PollIntervals, SyncReader, SyncStatus, http_client, replica_id, serve,
};
use mesh_infra::app_mesh::Protocol;
use mesh_infra::deploy::{self, ChangeSetOutcome, DeploymentInput};
use mesh_infra::{
    AppProtocol, Cluster, Container, ControlPlane, HttpGatewayRoute, HttpRoute, Listener, Mesh, PortMapping,
    PrivateDnsNamespace, Service, Stack, TaskDefinition, Template, VirtualGateway, VirtualNode, VirtualRouter,
    VirtualService, Vpc,
};
use serde_json::json;
use testkit::wait_until;
use tokio_util::task::AbortOnDropHandle;

use crate::account::Account;
use crate::fleet::{SharedPort, Task, loopback, text};

pub(crate) const MESH: &str = "shop";

/// A gateway in front of a router with these weights, in front of `blue` and `green`.
pub(crate) fn template(port: u16, gateway_port: u16, weights: [u32; 2]) -> Template {
    let mut stack = Stack::new("shop");
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new());
    let namespace = stack.add("Namespace", PrivateDnsNamespace::new("shop", &network));
    let control_plane = stack.add("ControlPlane", ControlPlane::new(MESH, &cluster, &network, &namespace));
    let mesh = stack.add("Mesh", Mesh::new(MESH).with_control_plane(&control_plane));
    let router = VirtualRouter::new(&mesh, "sides").with_listener(80, Protocol::Http);
    let router = stack.add("sides", router);
    let mut route = HttpRoute::new(&router, "sides").with_prefix("/");
    for (name, weight) in ["blue", "green"].into_iter().zip(weights) {
        let node = VirtualNode::new(&mesh, name)
            .with_listener(Listener::http(port))
            .with_dns_endpoints(namespace.dns_name(name));
        let node = stack.add(name, node);
        route = route.with_target(&node, weight);
        let http = PortMapping::new("http", port)
            .with_app_protocol(AppProtocol::Http)
            .with_port_variable("PORT");
        let container = Container::new("app", "team/app").with_port(http);
        let service = Service::new(&cluster, TaskDefinition::new(container))
            .with_name(name)
            .with_network(&network)
            .with_virtual_node(&node)
            .with_service_discovery(&namespace);
        stack.add(name, service);
    }
    stack.add("sides", route);
    let sides = VirtualService::new(&mesh, "sides.shop").with_provider_router(&router);
    let sides = stack.add("sides", sides);
    let gateway = VirtualGateway::new(&mesh, "gateway").with_listener(Listener::http(gateway_port));
    let gateway = stack.add("gateway", gateway);
    stack.add("all", HttpGatewayRoute::new(&gateway, "all", &sides).with_prefix("/"));
    let service = Service::gateway(&cluster, &gateway)
        .with_name("gateway")
        .with_network(&network);
    stack.add("gateway", service);
    stack.synth().unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

pub(crate) async fn config(endpoint: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client())
        .region(Region::new("eu-west-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .load()
        .await
}

pub(crate) async fn deploy_stack(config: &SdkConfig, template: &Template) {
    let account = deploy::Environment::new(config).expect("an account");
    let request = DeploymentInput::new("shop", template.clone());
    match account
        .create_change_set(&request)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
    {
        ChangeSetOutcome::NoChanges(_) => panic!("something changes"),
        ChangeSetOutcome::Ready(prepared) => {
            let outputs = prepared.execute(&mut ()).await;
            outputs.unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

/// Registers a task as ECS would.
pub(crate) fn register(account: &Account, service: &str, at: Ipv4Addr) {
    let services = account.call("servicediscovery", "list_services", &json!({}));
    let services = services["Services"].as_array().expect("a list");
    let found = services
        .iter()
        .find(|found| found["Name"] == service)
        .expect("the service");
    let attributes = json!({"AWS_INSTANCE_IPV4": text(at), "AWS_INIT_HEALTH_STATUS": "HEALTHY"});
    let instance = json!({"ServiceId": found["Id"], "InstanceId": format!("{service}-1"), "Attributes": attributes});
    account.call("servicediscovery", "register_instance", &instance);
}

/// Makes calls and counts their status and body.
pub(crate) async fn responses(gateway: SocketAddr, calls: usize) -> BTreeMap<String, usize> {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut counts = BTreeMap::new();
    for _ in 0..calls {
        let response = client
            .get(format!("http://{gateway}/"))
            .send()
            .await
            .expect("a response");
        let status = response.status();
        let body = response.text().await.expect("a body");
        *counts.entry(format!("{} {body}", status.as_u16())).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stack_update_shifts_traffic_and_an_outage_of_aws_does_not_stop_it() {
    let account = Account::new();
    let (blue, green) = (loopback(2), loopback(3));
    let port = SharedPort::at(&[blue, green]);
    let gateway_port = SharedPort::at(&[Ipv4Addr::LOCALHOST]);
    let gateway = SocketAddr::from((Ipv4Addr::LOCALHOST, gateway_port.number));
    let config = config(account.endpoint()).await;
    let first = template(port.number, gateway_port.number, [1, 0]);
    deploy_stack(&config, &first).await;
    register(&account, "blue", blue);
    register(&account, "green", green);

    let options = Options {
        intervals: PollIntervals {
            parameters: Duration::from_millis(200),
            endpoints: Duration::from_millis(200),
            ..PollIntervals::default()
        },
        publish_as: Some(replica_id(None)),
        // Tasks of the tests are on loopback.
        endpoints: EndpointPolicy::within(["127.0.0.0/8".parse().expect("a network")]),
        ..Options::new([MESH])
    };
    let clients = Clients::new(&config);
    let serving = serve(clients, options, Addresses::default(), std::future::pending()).await;
    let (control, work) = serving.expect("bound listeners");
    let _control = AbortOnDropHandle::new(tokio::spawn(work));
    let xds = control.addresses().xds;
    let _tasks = [
        Task::start(&first, "BlueTaskDefinition", blue, port.number, xds).await,
        Task::start(&first, "GreenTaskDefinition", green, port.number, xds).await,
        Task::start(
            &first,
            "GatewayTaskDefinition",
            Ipv4Addr::LOCALHOST,
            gateway_port.number,
            xds,
        )
        .await,
    ];
    wait_until("the gateway routes requests", async || {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let response = client.get(format!("http://{gateway}/")).send().await;
        response.is_ok_and(|response| response.status().is_success())
    })
    .await;
    let only = |name: &str, count: usize| BTreeMap::from([(format!("200 {name}"), count)]);
    assert_eq!(responses(gateway, 50).await, only("BlueTaskDefinition", 50));

    // Other weights change one parameter.
    deploy_stack(&config, &template(port.number, gateway_port.number, [0, 1])).await;
    let sync_reader = SyncReader::new(&config, MESH);
    wait_until("every Envoy has acknowledged the weights", async || {
        let read = sync_reader.read().await;
        matches!(read, Ok(SyncStatus::Synced { envoys: 3, .. }))
    })
    .await;
    assert_eq!(responses(gateway, 50).await, only("GreenTaskDefinition", 50));

    // Without AWS, the last known configuration is still served.
    account.stop();
    wait_until("the control plane reports source errors", async || {
        control.status().sources.iter().any(|source| source.error.is_some())
    })
    .await;
    assert_eq!(responses(gateway, 200).await, only("GreenTaskDefinition", 200));
}
