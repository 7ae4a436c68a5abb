//! Errors of a stack are reported at once, each with its path.

use mesh_infra::{
    App, Cluster, Container, ContainerCondition, HealthCheck, HttpNamespace, Network, PortMapping, Service,
    ServiceConnect, ServiceConnectService, Stack, TaskDefinition, Template, check,
};
use serde_json::json;

use crate::serviceconnect::{demo_service, demo_stack, demo_task};

#[test]
fn all_errors_of_a_stack_are_reported_at_once() {
    let mut stack = Stack::new("9-lives");
    let namespace = stack.add("Namespace", HttpNamespace::new("serviceconnect"));
    let cluster = stack.add("Cluster", Cluster::new().with_service_connect_namespace(&namespace));
    let cluster_without_namespace = stack.add("Lonely", Cluster::new());
    let network = stack.add("Network", Network::in_subnets(["subnet-1"]));

    stack.add("blue", demo_service(&cluster, &network, "blue", 1));
    stack.add("azure", demo_service(&cluster, &network, "blue", 1));
    let wrong_port = ServiceConnect::offering(ServiceConnectService::new("web").with_discovery_name("green"));
    stack.add(
        "green",
        Service::new(&cluster, demo_task("demo")).with_service_connect(wrong_port),
    );
    stack.add("lost", demo_service(&cluster_without_namespace, &network, "lost", 1));

    let sidecar = Container::new("app", "sidecar")
        .with_essential(false)
        .with_environment("A", "1")
        .with_environment("A", "2")
        .with_port(PortMapping::new("Http", 0))
        .with_dependency("database", ContainerCondition::Start)
        .with_health_check(HealthCheck::shell("true").with_interval_seconds(1));
    let task = TaskDefinition::new(sidecar.clone())
        .with_container(sidecar)
        .with_size(256, 4096);
    stack.add("red", Service::new(&cluster, task).with_network(&network));
    stack.override_property("Missing", "A", 1);

    let diagnostics = stack.synth().unwrap_err();
    let paths: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.path.as_str()).collect();
    let task = "Resources.RedTaskDefinition.Properties";
    assert_eq!(
        paths,
        [
            "StackName",
            "Resources.Missing",
            &format!("{task}.ContainerDefinitions"),
            &format!("{task}.ContainerDefinitions[0].Environment[1].Name"),
            &format!("{task}.ContainerDefinitions[0].PortMappings[0].Name"),
            &format!("{task}.ContainerDefinitions[0].PortMappings[0].ContainerPort"),
            &format!("{task}.ContainerDefinitions[0].DependsOn[0].ContainerName"),
            &format!("{task}.ContainerDefinitions[0].HealthCheck.Interval"),
            &format!("{task}.ContainerDefinitions[1].Name"),
            &format!("{task}.ContainerDefinitions[1].Environment[1].Name"),
            &format!("{task}.ContainerDefinitions[1].PortMappings[0].Name"),
            &format!("{task}.ContainerDefinitions[1].PortMappings[0].Name"),
            &format!("{task}.ContainerDefinitions[1].PortMappings[0].ContainerPort"),
            &format!("{task}.ContainerDefinitions[1].DependsOn[0].ContainerName"),
            &format!("{task}.ContainerDefinitions[1].HealthCheck.Interval"),
            &format!("{task}.Memory"),
            "Resources.GreenService.Properties.NetworkConfiguration",
            "Resources.LostService.Properties.ServiceConnectConfiguration.Namespace",
            "Resources.GreenService.Properties.ServiceConnectConfiguration.Services[0].PortName",
            "Resources.AzureService.Properties.ServiceConnectConfiguration.Services[0].DiscoveryName",
        ]
    );
}

#[test]
fn messages_contain_the_value_and_what_is_allowed() {
    let mut stack = demo_stack();
    let configuration = "ServiceConnectConfiguration";
    stack.override_property("GreenService", &format!("{configuration}.Services[0].PortName"), "web");
    stack.override_property(
        "GreenService",
        &format!("{configuration}.Namespace"),
        json!({"Ref": "Namespace"}),
    );
    stack.override_property("BlueService", "DesiredCount", "many");
    stack.override_property("BlueTaskDefinition", "ContainerDefinitions[3].Image", "x");
    let path = "Resources.GreenService.Properties.ServiceConnectConfiguration";
    assert_eq!(
        stack.synth().unwrap_err().to_string(),
        format!(
            "Resources.BlueTaskDefinition.Properties.ContainerDefinitions[3].Image: has an index beyond the end of a list\n\
             Resources.BlueService.Properties.DesiredCount: is \"many\"; allowed is a whole number from 0 to 4294967295\n\
             {path}.Namespace: is the id of `Namespace`; Service Connect needs a name or an ARN, such as Fn::GetAtt Namespace.Arn\n\
             {path}.Services[0].PortName: `web` is no port of service `GreenService`: its port mappings are named `http`"
        )
    );
}

#[test]
fn error_paths_of_an_app_begin_with_the_stack() {
    let mut broken = demo_stack();
    broken.override_property("Missing", "A", 1);
    let app = App::new("demo")
        .with_stack(broken)
        .with_stack(Stack::new("twin"))
        .with_stack(Stack::new("twin"));
    let diagnostics = app.synth().unwrap_err();
    let paths: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.path.as_str()).collect();
    assert_eq!(paths, ["serviceconnect.Resources.Missing", "twin"]);
}

#[test]
fn unresolved_values_are_not_checked() {
    let choice = json!({"Fn::If": ["Small", {"Ref": "A"}, {"Ref": "A"}]});
    let document = json!({
        "Parameters": {"A": {"Type": "String"}},
        "Conditions": {"Small": {"Fn::Equals": [{"Ref": "A"}, "small"]}},
        "Resources": {
            "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": {
                "Cpu": {"Ref": "A"}, "Memory": "7", "NetworkMode": {"Ref": "A"}, "RequiresCompatibilities": ["FARGATE"],
                "ContainerDefinitions": [{"Name": "app", "Image": choice, "HealthCheck": choice}]
            }},
            "Service": {"Type": "AWS::ECS::Service", "Properties": {
                "TaskDefinition": {"Ref": "Task"},
                "ServiceConnectConfiguration": {
                    "Enabled": true, "Namespace": {"Fn::ImportValue": "ns"}, "Services": [{"PortName": choice}]
                }
            }}
        }
    });
    let template = Template::from_json(&document.to_string()).unwrap();
    assert_eq!(check(&template), Ok(()));
}

#[test]
fn services_under_different_conditions_do_not_conflict() {
    let service = |condition: Option<&str>, namespace: serde_json::Value| {
        let mut resource = json!({"Type": "AWS::ECS::Service", "Properties": {
            "TaskDefinition": {"Ref": "Task"},
            "ServiceConnectConfiguration": {"Enabled": true, "Namespace": namespace, "Services": [{"PortName": "web"}]}
        }});
        if let Some(condition) = condition {
            resource["Condition"] = condition.into();
        }
        resource
    };
    let always = json!({"Fn::Equals": ["", ""]});
    let document = json!({"Conditions": {"IsOld": {"Fn::Not": [always]}, "IsNew": always}, "Resources": {
        "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [
            {"Name": "app", "Image": "x", "PortMappings": [{"Name": "web", "ContainerPort": 80}]}
        ]}},
        "One": service(None, json!({"Fn::ImportValue": "one"})),
        "Two": service(None, json!({"Fn::ImportValue": "two"})),
        "Old": service(Some("IsOld"), json!("shared")),
        "New": service(Some("IsNew"), json!("shared")),
        "Twin": service(Some("IsNew"), json!("shared")),
    }});
    let template = Template::from_json(&document.to_string()).unwrap();
    let diagnostics = check(&template).unwrap_err();
    let paths: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.path.as_str()).collect();
    let path = "Resources.Twin.Properties.ServiceConnectConfiguration.Services[0].DiscoveryName";
    assert_eq!(paths, [path]);
}

#[test]
fn missing_conditions_are_reported() {
    let document = json!({
        "Conditions": {"There": {"Fn::Equals": [{"Ref": "Missing"}, ""]}},
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic", "Condition": "There", "Properties": {
                "TopicName": {"Fn::If": ["There", "a", {"Fn::If": ["Thre", "b", "c"]}]}}},
            "Queue": {"Type": "AWS::SQS::Queue", "Condition": "Thre"}
        }
    });
    let template = Template::from_json(&document.to_string()).unwrap();
    assert_eq!(
        check(&template).unwrap_err().to_string(),
        "Resources.Queue.Condition: is `Thre`, which is not a condition\n\
         Conditions.There[0]: refers to `Missing`, which is neither a resource nor a parameter\n\
         Resources.Topic.Properties.TopicName[2]: refers to `Thre`, which is not a condition"
    );
}

#[test]
fn parameters_have_a_maximum_size() {
    let parameter = |name: &str, tier: &str, letters: usize| {
        let value = json!({"backends": [{"virtualService": {"virtualServiceName": "x".repeat(letters)}}]});
        json!({"Type": "AWS::SSM::Parameter", "Properties": {
            "Name": name, "Type": "String", "Tier": tier, "Value": value.to_string()}})
    };
    let state = json!({"Type": "AWS::SSM::Parameter", "Properties": {
        "Name": "/state", "Type": "String", "Value": {"Fn::Sub": format!("${{AWS::Region}}{}", "x".repeat(8193))}}});
    let document = json!({"Resources": {
        "Fits": parameter("/meshwright/demo/virtualNode/fits", "Intelligent-Tiering", 8000),
        "Blue": parameter("/meshwright/demo/virtualNode/blue", "Standard", 4096),
        "Green": parameter("/meshwright/demo/virtualNode/green", "Intelligent-Tiering", 8192),
        "State": state
    }});
    let template = Template::from_json(&document.to_string()).unwrap();
    assert_eq!(
        check(&template).unwrap_err().to_string(),
        "Resources.Blue.Properties.Value: has 4155 bytes of virtual node `blue`; the tier Standard allows at most 4096; Intelligent-Tiering allows 8192\n\
         Resources.Green.Properties.Value: has 8251 bytes of virtual node `green`; a parameter has at most 8192\n\
         Resources.State.Properties.Value: has 8193 bytes; a parameter has at most 8192"
    );
}
