//! The Service Connect example: two services, one of which calls the other.

use mesh_infra::labels::PORT_VARIABLE_PREFIX;
use mesh_infra::{
    App, AppProtocol, Cluster, ClusterHandle, Container, HealthCheck, HttpNamespace, Network, NetworkHandle,
    PortMapping, Service, ServiceConnect, ServiceConnectService, Stack, TaskDefinition,
};
use serde_json::json;
use testkit::assert_golden;

pub(crate) fn demo_task(name: &str) -> TaskDefinition {
    let container = Container::new("app", "meshwright/demo-service")
        .with_environment("SERVICE_NAME", name)
        .with_port(
            PortMapping::new("http", 3000)
                .with_app_protocol(AppProtocol::Http)
                .with_port_variable("SERVICE_PORT"),
        )
        .with_health_check(HealthCheck::command(["demo-service", "health"]));
    TaskDefinition::new(container)
}

pub(crate) fn demo_service(cluster: &ClusterHandle, network: &NetworkHandle, name: &str, tasks: u32) -> Service {
    let endpoint = ServiceConnectService::new("http")
        .with_discovery_name(name)
        .with_client_port(80);
    Service::new(cluster, demo_task(name))
        .with_network(network)
        .with_desired_count(tasks)
        .with_service_connect(ServiceConnect::offering(endpoint))
}

pub(crate) fn demo_stack() -> Stack {
    let mut stack = Stack::new("serviceconnect").with_description("Green calls blue through ECS Service Connect");
    let namespace = stack.add("Namespace", HttpNamespace::new("serviceconnect"));
    let cluster = stack.add("Cluster", Cluster::new().with_service_connect_namespace(&namespace));
    let network = stack.add("Network", Network::from_parameters());
    let blue = stack.add("blue", demo_service(&cluster, &network, "blue", 2));
    stack.add(
        "green",
        demo_service(&cluster, &network, "green", 1).with_backend(&blue),
    );
    stack
}

#[test]
fn the_template_matches_its_golden_file() {
    let template = demo_stack().synth().unwrap();
    assert_golden!("serviceconnect.json", &template.to_json());
}

#[test]
fn the_port_is_in_a_variable_and_a_label() {
    let template = demo_stack().synth().unwrap();
    let label = format!("{PORT_VARIABLE_PREFIX}3000");
    assert_eq!(label, "meshwright.port.3000");
    template
        .has_resource(
            "AWS::ECS::TaskDefinition",
            &json!({"ContainerDefinitions": [{
                "Environment": [{"Name": "SERVICE_NAME"}, {"Name": "SERVICE_PORT", "Value": "3000"}],
                "DockerLabels": {label: "SERVICE_PORT"}
            }]}),
        )
        .unwrap();
}

#[test]
fn services_can_set_names_and_namespace() {
    let mut stack = Stack::new("choices");
    let common = stack.add("Namespace", HttpNamespace::new("common"));
    let own = stack.add("Own", HttpNamespace::new("own"));
    let cluster = stack.add("Cluster", Cluster::new().with_service_connect_namespace(&common));
    let network = stack.add(
        "Network",
        Network::in_subnets(["subnet-1"]).with_security_groups(["sg-1"]),
    );
    let endpoint = ServiceConnectService::new("http")
        .with_dns_name("azure")
        .with_per_request_timeout_seconds(5);
    let service = Service::new(&cluster, demo_task("blue")).with_network(&network);
    stack.add(
        "blue",
        service.with_service_connect(ServiceConnect::offering(endpoint).with_namespace(&own)),
    );
    let template = stack.synth().unwrap();
    template
        .has_resource(
            "AWS::ECS::Service",
            &json!({
                "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": ["subnet-1"], "SecurityGroups": ["sg-1"]}},
                "ServiceConnectConfiguration": {
                    "Namespace": {"Fn::GetAtt": ["OwnNamespace", "Arn"]},
                    "Services": [{
                        "PortName": "http",
                        "ClientAliases": [{"Port": 3000, "DnsName": "azure"}],
                        "Timeout": {"PerRequestTimeoutSeconds": 5}
                    }]
                }
            }),
        )
        .unwrap();
}

#[test]
fn apps_synthesize_templates_in_order() {
    let app = App::new("demo")
        .with_stack(Stack::new("second-by-name"))
        .with_stack(demo_stack());
    let templates = app.synth().unwrap();
    let names: Vec<_> = templates.keys().collect();
    assert_eq!(names, ["second-by-name", "serviceconnect"]);
    assert_eq!(app.stacks().len(), 2);
    assert_eq!(App::from(demo_stack()).name(), "serviceconnect");
}
