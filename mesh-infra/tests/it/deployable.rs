//! A deployable mesh: VPC, control plane, roles, logs, and a load balancer.

use mesh_infra::{
    AppProtocol, Cluster, ClusterHandle, Container, ControlPlane, ControlPlaneHandle, EcrImage, HealthCheck, Listener,
    LoadBalancer, Mesh, MeshHandle, NetworkHandle, PortMapping, PrivateDnsNamespace, PrivateDnsNamespaceHandle,
    Service, Stack, TaskDefinition, Template, VirtualGateway, VirtualNode, VirtualService, Vpc,
};
use testkit::{assert_golden, golden_path};

/// The resources that services share.
pub(crate) struct Fixture {
    pub(crate) cluster: ClusterHandle,
    pub(crate) network: NetworkHandle,
    pub(crate) namespace: PrivateDnsNamespaceHandle,
    pub(crate) mesh: MeshHandle,
    pub(crate) control_plane: ControlPlaneHandle,
}

/// A mesh with its control plane, in a network of its own, without services.
pub(crate) fn fixture(stack: &mut Stack) -> Fixture {
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new());
    let namespace = stack.add("Namespace", PrivateDnsNamespace::new("appmesh", &network));
    let control_plane = ControlPlane::new("demo", &cluster, &network, &namespace);
    let control_plane = stack.add("ControlPlane", control_plane);
    Fixture {
        mesh: stack.add("Mesh", Mesh::new("demo").with_control_plane(&control_plane)),
        control_plane,
        cluster,
        network,
        namespace,
    }
}

/// A container that learns its port, and where to listen.
pub(crate) fn app(port: u16) -> Container {
    let http = PortMapping::new("http", port)
        .with_app_protocol(AppProtocol::Http)
        .with_port_variable("PORT");
    Container::new("app", EcrImage::new("team/app").with_tag("1"))
        .with_port(http)
        .with_bind_variable("BIND")
        .with_health_check(HealthCheck::command(["app", "health"]))
}

/// A node that is found under its own name.
pub(crate) fn node(fixture: &Fixture, name: &str, port: u16) -> VirtualNode {
    VirtualNode::new(&fixture.mesh, name)
        .with_listener(Listener::http(port))
        .with_dns_endpoints(fixture.namespace.dns_name(name))
}

/// A service of one container, found in the namespace.
pub(crate) fn service(fixture: &Fixture, name: &str, container: Container) -> Service {
    Service::new(&fixture.cluster, TaskDefinition::new(container))
        .with_name(name)
        .with_network(&fixture.network)
        .with_service_discovery(&fixture.namespace)
}

/// A service that is a node, and a gateway behind a load balancer.
pub(crate) fn deployable() -> Stack {
    let mut stack = Stack::new("mesh");
    let fixture = fixture(&mut stack);
    let blue = stack.add("blue", node(&fixture, "blue", 80).with_backend("blue.appmesh"));
    let called = VirtualService::new(&fixture.mesh, "blue.appmesh").with_provider_node(&blue);
    stack.add("blue", called);
    stack.add("blue", service(&fixture, "blue", app(80)).with_virtual_node(&blue));
    let door = VirtualGateway::new(&fixture.mesh, "door").with_listener(Listener::http(9080));
    let door = stack.add("door", door);
    let entrance = stack.add("Entrance", LoadBalancer::network(&fixture.network, 9080));
    let gateway = Service::gateway(&fixture.cluster, &door).with_network(&fixture.network);
    stack.add("door", gateway.with_load_balancer(&entrance));
    stack
}

pub(crate) fn template() -> Template {
    deployable()
        .synth()
        .unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

/// The container of this name in the tasks of a service.
pub(crate) fn container<'t>(template: &'t Template, task_definition: &str, name: &str) -> &'t serde_json::Value {
    let properties = &template.resources[task_definition].properties;
    let mut containers = properties["ContainerDefinitions"].as_array().expect("a list").iter();
    containers
        .find(|container| container["Name"] == name)
        .expect("such a container")
}

/// The value of one of its variables.
pub(crate) fn variable<'t>(container: &'t serde_json::Value, name: &str) -> Option<&'t str> {
    let mut variables = container["Environment"].as_array()?.iter();
    variables.find(|variable| variable["Name"] == name)?["Value"].as_str()
}

#[test]
fn the_template_matches_its_golden_file() {
    assert_golden!("deployable.json", &template().to_json());
}

#[test]
fn cfn_lint_accepts_it() {
    let tools = testkit::python_tools();
    let mut lint = tools.cfn_lint();
    let file = golden_path!("deployable.json");
    let output = lint.arg("--").arg(file).output().expect("cfn-lint starts");
    let output_text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && output_text.is_empty(),
        "{}: {output_text}",
        output.status
    );
}

#[test]
fn an_addition_leaves_other_resources_unchanged() {
    let agreed = template();
    let mut stack = Stack::new("mesh");
    stack.add(
        "Topic",
        mesh_infra::Resource::new("AWS::SNS::Topic", serde_json::json!({})),
    );
    let fixture = fixture(&mut stack);
    let red = stack.add("red", node(&fixture, "red", 80));
    stack.add("red", service(&fixture, "red", app(80)).with_virtual_node(&red));
    let more = stack.synth().unwrap();
    let common = [
        "Vpc",
        "ControlPlaneService",
        "ControlPlaneTaskRole",
        "Mesh",
        "InternetRoute",
    ];
    for id in common {
        assert_eq!(more.resources[id], agreed.resources[id], "{id}");
    }
}
