//! Blue-green deployments: two versions of a service run side by side behind a router that divides traffic by weights, and
//! deployments shift traffic from one to the other without a failed request.
//!
//! ```text
//! cargo run --example bluegreen                                  run it until Ctrl-C
//! cargo run -p demo-service --bin traffic -- <address>           in another terminal: send requests
//! cargo run --example bluegreen -- diff --version 2              in a third: print what would change
//! cargo run --example bluegreen -- deploy --version 2            deploy; --strategy canary:10%,30s, linear:20%,10s, …
//! cargo run --example bluegreen -- status|continue|promote|abort|rollback
//! cargo run --example bluegreen -- --once                        the demo scenario: unattended, under load
//! cargo run --features aws --example bluegreen -- deploy --aws --version 1   on AWS; also the other verbs
//! ```
//!
//! `MESH_SERVICES` is a number of further services in the mesh, which stay at version 1.
//!
//! Two versions are unhealthy and rolled back: 4 has a latency of 500 ms, 5 an error rate of 20 %.

use std::process::ExitCode;

use mesh_infra::app_mesh::matching::HeaderMatch;
use mesh_infra::app_mesh::{Kind, Protocol, ResourcePath};
use mesh_infra::cfn::ssm;
use mesh_infra::{
    AppProtocol, Cluster, Container, ControlPlane, EcrImage, HealthCheck, HttpGatewayRoute, HttpRoute, Listener,
    LoadBalancer, Mesh, PortMapping, PrivateDnsNamespace, Resource, Service, Stack, TaskDefinition, VirtualGateway,
    VirtualNode, VirtualRouter, VirtualService, Vpc,
};
use meshwright::{BlueGreen, DEMO_SERVICE_IMAGE, IMAGE_TAG, Sides, TEST_HEADER};

const MESH: &str = "bluegreen";

fn main() -> ExitCode {
    let node = |name| ResourcePath::new(MESH, Kind::VirtualNode, name);
    let route = ResourcePath::within(MESH, "split", Kind::Route, "sides");
    BlueGreen::new("bluegreen", [node("blue"), node("green")], route, stack)
        .with_test_route(ResourcePath::within(MESH, "split", Kind::Route, "test"))
        .with_traffic("gateway", "/split")
        .run()
}

fn stack(sides: &Sides) -> Stack {
    let mut stack = Stack::new("bluegreen");
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new());
    let namespace = stack.add("Namespace", PrivateDnsNamespace::new("bluegreen", &network));
    let control_plane = ControlPlane::new(MESH, &cluster, &network, &namespace);
    let control_plane = stack.add("ControlPlane", control_plane);
    let mesh = stack.add("Mesh", Mesh::new(MESH).with_control_plane(&control_plane));

    let node = |name: &str| {
        VirtualNode::new(&mesh, name)
            .with_listener(Listener::http(80))
            .with_dns_endpoints(namespace.dns_name(name))
    };
    let blue_node = stack.add("blue", node("blue"));
    let green_node = stack.add("green", node("green"));

    // The weights change during a rollout.
    let router = VirtualRouter::new(&mesh, "split").with_listener(80, Protocol::Http);
    let router = stack.add("split", router);
    let [blue_weight, green_weight] = sides.weights();
    let [blue_mirror, green_mirror] = sides.mirrors();
    let route = HttpRoute::new(&router, "sides")
        .with_prefix("/")
        .with_target(&blue_node, blue_weight)
        .with_target(&green_node, green_weight)
        .with_mirror(&blue_node, blue_mirror)
        .with_mirror(&green_node, green_mirror);
    stack.add("sides", route);
    // Requests with this header reach the new version before any others do.
    let is_test = HeaderMatch {
        name: TEST_HEADER.to_owned(),
        invert: None,
        method: None,
    };
    let [blue_weight, green_weight] = sides.test_weights();
    let route = HttpRoute::new(&router, "test")
        .with_priority(0)
        .with_prefix("/")
        .with_header_match(is_test)
        .with_target(&blue_node, blue_weight)
        .with_target(&green_node, green_weight);
    stack.add("test", route);
    let split = VirtualService::new(&mesh, "split.bluegreen").with_provider_router(&router);
    let split = stack.add("split", split);

    let gateway = VirtualGateway::new(&mesh, "gateway").with_listener(Listener::http(9080));
    let gateway = stack.add("gateway", gateway);
    let route = HttpGatewayRoute::new(&gateway, "split", &split).with_prefix("/split");
    stack.add("split", route);

    for (name, version, node) in [
        ("blue", sides.blue(), &blue_node),
        ("green", sides.green(), &green_node),
    ] {
        let service = Service::new(&cluster, demo_service(name, version))
            .with_name(name)
            .with_network(&network)
            .with_virtual_node(node)
            .with_service_discovery(&namespace);
        stack.add(name, service);
    }
    let further = std::env::var("MESH_SERVICES").ok().and_then(|text| text.parse().ok());
    for index in 0..further.unwrap_or(0) {
        let name = format!("further-{index}");
        let node = stack.add(&name, node(&name));
        let service = Service::new(&cluster, demo_service(&name, 1))
            .with_name(name.as_str())
            .with_network(&network)
            .with_virtual_node(&node)
            .with_service_discovery(&namespace);
        stack.add(&name, service);
    }
    let entrance = stack.add("Entrance", LoadBalancer::network(&network, 9080));
    let service = Service::gateway(&cluster, &gateway)
        .with_name("gateway")
        .with_network(&network)
        .with_load_balancer(&entrance);
    stack.add("gateway", service);

    // The version of each side, for other tools.
    let state = ssm::Parameter::string("/bluegreen/state", sides.document());
    stack.add("State", Resource::of(&state));
    stack
}

fn demo_service(name: &str, version: u64) -> TaskDefinition {
    let http = PortMapping::new("http", 80)
        .with_app_protocol(AppProtocol::Http)
        .with_port_variable("SERVICE_PORT");
    let container = Container::new("app", EcrImage::new(DEMO_SERVICE_IMAGE).with_tag(IMAGE_TAG))
        .with_environment("SERVICE_NAME", name)
        .with_environment("SERVICE_VERSION", version.to_string())
        .with_port(http)
        .with_bind_variable("SERVICE_BIND")
        .with_health_check(HealthCheck::command(["demo-service", "health"]).with_interval_seconds(5));
    TaskDefinition::new(match version {
        4 => container.with_environment("SERVICE_DELAY", "500ms"),
        5 => container.with_environment("SERVICE_FAILURES", "20%"),
        _ => container,
    })
}
