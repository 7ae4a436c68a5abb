//! An App Mesh with two services and a gateway: `green` and `blue` call each other, and the gateway divides requests to
//! `/split` between them. AWS no longer serves App Mesh; Meshwright's control plane implements its model.
//!
//! ```text
//! cargo run --example appmesh                           run locally until Ctrl-C
//! cargo run --example appmesh -- --once                 run the smoke test and stop
//! cargo run --example appmesh -- synth                  print the CloudFormation template
//! cargo run --example appmesh -- synth --mesh app-mesh  the same, with App Mesh's own resources
//! cargo run --example appmesh -- diagram                print a Mermaid diagram
//! cargo run --features aws --example appmesh -- deploy   to AWS; and diff, outputs, destroy
//! ```

use std::process::ExitCode;

use mesh_infra::app_mesh::Protocol;
use mesh_infra::{
    AppProtocol, Cluster, Container, ControlPlane, EcrImage, HealthCheck, HttpGatewayRoute, HttpRoute, Listener,
    LoadBalancer, Mesh, PortMapping, PrivateDnsNamespace, Service, Stack, TaskDefinition, VirtualGateway, VirtualNode,
    VirtualRouter, VirtualService, Vpc,
};
use meshwright::{Call, DEMO_SERVICE_IMAGE, IMAGE_TAG, Program, SmokeTest};

fn main() -> ExitCode {
    Program::new(stack()).with_smoke_test(smoke_test()).run()
}

/// The mesh. By default, its members can call only their backends.
pub(crate) fn stack() -> Stack {
    let mut stack = Stack::new("appmesh");
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new());
    let namespace = stack.add("Namespace", PrivateDnsNamespace::new("appmesh", &network));
    let control_plane = ControlPlane::new("demo", &cluster, &network, &namespace);
    let control_plane = stack.add("ControlPlane", control_plane);
    let mesh = stack.add("Mesh", Mesh::new("demo").with_control_plane(&control_plane));

    // Virtual nodes. `blue` is also a backend of itself, for the longest call of the smoke test.
    let node = |name: &str, backends: &[&str]| {
        let node = VirtualNode::new(&mesh, name)
            .with_listener(Listener::http(80))
            .with_dns_endpoints(namespace.dns_name(name));
        backends.iter().fold(node, |node, backend| node.with_backend(*backend))
    };
    let blue_node = stack.add("blue", node("blue", &["green.appmesh", "blue.appmesh"]));
    let green_node = stack.add("green", node("green", &["blue.appmesh"]));

    // Virtual services: the names that applications call.
    let split_router = VirtualRouter::new(&mesh, "split").with_listener(80, Protocol::Http);
    let split_router = stack.add("split", split_router);
    let halves = HttpRoute::new(&split_router, "halves")
        .with_prefix("/")
        .with_target(&blue_node, 50)
        .with_target(&green_node, 50);
    stack.add("halves", halves);
    let name = |name: &str| VirtualService::new(&mesh, format!("{name}.appmesh"));
    let blue_name = stack.add("blue", name("blue").with_provider_node(&blue_node));
    let green_name = stack.add("green", name("green").with_provider_node(&green_node));
    let split_name = stack.add("split", name("split").with_provider_router(&split_router));

    // Ingress.
    let gateway = VirtualGateway::new(&mesh, "gateway").with_listener(Listener::http(9080));
    let gateway = stack.add("gateway", gateway);
    for (name, target) in [("blue", &blue_name), ("green", &green_name), ("split", &split_name)] {
        let route = HttpGatewayRoute::new(&gateway, name, target).with_prefix(format!("/{name}"));
        stack.add(name, route);
    }

    // ECS services.
    for (name, node) in [("blue", &blue_node), ("green", &green_node)] {
        let service = Service::new(&cluster, demo_service(name))
            .with_name(name)
            .with_network(&network)
            .with_virtual_node(node)
            .with_service_discovery(&namespace);
        stack.add(name, service);
    }
    let entrance = stack.add("Entrance", LoadBalancer::network(&network, 9080));
    let service = Service::gateway(&cluster, &gateway)
        .with_name("gateway")
        .with_network(&network)
        .with_load_balancer(&entrance);
    stack.add("gateway", service);
    stack
}

fn demo_service(name: &str) -> TaskDefinition {
    let http = PortMapping::new("http", 80)
        .with_app_protocol(AppProtocol::Http)
        .with_port_variable("SERVICE_PORT");
    let container = Container::new("app", EcrImage::new(DEMO_SERVICE_IMAGE).with_tag(IMAGE_TAG))
        .with_environment("SERVICE_NAME", name)
        .with_port(http)
        .with_bind_variable("SERVICE_BIND")
        .with_health_check(HealthCheck::command(["demo-service", "health"]).with_interval_seconds(5));
    TaskDefinition::new(container)
}

fn smoke_test() -> SmokeTest {
    let status = |name: &str| format!(r#"{{"message":"ok","service":"{name}","version":"unknown"}}"#);
    let fetched = format!(
        r#"{{"message":"fetched!","service":"green","response":{}}}"#,
        status("blue")
    );
    SmokeTest::new()
        .with(Call::get("blue", "/").expect_body(&status("blue")))
        .with(Call::get("green", "/").expect_body(&status("green")))
        .with(Call::get("green", "/downstream/blue.appmesh").expect_body(&fetched))
        .with(Call::get("gateway", "/blue").expect_body(&status("blue")))
        .with(Call::get("gateway", "/green").expect_body(&status("green")))
        .with(Call::get("gateway", "/split").expect_split(20, ["blue", "green"]))
        .with(Call::get("gateway", "/split/downstream/blue.appmesh").expect_split(20, ["blue → blue", "green → blue"]))
        // A virtual service that is not a backend of green.
        .with(
            Call::get("green", "/downstream/split.appmesh")
                .expect_error(502, "virtual node green has the backends blue.appmesh"),
        )
}
