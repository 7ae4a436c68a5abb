//! How the parts of a task are connected on AWS.

use mesh_infra::app_mesh::Protocol;
use mesh_infra::{
    Container, Listener, PortMapping, Service, Stack, Template, VirtualGateway, VirtualNode, VirtualRouter,
    VirtualService,
};
use serde_json::{Value as Json, json};

use crate::deployable::{Place, app, container, deployable, node, place, service, template, variable};

pub(crate) fn bootstrap(template: &Template, task_definition: &str) -> Json {
    let command = &container(template, task_definition, "envoy")["Command"];
    assert_eq!(command[0], "--config-yaml");
    serde_json::from_str(command[1].as_str().expect("a text")).expect("JSON")
}

/// A stack with one service, which is the node that `describe` gives.
pub(crate) fn with_node(
    container: Container,
    describe: impl FnOnce(&Place) -> VirtualNode,
    is_intercepted: bool,
) -> Stack {
    let mut stack = Stack::new("mesh");
    let place = place(&mut stack);
    let blue = stack.add("blue", describe(&place));
    let service = service(&place, "blue", container).with_virtual_node(&blue);
    stack.add(
        "blue",
        if is_intercepted {
            service.with_transparent_proxy()
        } else {
            service
        },
    );
    stack
}

#[test]
fn envoy_listens_where_the_application_would_and_the_application_on_loopback() {
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
    // A port that only root may have otherwise.
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
fn a_gateway_has_nothing_but_its_own_ports() {
    let template = template();
    let bootstrap = bootstrap(&template, "DoorTaskDefinition");
    let metadata = &bootstrap["node"]["metadata"];
    assert_eq!(
        metadata["aws.ecs.serviceconnect.ListenerPortMapping"],
        json!({"egress": 15001, "ingress-9080": 9080})
    );
    let envoy = container(&template, "DoorTaskDefinition", "envoy");
    assert_eq!((envoy.get("User"), envoy.get("SystemControls")), (None, None));
}

#[test]
fn redirected_connections_leave_applications_where_they_are() {
    let stack = with_node(app(80), |place| node(place, "blue", 80), true);
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
fn what_is_called_by_tcp_has_a_listener_of_its_own() {
    let mut stack = Stack::new("mesh");
    let place = place(&mut stack);
    let router = VirtualRouter::new(&place.mesh, "db").with_listener(5432, Protocol::Tcp);
    let router = stack.add("db", router);
    let called = VirtualService::new(&place.mesh, "db.appmesh").with_provider_router(&router);
    stack.add("db", called);
    let blue = stack.add("blue", node(&place, "blue", 80).with_tcp_backend("db.appmesh", 5432));
    stack.add("blue", service(&place, "blue", app(80)).with_virtual_node(&blue));
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

    let red = VirtualNode::new(&place.mesh, "red").with_backend("db.appmesh");
    let red = stack.add("red", red);
    stack.add("red", service(&place, "red", app(80)).with_virtual_node(&red));
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        "Resources.RedTaskDefinition.Properties.ContainerDefinitions[1].Command[1]: has no listener for the TCP backend \
         `db.appmesh` port 5432 of virtual node `red`; a TCP connection does not name its destination, so add \
         VirtualNode::with_tcp_backend, or use Service::with_transparent_proxy"
    );
}

#[test]
fn what_keeps_a_task_from_being_wired_is_told_with_the_way_out() {
    let told = |container: Container, describe: fn(&Place) -> VirtualNode, is_intercepted: bool| {
        let stack = with_node(container, describe, is_intercepted);
        stack.synth().unwrap_err().to_string()
    };
    let containers = "Resources.BlueTaskDefinition.Properties.ContainerDefinitions";
    let unaware = || Container::new("app", "team/app").with_port(PortMapping::new("http", 80));
    assert_eq!(
        told(unaware(), |place| node(place, "blue", 80), false),
        format!(
            "{containers}: nothing tells the container its port 80, and here it has to be another one: the Envoy beside it \
             listens there. Say which variable holds it with PortMapping::with_port_variable, or have connections redirected \
             with Service::with_transparent_proxy"
        )
    );
    // Redirected, it listens where it likes.
    assert!(
        with_node(unaware(), |place| node(place, "blue", 80), true)
            .synth()
            .is_ok()
    );
    assert_eq!(
        told(app(80), |place| node(place, "blue", 8080), false),
        format!("{containers}: none has the port 8080, on which `blue` listens; give the one that does a port mapping")
    );
    assert_eq!(
        told(app(15001), |place| node(place, "blue", 15001), false),
        format!("{containers}: `blue` listens on port 15001, which its Envoy has for itself; choose another one")
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
fn redirecting_needs_an_envoy_that_others_speak_through() {
    let mut stack = Stack::new("mesh");
    let place = place(&mut stack);
    let lonely = service(&place, "lonely", app(80)).with_transparent_proxy();
    stack.add("lonely", lonely);
    let door = VirtualGateway::new(&place.mesh, "door").with_listener(Listener::http(9080));
    let door = stack.add("door", door);
    let gateway = Service::gateway(&place.cluster, &door).with_network(&place.network);
    stack.add("door", gateway.with_transparent_proxy());
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        "Resources.LonelyTaskDefinition.Properties.ProxyConfiguration: is to redirect connections to an Envoy, and the \
         service has none; it gets one by Service::with_virtual_node\n\
         Resources.DoorTaskDefinition.Properties.ContainerDefinitions: are of a virtual gateway, whose Envoy takes what \
         comes to its own ports; nothing can be redirected to it, so leave out with_transparent_proxy"
    );
}
