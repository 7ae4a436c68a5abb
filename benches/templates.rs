//! Cost of a stack: synthesis, from constructs to the template's text, and comparison of two templates. For the largest
//! example, for a stack of about 400 resources, near CloudFormation's limit of 500, and for a mesh over several stacks.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use mesh_infra::app_mesh::Protocol;
use mesh_infra::{
    AppProtocol, Cluster, Container, ControlPlane, HttpRoute, Listener, Mesh, PortMapping, PrivateDnsNamespace,
    Service, Stack, TaskDefinition, Template, VirtualNode, VirtualRouter, VirtualService, Vpc, diff,
};

#[path = "../examples/appmesh.rs"]
#[allow(dead_code, reason = "only its stack is used")]
mod appmesh;
#[path = "../examples/largemesh.rs"]
#[allow(dead_code, reason = "only its app is used")]
mod largemesh;

/// Number of services in a stack of about 400 resources.
const SERVICES: usize = 44;

/// Number of services of a mesh over several stacks.
const LARGE: usize = 200;

/// A mesh of services, each behind a router, and each with the next one as its backend.
fn generated() -> Stack {
    let mut stack = Stack::new("generated");
    let network = stack.add("Network", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new());
    let namespace = stack.add("Namespace", PrivateDnsNamespace::new("generated", &network));
    let control_plane = stack.add(
        "ControlPlane",
        ControlPlane::new("generated", &cluster, &network, &namespace),
    );
    let mesh = stack.add("Mesh", Mesh::new("generated").with_control_plane(&control_plane));
    for index in 0..SERVICES {
        let name = format!("service-{index}");
        let backend = format!("service-{}.generated", (index + 1) % SERVICES);
        let node = VirtualNode::new(&mesh, &name)
            .with_listener(Listener::http(8080))
            .with_dns_endpoints(namespace.dns_name(&name))
            .with_backend(backend.as_str());
        let node = stack.add(&name, node);
        let router = VirtualRouter::new(&mesh, &name).with_listener(8080, Protocol::Http);
        let router = stack.add(&name, router);
        stack.add(
            &name,
            HttpRoute::new(&router, &name).with_prefix("/").with_target(&node, 1),
        );
        let service = VirtualService::new(&mesh, format!("{name}.generated")).with_provider_router(&router);
        stack.add(&name, service);
        let http = PortMapping::new("http", 8080)
            .with_app_protocol(AppProtocol::Http)
            .with_port_variable("PORT");
        let container = Container::new("app", "team/app")
            .with_environment("VERSION", "1")
            .with_port(http);
        let service = Service::new(&cluster, TaskDefinition::new(container))
            .with_name(name.as_str())
            .with_network(&network)
            .with_virtual_node(&node)
            .with_service_discovery(&namespace);
        stack.add(&name, service);
    }
    stack
}

fn template(stack: &Stack) -> Template {
    stack.synth().unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

fn templates(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("templates");
    for (name, describe) in [("appmesh", appmesh::stack as fn() -> Stack), ("generated", generated)] {
        let before = template(&describe());
        let resources = before.resources.len();
        let text = before.to_json();
        let mut after = Template::from_json(&text).unwrap_or_else(|error| panic!("{error}"));
        if let Some((_, last)) = after.resources.iter_mut().next_back() {
            last.properties["Changed"] = true.into();
        }
        let id = |function: &str| {
            BenchmarkId::new(
                function,
                format!("{name}, {resources} resources, {} kB", text.len() / 1000),
            )
        };
        group.bench_function(id("describe and synth"), |bencher| {
            bencher.iter(|| template(black_box(&describe())).to_json());
        });
        group.bench_function(id("diff"), |bencher| {
            bencher.iter(|| diff(black_box(&before), black_box(&after)).to_string());
        });
    }
    let large = || {
        let app = largemesh::app(LARGE, None);
        app.synth().unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
    };
    let (stacks, resources) = large().values().fold((0, 0), |(stacks, resources), template| {
        (stacks + 1, resources + template.resources.len())
    });
    let id = BenchmarkId::new(
        "describe and synth",
        format!("large, {LARGE} services, {resources} resources in {stacks} stacks"),
    );
    group.sample_size(10);
    group.bench_function(id, |bencher| bencher.iter(large));
    group.finish();
}

criterion_group!(benches, templates);
criterion_main!(benches);
