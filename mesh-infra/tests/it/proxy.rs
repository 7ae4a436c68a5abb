//! The explicit and the transparent proxy of a task on AWS.

use mesh_infra::app_mesh::Protocol;
use mesh_infra::cfn::evaluate::{Evaluator, NothingKnown};
use mesh_infra::{
    Container, Listener, PortMapping, Service, Stack, Template, VirtualGateway, VirtualNode, VirtualRouter,
    VirtualService,
};
use serde_json::{Value as Json, json};

use crate::deployable::{Fixture, app, container, deployable, fixture, node, service, template, variable};

pub(crate) fn bootstrap(template: &Template, task_definition: &str) -> Json {
    let command = evaluated(template, &container(template, task_definition, "envoy")["Command"]);
    assert_eq!(command[0], "--config-yaml");
    serde_json::from_str(command[1].as_str().expect("a string")).expect("JSON")
}

/// A value as CloudFormation passes it on: Envoys share texts in a mapping.
pub(crate) fn evaluated(template: &Template, json: &Json) -> Json {
    let evaluated = Evaluator::new(template, NothingKnown).evaluate(json);
    evaluated.known().expect("a known value").clone()
}

/// A stack with one service, whose virtual node `describe` returns.
pub(crate) fn with_node(
    container: Container,
    describe: impl FnOnce(&Fixture) -> VirtualNode,
    is_transparent_proxy: bool,
) -> Stack {
    let mut stack = Stack::new("mesh");
    let fixture = fixture(&mut stack);
    let blue = stack.add("blue", describe(&fixture));
    let service = service(&fixture, "blue", container).with_virtual_node(&blue);
    stack.add(
        "blue",
        if is_transparent_proxy {
            service.with_transparent_proxy()
        } else {
            service
        },
    );
    stack
}

#[test]
fn the_explicit_proxy_takes_the_applications_port() {
    let template = template();
    let app = container(&template, "BlueTaskDefinition", "app");
    for (name, value) in [
        ("PORT", "10080"),
        ("BIND", "127.0.0.1"),
        ("MESHWRIGHT_EGRESS", "127.0.0.1:15001"),
        ("MESHWRIGHT_SUFFIXES", "appmesh"),
        ("MESHWRIGHT_READY", "http://127.0.0.1:9901/ready"),
    ] {
        assert_eq!(variable(app, name), Some(value), "{name}");
    }
    assert_eq!(app["PortMappings"][0]["ContainerPort"], 80);
    assert_eq!(
        app["DependsOn"],
        json!([{"ContainerName": "envoy", "Condition": "HEALTHY"}])
    );
    let bootstrap = bootstrap(&template, "BlueTaskDefinition");
    assert_eq!(bootstrap["node"]["id"], "mesh/demo/virtualNode/blue");
    let metadata = &bootstrap["node"]["metadata"];
    assert_eq!(
        metadata["aws.ecs.serviceconnect.ListenerPortMapping"],
        json!({"egress": 15001, "ingress-80": 80})
    );
    assert_eq!(metadata["meshwright"]["ingressAddress"], "0.0.0.0");
    assert_eq!(metadata["meshwright"]["appPorts"], json!({"80": 10080}));
    let address =
        "/static_resources/clusters/0/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address";
    assert_eq!(
        bootstrap.pointer(address),
        Some(&json!({"address": "mesh-control.appmesh", "port_value": 18000}))
    );
    let envoy = container(&template, "BlueTaskDefinition", "envoy");
    assert_eq!(envoy["User"], "1337");
    // Otherwise, only root could listen on this port.
    assert_eq!(
        envoy["SystemControls"],
        json!([{"Namespace": "net.ipv4.ip_unprivileged_port_start", "Value": "0"}])
    );
    assert_eq!(
        template.resources["BlueService"].depends_on[..2],
        ["BlueVirtualNode", "ControlPlaneService"]
    );
    template
        .has_resource(
            "AWS::ServiceDiscovery::Service",
            &json!({"Name": "mesh-control", "NamespaceId": {"Ref": "Namespace"}}),
        )
        .unwrap();
}

#[test]
fn gateways_listen_on_their_own_ports() {
    let template = template();
    let bootstrap = bootstrap(&template, "DoorTaskDefinition");
    let metadata = &bootstrap["node"]["metadata"];
    assert_eq!(
        metadata["aws.ecs.serviceconnect.ListenerPortMapping"],
        json!({"egress": 15001, "ingress-9080": 9080})
    );
    let envoy = container(&template, "DoorTaskDefinition", "envoy");
    let user = envoy.get("User").and_then(serde_json::Value::as_str);
    assert_eq!((user, envoy.get("SystemControls")), (Some("1337"), None));
}

#[test]
fn the_transparent_proxy_leaves_the_applications_port() {
    let stack = with_node(app(80), |fixture| node(fixture, "blue", 80), true);
    let template = stack.synth().unwrap();
    let proxy = &template.resources["BlueTaskDefinition"].properties["ProxyConfiguration"];
    assert_eq!(
        (&proxy["Type"], &proxy["ContainerName"]),
        (&json!("APPMESH"), &json!("envoy"))
    );
    let properties = proxy["ProxyConfigurationProperties"].as_array().expect("a list").iter();
    let properties: Vec<String> = properties
        .map(|property| {
            format!(
                "{}={}",
                property["Name"].as_str().unwrap(),
                property["Value"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        properties,
        [
            "IgnoredUID=1337",
            "ProxyIngressPort=15000",
            "ProxyEgressPort=15001",
            "AppPorts=80",
            "EgressIgnoredIPs=169.254.170.2,169.254.169.254",
            "EgressIgnoredPorts=22"
        ]
    );
    let app = container(&template, "BlueTaskDefinition", "app");
    assert_eq!(variable(app, "PORT"), Some("80"));
    assert_eq!(variable(app, "MESHWRIGHT_WIRING"), Some("intercepted"));
    assert_eq!(variable(app, "MESHWRIGHT_EGRESS"), None);
    let metadata = &bootstrap(&template, "BlueTaskDefinition")["node"]["metadata"];
    assert_eq!(
        metadata["aws.ecs.serviceconnect.ListenerPortMapping"],
        json!({"egress": 15001, "ingress": 15000})
    );
    assert_eq!(metadata["meshwright"]["isIntercepted"], true);
}

#[test]
fn tcp_backends_have_their_own_listener() {
    let mut stack = Stack::new("mesh");
    let fixture = fixture(&mut stack);
    let router = VirtualRouter::new(&fixture.mesh, "db").with_listener(5432, Protocol::Tcp);
    let router = stack.add("db", router);
    let called = VirtualService::new(&fixture.mesh, "db.appmesh").with_provider_router(&router);
    stack.add("db", called);
    let blue = stack.add("blue", node(&fixture, "blue", 80).with_tcp_backend("db.appmesh", 5432));
    stack.add("blue", service(&fixture, "blue", app(80)).with_virtual_node(&blue));
    let template = stack.synth().unwrap();
    let app_container = container(&template, "BlueTaskDefinition", "app");
    assert_eq!(
        variable(app_container, "MESHWRIGHT_TCP_EGRESS"),
        Some("db.appmesh:5432=127.0.0.1:15002")
    );
    let metadata = &bootstrap(&template, "BlueTaskDefinition")["node"]["metadata"];
    assert_eq!(
        metadata["aws.ecs.serviceconnect.ListenerPortMapping"]["egress-db.appmesh-5432"],
        15002
    );

    let red = VirtualNode::new(&fixture.mesh, "red").with_backend("db.appmesh");
    let red = stack.add("red", red);
    stack.add("red", service(&fixture, "red", app(80)).with_virtual_node(&red));
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        "Resources.RedTaskDefinition.Properties.ContainerDefinitions[1].Command[1]: has no listener for the TCP backend \
         `db.appmesh` port 5432 of virtual node `red`; a TCP connection does not name its destination, so add \
         VirtualNode::with_tcp_backend, or use Service::with_transparent_proxy"
    );
}

#[test]
fn port_conflicts_are_reported_with_a_remedy() {
    let errors_of = |container: Container, describe: fn(&Fixture) -> VirtualNode, is_transparent_proxy: bool| {
        let stack = with_node(container, describe, is_transparent_proxy);
        stack.synth().unwrap_err().to_string()
    };
    let containers = "Resources.BlueTaskDefinition.Properties.ContainerDefinitions";
    let unaware = || Container::new("app", "team/app").with_port(PortMapping::new("http", 80));
    assert_eq!(
        errors_of(unaware(), |fixture| node(fixture, "blue", 80), false),
        format!(
            "{containers}: the container cannot use the port 80, on which its Envoy listens; set the environment variable with \
             its port by PortMapping::with_port_variable, or use Service::with_transparent_proxy"
        )
    );
    // With a transparent proxy, it keeps its port.
    assert!(
        with_node(unaware(), |fixture| node(fixture, "blue", 80), true)
            .synth()
            .is_ok()
    );
    assert_eq!(
        errors_of(app(80), |fixture| node(fixture, "blue", 8080), false),
        format!("{containers}: no container has the port 8080 of `blue`; add a port mapping to a container")
    );
    assert_eq!(
        errors_of(app(15001), |fixture| node(fixture, "blue", 15001), false),
        format!("{containers}: `blue` listens on port 15001, which is reserved for Envoy; choose another port")
    );
    let overridden = |path: &str, value: Json| {
        let mut stack = deployable();
        stack.override_property("BlueVirtualNode", path, value);
        stack.synth().unwrap_err().to_string()
    };
    assert_eq!(
        overridden("Spec.Listeners[0].PortMapping.Port", json!(81)),
        format!(
            "{containers}[1].Command[1]: has no listener for port 81 of virtual node `blue`; change the port \
             where the listener is described, not by an override"
        )
    );
}

#[test]
fn the_transparent_proxy_needs_a_sidecar() {
    let mut stack = Stack::new("mesh");
    let fixture = fixture(&mut stack);
    let no_envoy = service(&fixture, "no_envoy", app(80)).with_transparent_proxy();
    stack.add("no_envoy", no_envoy);
    let door = VirtualGateway::new(&fixture.mesh, "door").with_listener(Listener::http(9080));
    let door = stack.add("door", door);
    let gateway = Service::gateway(&fixture.cluster, &door).with_network(&fixture.network);
    stack.add("door", gateway.with_transparent_proxy());
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        "Resources.NoEnvoyTaskDefinition.Properties.ProxyConfiguration: needs an Envoy to which \
         connections are redirected, and the service has none; add one by Service::with_virtual_node\n\
         Resources.DoorTaskDefinition.Properties.ContainerDefinitions: belong to a virtual gateway, whose Envoy \
         receives connections to its own ports; remove Service::with_transparent_proxy"
    );
}
