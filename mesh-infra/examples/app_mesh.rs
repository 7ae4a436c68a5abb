//! Prints the template of a mesh whose router splits requests between two virtual nodes, 90 to 10.
//!
//! `cargo run -p mesh-infra --example app_mesh`

use mesh_infra::app_mesh::Protocol;
use mesh_infra::{
    Cluster, Container, ControlPlane, HttpRoute, Listener, Mesh, PortMapping, PrivateDnsNamespace, Service, Stack,
    TaskDefinition, ValidationErrors, VirtualNode, VirtualRouter, VirtualService, Vpc,
};

fn main() -> Result<(), ValidationErrors> {
    let mut stack = Stack::new("shop");
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new());
    let namespace = stack.add("Namespace", PrivateDnsNamespace::new("shop", &network));
    let control_plane = stack.add(
        "ControlPlane",
        ControlPlane::new("shop", &cluster, &network, &namespace),
    );
    let mesh = stack.add("Mesh", Mesh::new("shop").with_control_plane(&control_plane));

    let router = stack.add(
        "orders",
        VirtualRouter::new(&mesh, "orders").with_listener(80, Protocol::Http),
    );
    let mut route = HttpRoute::new(&router, "versions").with_prefix("/");
    for (name, weight) in [("orders-v1", 90), ("orders-v2", 10)] {
        let node = VirtualNode::new(&mesh, name)
            .with_listener(Listener::http(80))
            .with_dns_endpoints(namespace.dns_name(name));
        let node = stack.add(name, node);
        route = route.with_target(&node, weight);

        let http = PortMapping::new("http", 80).with_port_variable("PORT");
        let container = Container::new("app", "example.com/orders:1").with_port(http);
        let service = Service::new(&cluster, TaskDefinition::new(container))
            .with_name(name)
            .with_network(&network)
            .with_virtual_node(&node)
            .with_service_discovery(&namespace);
        stack.add(name, service);
    }
    stack.add("versions", route);
    stack.add(
        "orders",
        VirtualService::new(&mesh, "orders.shop").with_provider_router(&router),
    );

    println!("{}", stack.synth()?.to_json());
    Ok(())
}
