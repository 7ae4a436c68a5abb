//! Plans of templates, and the errors of templates that cannot be run.

mod app_mesh;
mod arbitrary_templates;
mod cdk;
mod constructs;
mod dependencies;
mod envoys;
mod errors;
mod load_balancers;
mod multiple_stacks;
mod networks;
mod notes;
mod service_registries;
mod stub;
mod unknown_values;

use std::time::Duration;

use mesh_infra::Template;
use serde_json::{Value as Json, json};

use super::*;
use crate::image::Image;

fn images() -> Images {
    Images::default().with("demo", Image::new(["demo"]))
}

fn template(task_definition: Json, service: Json) -> Template {
    let document = json!({
        "Resources": {
            "Namespace": {"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": "sc"}},
            "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {
                "ServiceConnectDefaults": {"Namespace": {"Fn::GetAtt": ["Namespace", "Arn"]}}
            }},
            "BlueTask": {"Type": "AWS::ECS::TaskDefinition", "Properties": task_definition},
            "Blue": {"Type": "AWS::ECS::Service", "Properties": service},
            "LogGroup": {"Type": "AWS::Logs::LogGroup"}
        }
    });
    Template::from_json(&document.to_string()).expect("a template")
}

fn containers() -> Json {
    json!([{
        "Name": "app",
        "Image": "demo",
        "Command": ["--verbose"],
        "Environment": [{"Name": "SERVICE_NAME", "Value": "blue"}],
        "PortMappings": [{"ContainerPort": 3000, "Name": "http", "AppProtocol": "http"}],
        "DockerLabels": {"meshwright.port.3000": "SERVICE_PORT"},
        "HealthCheck": {"Command": ["CMD", "demo", "health"], "Interval": 7}
    }])
}

fn service() -> Json {
    json!({
        "Cluster": {"Ref": "Cluster"},
        "TaskDefinition": {"Ref": "BlueTask"},
        "DesiredCount": "2",
        "ServiceConnectConfiguration": {
            "Enabled": true,
            "Services": [{"PortName": "http", "DiscoveryName": "blue", "ClientAliases": [{"Port": 80}]}]
        }
    })
}

fn plan(containers: &Json, service: &Json) -> Result<Plan, String> {
    let template = template(json!({ "ContainerDefinitions": containers }), service.clone());
    read(&template, &images())
}

/// The plan of the template as the stack `demo`.
fn read(template: &Template, images: &Images) -> Result<Plan, String> {
    let parameters = BTreeMap::new();
    Plan::new(&[stack(template, &parameters)], images).map_err(|diagnostics| diagnostics.to_string())
}

fn stack<'t>(template: &'t Template, parameters: &'t BTreeMap<String, String>) -> StackInput<'t> {
    StackInput {
        name: "demo",
        template,
        parameters,
    }
}

#[test]
fn a_template_becomes_services_containers_and_endpoints() {
    let plan = plan(&containers(), &service()).unwrap();
    let service = &plan.services[0];
    assert_eq!(
        (service.name.as_str(), service.cluster.as_str()),
        ("demo-Blue", "demo-Cluster")
    );
    assert_eq!((service.desired_count, service.membership.namespace()), (2, Some("sc")));
    let container = &service.containers[0];
    assert!(container.essential);
    assert_eq!(container.ports[0].variable.as_deref(), Some("SERVICE_PORT"));
    let check = container.health_check.as_ref().expect("a health check");
    assert_eq!(check.command, ["demo", "health"]);
    assert_eq!((check.interval, check.retries), (Duration::from_secs(7), 3));
    let endpoint = plan.namespaces[0].service("blue.sc", 80).expect("an endpoint");
    assert_eq!(endpoint.service, "demo-Blue");
    assert_eq!(
        plan.not_simulated,
        [("LogGroup".to_owned(), "AWS::Logs::LogGroup".to_owned())]
    );
}

#[test]
fn containers_are_sorted_by_their_dependencies() {
    let mut containers = containers();
    let after = |name: &str, other: &str| json!({"Name": name, "Image": "demo", "DependsOn": [{"ContainerName": other, "Condition": "START"}]});
    let list = containers.as_array_mut().expect("a list");
    list.insert(0, after("last", "middle"));
    list.insert(0, after("middle", "app"));
    let plan = plan(&containers, &service()).unwrap();
    let order: Vec<&str> = plan.services[0]
        .containers
        .iter()
        .map(|container| container.name.as_str())
        .collect();
    assert_eq!(order, ["app", "middle", "last"]);
}

#[test]
fn unmet_dependencies_are_rejected() {
    let containers = json!([
        {"Name": "a", "Image": "demo", "DependsOn": [{"ContainerName": "b", "Condition": "HEALTHY"}]},
        {"Name": "b", "Image": "demo", "DependsOn": [
            {"ContainerName": "a", "Condition": "SUCCESS"},
            {"ContainerName": "c", "Condition": "START"},
            {"ContainerName": "a", "Condition": "READY"}
        ]}
    ]);
    let mut service = service();
    service["ServiceConnectConfiguration"] = json!({"Enabled": false});
    let path = "Resources.BlueTask.Properties.ContainerDefinitions";
    assert_eq!(
        plan(&containers, &service).unwrap_err(),
        format!(
            "{path}[1].DependsOn[2].Condition: is `READY`; allowed are START, COMPLETE, SUCCESS and HEALTHY\n\
             {path}[0].DependsOn[0]: waits for `b` to be HEALTHY, but `b` has no HealthCheck\n\
             {path}[1].DependsOn[0]: waits for `a` to end, but `a` is essential and ends the whole task\n\
             {path}[1].DependsOn[1]: `c` is not a container of this task definition\n\
             {path}: has a dependency cycle: a, b"
        )
    );
}

#[test]
fn all_errors_are_reported_at_once() {
    let mut containers = containers();
    containers[0]["Image"] = json!("other");
    containers[0]["PortMappings"] = json!([
        {"ContainerPort": 0, "Name": "http"},
        {"ContainerPort": 3000, "Name": "web", "AppProtocol": "http"},
        {"ContainerPort": 53, "Protocol": "udp", "AppProtocol": "http3"}
    ]);
    let mut service = service();
    service["ServiceConnectConfiguration"]["Services"][0]["PortName"] = json!("grpc");
    let container = "Resources.BlueTask.Properties.ContainerDefinitions[0]";
    assert_eq!(
        plan(&containers, &service).unwrap_err(),
        format!(
            "{container}.Image: is `other`, which has no local command; known images: demo; set one with --image 'other=COMMAND', or run a stub in place of every unknown image with --stub\n\
             {container}.PortMappings[0].ContainerPort: is 0; allowed is 1 to 65535\n\
             {container}.PortMappings[2].Protocol: is not supported locally; allowed is tcp\n\
             {container}.PortMappings[2].AppProtocol: is `http3`; allowed are http, http2 and grpc\n\
             Resources.Blue.Properties.ServiceConnectConfiguration.Services[0].PortName: \
             `grpc` is no port of service `demo-Blue`: its port mappings are named `http`, `web`"
        )
    );
    service["Cluster"] = json!("demo-Clustr");
    let diagnostics = plan(&containers, &service).unwrap_err();
    assert!(
        diagnostics.starts_with("Resources.Blue.Properties.Cluster: `demo-Clustr` is not a cluster of this template; did you mean `demo-Cluster`?\n"),
        "{diagnostics}"
    );
    assert!(diagnostics.contains("ContainerDefinitions[0].Image"), "{diagnostics}");
}

#[test]
fn unsupported_resources_are_rejected() {
    let mut template = template(json!({ "ContainerDefinitions": containers() }), service());
    for (id, kind) in [("Set", "AWS::ECS::TaskSet"), ("Bucket", "AWS::S3::Bucket")] {
        let resource = mesh_infra::Resource::new(kind, json!({}));
        template.resources.insert(id.to_owned(), resource);
    }
    assert_eq!(
        read(&template, &images()).unwrap_err(),
        "Resources.Set.Type: `AWS::ECS::TaskSet` is not supported locally; supported are AWS::ECS::Cluster, AWS::ECS::Service, \
         AWS::ECS::TaskDefinition"
    );
    template.resources.shift_remove("Set");
    let plan = read(&template, &images()).unwrap();
    assert_eq!(
        plan.not_simulated[1..],
        [("Bucket".to_owned(), "AWS::S3::Bucket".to_owned())]
    );
}

#[test]
fn health_checks_are_commands_or_shell_lines() {
    let mut containers = containers();
    for (command, expected) in [
        (json!(["CMD-SHELL", "exit 0"]), Some(vec!["sh", "-c", "exit 0"])),
        (json!(["NONE"]), None),
    ] {
        containers[0]["HealthCheck"] = json!({ "Command": command });
        let plan = plan(&containers, &service()).unwrap();
        let check = plan.services[0].containers[0].health_check.as_ref();
        let command = check.map(|check| check.command.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(command, expected);
    }
    containers[0]["HealthCheck"] = json!({"Command": ["demo", "health"]});
    let diagnostic = plan(&containers, &service()).unwrap_err();
    assert!(
        diagnostic.ends_with("Command: is not a valid command; expected CMD and a program, or CMD-SHELL and one line"),
        "{diagnostic}"
    );
}

#[test]
fn namespaces_are_found_by_name_id_and_arn() {
    let namespace = |value: Json| {
        let mut service = service();
        service["ServiceConnectConfiguration"]["Namespace"] = value;
        plan(&containers(), &service).map(|plan| plan.services[0].membership.namespace().map(str::to_owned))
    };
    for value in [
        json!("sc"),
        json!({"Ref": "Namespace"}),
        json!({"Fn::GetAtt": ["Namespace", "Arn"]}),
    ] {
        assert_eq!(namespace(value), Ok(Some("sc".to_owned())));
    }
    assert_eq!(namespace(json!("elsewhere")), Ok(Some("elsewhere".to_owned())));
}
