//! A mesh over several stacks: one with the network, the control plane and the mesh; some with services; one with the
//! entrance. Each service has the next one as its backend. CloudFormation allows 500 resources in a stack, so a mesh of more
//! than about 50 services needs several.
//!
//! ```text
//! cargo run --example largemesh                                     four services in two stacks, locally
//! MESH_SERVICES=200 cargo run --example largemesh -- synth services-1   print the template of a stack of 50 services
//! cargo run --features aws --example largemesh -- deploy            all stacks, in the order of their references
//! cargo run --features aws --example largemesh -- deploy services-2  one stack; the others are deployed already
//! cargo run --features aws --example largemesh -- destroy           all stacks, in reverse order
//! ```
//!
//! `MESH_SERVICES` is the number of services, and `MESH_UPDATED` one of them that has version 2.

use std::process::ExitCode;

use mesh_infra::app_mesh::Protocol;
use mesh_infra::{
    App, AppProtocol, Cluster, ClusterHandle, Container, ControlPlane, EcrImage, HealthCheck, HttpGatewayRoute,
    HttpRoute, Listener, LoadBalancer, LoadBalancerHandle, Mesh, MeshHandle, NetworkHandle, PortMapping,
    PrivateDnsNamespace, PrivateDnsNamespaceHandle, Service, Stack, TaskDefinition, VirtualGateway, VirtualNode,
    VirtualRouter, VirtualService, VirtualServiceHandle, Vpc,
};
use meshwright::{Call, DEMO_SERVICE_IMAGE, IMAGE_TAG, Program, SmokeTest};

/// Nine resources each: with what a mesh may add, below CloudFormation's 500.
const SERVICES_PER_STACK: usize = 50;

fn main() -> ExitCode {
    let (services, updated) = match (number("MESH_SERVICES"), number("MESH_UPDATED")) {
        (Ok(services), Ok(updated)) => (services.unwrap_or(4).max(1), updated),
        (Err(error), _) | (_, Err(error)) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    Program::new(app(services, updated)).with_smoke_test(smoke_test()).run()
}

/// The number in an environment variable; `None` if that is not set or empty.
fn number(variable: &str) -> Result<Option<usize>, String> {
    match std::env::var(variable) {
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) => text
            .parse()
            .map(Some)
            .map_err(|_| format!("{variable}={text} is not a number of services")),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(error) => Err(format!("{variable}: {error}")),
    }
}

/// What all stacks use.
struct Shared {
    network: NetworkHandle,
    cluster: ClusterHandle,
    namespace: PrivateDnsNamespaceHandle,
    mesh: MeshHandle,
    entrance: LoadBalancerHandle,
}

/// The mesh of this many services.
pub(crate) fn app(services: usize, updated: Option<usize>) -> App {
    let mut stack = Stack::new("network");
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new());
    let namespace = stack.add("Namespace", PrivateDnsNamespace::new("large", &network));
    let control_plane = ControlPlane::new("large", &cluster, &network, &namespace);
    let control_plane = stack.add("ControlPlane", control_plane);
    let mesh = stack.add("Mesh", Mesh::new("large").with_control_plane(&control_plane));
    let entrance = stack.add("Entrance", LoadBalancer::network(&network, 9080));
    let shared = Shared {
        network,
        cluster,
        namespace,
        mesh,
        entrance,
    };
    let mut app = App::new("largemesh").with_stack(stack);
    let per_stack = services.div_ceil(4).clamp(2, SERVICES_PER_STACK);
    let mut first = None;
    for start in (0..services).step_by(per_stack) {
        let mut stack = Stack::new(format!("services-{}", start / per_stack + 1));
        for index in start..services.min(start + per_stack) {
            let version = if updated == Some(index) { "2" } else { "1" };
            let name = add_service(&mut stack, &shared, index, (index + 1) % services, version);
            first.get_or_insert(name);
        }
        app = app.with_stack(stack);
    }
    let Some(first) = first else { return app };
    let mut stack = Stack::new("entrance");
    let gateway = VirtualGateway::new(&shared.mesh, "gateway").with_listener(Listener::http(9080));
    let gateway = stack.add("gateway", gateway);
    stack.add("all", HttpGatewayRoute::new(&gateway, "all", &first).with_prefix("/"));
    let service = Service::gateway(&shared.cluster, &gateway)
        .with_name("gateway")
        .with_network(&shared.network)
        .with_load_balancer(&shared.entrance);
    stack.add("gateway", service);
    app.with_stack(stack)
}

/// Adds a service behind a route, with its virtual node, and returns the name by which others call it.
fn add_service(stack: &mut Stack, shared: &Shared, index: usize, next: usize, version: &str) -> VirtualServiceHandle {
    let name = format!("service-{index}");
    let node = VirtualNode::new(&shared.mesh, &name)
        .with_listener(Listener::http(80))
        .with_dns_endpoints(shared.namespace.dns_name(&name))
        .with_backend(format!("service-{next}.large"));
    let node = stack.add(&name, node);
    let router = VirtualRouter::new(&shared.mesh, &name).with_listener(80, Protocol::Http);
    let router = stack.add(&name, router);
    let route = HttpRoute::new(&router, &name).with_prefix("/").with_target(&node, 1);
    stack.add(&name, route);
    let virtual_service = VirtualService::new(&shared.mesh, format!("{name}.large")).with_provider_router(&router);
    let virtual_service = stack.add(&name, virtual_service);

    let http = PortMapping::new("http", 80)
        .with_app_protocol(AppProtocol::Http)
        .with_port_variable("SERVICE_PORT");
    let container = Container::new("app", EcrImage::new(DEMO_SERVICE_IMAGE).with_tag(IMAGE_TAG))
        .with_environment("SERVICE_NAME", name.as_str())
        .with_environment("SERVICE_VERSION", version)
        .with_port(http)
        .with_bind_variable("SERVICE_BIND")
        .with_health_check(HealthCheck::command(["demo-service", "health"]).with_interval_seconds(5));
    let service = Service::new(&shared.cluster, TaskDefinition::new(container))
        .with_name(name.as_str())
        .with_network(&shared.network)
        .with_virtual_node(&node)
        .with_service_discovery(&shared.namespace);
    stack.add(&name, service);
    virtual_service
}

fn smoke_test() -> SmokeTest {
    let status = |name: &str| format!(r#"{{"message":"ok","service":"{name}","version":"1"}}"#);
    let fetched = format!(
        r#"{{"message":"fetched!","service":"service-0","response":{}}}"#,
        status("service-1")
    );
    SmokeTest::new()
        .with(Call::get("gateway", "/").expect_body(&status("service-0")))
        // Their stacks differ if there are few services.
        .with(Call::get("gateway", "/downstream/service-1.large").expect_body(&fetched))
}
