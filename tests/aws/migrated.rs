//! A stack of CDK that was written for App Mesh, migrated and deployed: the control plane reads it from the account, and its
//! gateway's Envoy, started from the migrated task definition, routes requests.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use app_mesh_migrate::{Options as MigrationOptions, SourceStack, migrate};
use axum::Router;
use axum::routing::any;
use mesh_control::Addresses;
use mesh_control_aws::{Clients, EndpointPolicy, Options, PollIntervals, serve};
use mesh_infra::Template;
use serde_json::json;
use testkit::wait_until;
use tokio_util::task::AbortOnDropHandle;

use crate::account::Account;
use crate::fleet::{SharedPort, Task, loopback};
use crate::mesh::{config, deploy_stack, register, responses};

/// As CDK synthesizes it, with the ports 3000 and 8080.
const SHOP: &str = include_str!("../../crates/app-mesh-migrate/tests/templates/shop.cdk.json");
const MESH: &str = "ShopMesh7D8A6C1F";

fn migrated(port: u16, gateway_port: u16) -> Template {
    let text = SHOP.replace(": 3000,", &format!(": {port},"));
    let text = text.replace(": 8080,", &format!(": {gateway_port},"));
    let source = SourceStack {
        name: "shop".to_owned(),
        template: Template::from_json(&text).expect("a template"),
        parameters: BTreeMap::new(),
    };
    let mut migration = migrate(&[source], &MigrationOptions::default()).unwrap_or_else(|errors| panic!("{errors}"));
    migration.templates.shift_remove("shop").expect("the stack")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migrated_stack_deploys_and_its_gateway_routes_requests() {
    let account = Account::new();
    // CloudFormation looks it up for every template of CDK.
    let version = json!({"Name": "/cdk-bootstrap/hnb659fds/version", "Type": "String", "Value": "21"});
    account.call("ssm", "put_parameter", &version);

    let front = loopback(2);
    let listener = tokio::net::TcpListener::bind((front, 0)).await.expect("a port");
    let port = listener.local_addr().expect("a bound socket").port();
    let application = Router::new().fallback(any(async || "front"));
    let application = tokio::spawn(async move { axum::serve(listener, application).await.expect("it serves") });
    let _application = AbortOnDropHandle::new(application);
    let gateway_port = SharedPort::at(&[Ipv4Addr::LOCALHOST]);
    let gateway = SocketAddr::from((Ipv4Addr::LOCALHOST, gateway_port.number));

    let template = migrated(port, gateway_port.number);
    let config = config(account.endpoint()).await;
    deploy_stack(&config, &template).await;
    register(&account, "front", front);

    let options = Options {
        intervals: PollIntervals {
            parameters: Duration::from_millis(200),
            endpoints: Duration::from_millis(200),
            ..PollIntervals::default()
        },
        // Tasks of the tests are on loopback.
        endpoints: EndpointPolicy::within(["127.0.0.0/8".parse().expect("a network")]),
        ..Options::new([MESH])
    };
    let serving = serve(
        Clients::new(&config),
        options,
        Addresses::default(),
        std::future::pending(),
    )
    .await;
    let (control, work) = serving.expect("bound listeners");
    let _control = AbortOnDropHandle::new(tokio::spawn(work));
    let xds = control.addresses().xds;
    let _gateway = Task::start(&template, "DoorTask5A3C", Ipv4Addr::LOCALHOST, gateway_port.number, xds).await;
    wait_until("the gateway routes requests", async || {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let response = client.get(format!("http://{gateway}/")).send().await;
        response.is_ok_and(|response| response.status().is_success())
    })
    .await;
    let expected = BTreeMap::from([("200 front".to_owned(), 50)]);
    assert_eq!(responses(gateway, 50).await, expected);
}
