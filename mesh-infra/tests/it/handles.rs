//! Handles: the references that they return, and errors of handles of another stack.

use mesh_infra::{Cluster, HttpNamespace, Network, Output, Parameter, Resource, Service, Stack, Value};
use serde_json::json;

use crate::serviceconnect::{demo_stack, demo_task};

#[test]
fn handles_return_references() {
    let mut stack = Stack::new("handles");
    let namespace = stack.add("Namespace", HttpNamespace::new("serviceconnect"));
    let cluster = stack.add("Cluster", Cluster::new());
    let network = stack.add("Network", Network::in_subnets(["subnet-1"]).with_public_ips());
    let service = stack.add("blue", Service::new(&cluster, demo_task("demo")).with_network(&network));
    for (value, json) in [
        (namespace.arn(), json!({"Fn::GetAtt": ["handles/Namespace", "Arn"]})),
        (namespace.id(), json!({"Ref": "handles/Namespace"})),
        (cluster.name(), json!({"Ref": "handles/Cluster"})),
        (cluster.arn(), json!({"Fn::GetAtt": ["handles/Cluster", "Arn"]})),
        (service.arn(), json!({"Ref": "handles/BlueService"})),
        (service.name(), json!({"Fn::GetAtt": ["handles/BlueService", "Name"]})),
        (
            service.task_definition_arn(),
            json!({"Ref": "handles/BlueTaskDefinition"}),
        ),
    ] {
        // They may be used in another stack of the app; synthesis resolves them.
        assert_eq!(value.to_json(), json);
    }
}

#[test]
fn raw_resources_are_added_unchanged() {
    let mut stack = Stack::new("raw");
    let image = stack.add("Image", Parameter::new("String").with_default("demo:1"));
    let topic = stack.add(
        "Topic",
        Resource::new("AWS::SNS::Topic", json!({"DisplayName": image.value::<String>()})),
    );
    stack.add("Topic", Output::new::<String>(topic.attribute("TopicArn")));
    stack.override_property("Topic", "Tags", json!([{"Key": "team", "Value": "mesh"}]));
    let template = stack.synth().unwrap();
    assert_eq!(
        template.outputs["Topic"].value,
        json!({"Fn::GetAtt": ["Topic", "TopicArn"]})
    );
    template
        .has_resource(
            "AWS::SNS::Topic",
            &json!({"DisplayName": {"Ref": "Image"}, "Tags": [{"Key": "team"}]}),
        )
        .unwrap();
}

#[test]
fn overrides_replace_what_constructs_wrote() {
    let mut stack = demo_stack();
    let public = "NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp";
    stack.override_property("GreenService", public, "ENABLED");
    stack.override_property("GreenService", "DeploymentConfiguration", serde_json::Value::Null);
    stack.override_property("GreenTaskDefinition", "ContainerDefinitions[0].Cpu", 128);
    let template = stack.synth().unwrap();
    let service = &template.resources["GreenService"].properties;
    assert_eq!(
        service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"],
        "ENABLED"
    );
    assert_eq!(service.get("DeploymentConfiguration"), None);
    let task = &template.resources["GreenTaskDefinition"].properties;
    assert_eq!(task["ContainerDefinitions"][0]["Cpu"], 128);
}

#[test]
fn handles_of_a_stack_outside_of_the_app_are_errors() {
    let mut first = Stack::new("first");
    let cluster = first.add("Cluster", Cluster::new());
    let mut second = Stack::new("second");
    second.add("Cluster", Cluster::new());
    let network = second.add("Network", Network::in_subnets([Value::from("subnet-1")]));
    second.add("blue", Service::new(&cluster, demo_task("demo")).with_network(&network));
    assert_eq!(
        second.synth().unwrap_err().to_string(),
        "Resources.BlueService.Properties.Cluster: refers to `Cluster` of stack `first`, which is not in the same app; add both stacks to one App"
    );
}
