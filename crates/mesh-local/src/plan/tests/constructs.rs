//! Local plans of the constructs' AWS templates: control plane, ports and Envoys are replaced.

use mesh_infra::{
    AppProtocol, Cluster, Container, ControlPlane, EcrImage, EfsVolume, HealthCheck, Listener, LoadBalancer, LogDriver,
    LogRouter, Mesh, Monitoring, OtelCollector, PortMapping, PrivateDnsNamespace, Secret, Service, Stack,
    TaskDefinition, VirtualGateway, VirtualNode, Vpc,
};

use super::app_mesh::service;
use super::*;

/// A node and a gateway behind a load balancer, with everything required on AWS.
fn template(is_intercepted: bool) -> Template {
    let mut stack = Stack::new("demo");
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new());
    let namespace = stack.add("Namespace", PrivateDnsNamespace::new("appmesh", &network));
    let control_plane = ControlPlane::new("demo", &cluster, &network, &namespace);
    let control_plane = stack.add("ControlPlane", control_plane);
    let mesh = stack.add("Mesh", Mesh::new("demo").with_control_plane(&control_plane));
    let node = VirtualNode::new(&mesh, "blue")
        .with_listener(Listener::http(80))
        .with_dns_endpoints("blue.appmesh");
    let node = stack.add("blue", node);
    let http = PortMapping::new("http", 80)
        .with_app_protocol(AppProtocol::Http)
        .with_port_variable("PORT");
    let container = Container::new("app", EcrImage::new("team/app").with_tag("1"))
        .with_environment("COLOUR", "blue")
        .with_port(http)
        .with_bind_variable("BIND")
        .with_health_check(HealthCheck::command(["app", "health"]));
    let blue = Service::new(&cluster, TaskDefinition::new(container))
        .with_name("blue")
        .with_network(&network)
        .with_virtual_node(&node)
        .with_service_discovery(&namespace);
    stack.add(
        "blue",
        match is_intercepted {
            true => blue.with_transparent_proxy(),
            false => blue,
        },
    );
    let door = VirtualGateway::new(&mesh, "door").with_listener(Listener::http(9080));
    let door = stack.add("door", door);
    let entrance = stack.add("Entrance", LoadBalancer::network(&network, 9080));
    let gateway = Service::gateway(&cluster, &door)
        .with_name("door")
        .with_network(&network);
    stack.add("door", gateway.with_load_balancer(&entrance));
    let template = stack.synth().unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    Template::from_json(&template.to_json()).expect("a template")
}

fn plan(is_intercepted: bool) -> Plan {
    let images = Images::default().with("team/app", Image::new(["app"]));
    read(&template(is_intercepted), &images).unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

#[test]
fn the_control_plane_service_is_not_started() {
    let plan = plan(false);
    let services: Vec<&str> = plan.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(services, ["blue", "door"]);
    let listed = (
        "ControlPlaneService".to_owned(),
        "the control plane is in this process".to_owned(),
    );
    assert!(plan.not_simulated.contains(&listed), "{:?}", plan.not_simulated);
}

#[test]
fn containers_do_not_get_variables_for_aws() {
    for is_intercepted in [false, true] {
        let plan = plan(is_intercepted);
        let container = &service(&plan, "blue").containers[0];
        // Bind address and Envoy variables are set locally.
        let variables: Vec<&str> = container.environment.keys().map(String::as_str).collect();
        assert_eq!(variables, ["COLOUR", "PORT"], "{is_intercepted}");
        let port = &container.ports[0];
        assert_eq!(
            (port.mapping.container_port, port.variable.as_deref()),
            (80, Some("PORT"))
        );
        assert_eq!(container.depends_on, []);
    }
}

#[test]
fn aws_only_resources_are_listed_in_groups() {
    let lines: Vec<String> = plan(false)
        .not_simulated
        .iter()
        .map(|(what, kind)| format!("{what} ({kind})"))
        .collect();
    assert_eq!(
        lines,
        [
            "Vpc, InternetGateway, InternetGatewayAttachment, RouteTable, InternetRoute and 9 more (AWS::EC2)",
            "ControlPlaneTaskRole, ControlPlaneExecutionRole, BlueExecutionRole, DoorExecutionRole (AWS::IAM::Role)",
            "ControlPlaneLogGroup, BlueLogGroup, DoorLogGroup (AWS::Logs::LogGroup)",
            "ControlPlaneService (the control plane is in this process)",
        ]
    );
}

/// A service with everything that has no local meaning, or another one.
fn with_additions() -> Template {
    let mut stack = Stack::new("demo")
        .with_permission_boundary("arn:aws:iam::123456789012:policy/Boundary")
        .with_tag("team", "demo");
    let network = stack.add("Vpc", Vpc::new());
    let cluster = stack.add("Cluster", Cluster::new());
    let http = PortMapping::new("http", 8080).with_port_variable("PORT");
    let volume = EfsVolume::existing("files", "fs-0123456789abcdef0");
    let app = Container::new("app", "team/app")
        .with_port(http)
        .with_secret("DB_PASSWORD", Secret::ssm_parameter("/team/db"))
        .with_writable_directory("/tmp")
        .with_efs_volume(&volume, "/files");
    let output = LogDriver::firelens().with_option("Name", "stdout");
    let task = TaskDefinition::new(app)
        .with_log_router(LogRouter::new().with_default(output))
        .with_otel_collector(OtelCollector::new().with_config_parameter("/team/otel"));
    let service = Service::new(&cluster, task)
        .with_name("app")
        .with_network(&network)
        .with_execute_command();
    let service = stack.add("app", service);
    stack.add("Watch", Monitoring::new().with_service(&service));
    let template = stack.synth().unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    Template::from_json(&template.to_json()).expect("a template")
}

#[test]
fn log_routers_collectors_volumes_and_secrets_are_listed_and_stop_nothing() {
    let images = Images::default().with("team/app", Image::new(["app"]));
    let plan = read(&with_additions(), &images).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    let containers = &service(&plan, "app").containers;
    let names: Vec<&str> = containers.iter().map(|container| container.name.as_str()).collect();
    assert_eq!(names, ["app"]);
    // The endpoint of the collector, which is not there, is gone: the local runner sets its own.
    let variables: Vec<&str> = containers[0].environment.keys().map(String::as_str).collect();
    assert_eq!(variables, ["PORT"]);
    let properties = "Resources.AppTaskDefinition.Properties";
    let listed: Vec<String> = plan
        .not_simulated
        .iter()
        .filter(|(what, _)| what.starts_with("Resources."))
        .map(|(what, kind)| format!("{what} ({kind})"))
        .collect();
    assert_eq!(
        listed,
        [
            format!("{properties}.ContainerDefinitions[0].Secrets: DB_PASSWORD (property)"),
            format!("{properties}.ContainerDefinitions[0].MountPoints (property)"),
            format!("{properties}.Volumes (property)"),
            format!("{properties}.ContainerDefinitions[1] (container)"),
            format!("{properties}.ContainerDefinitions[2] (container)"),
        ]
    );
}
