//! Diagrams, compared with golden files.

use mesh_infra::{Template, diagram};
use serde_json::json;
use testkit::assert_golden;

use crate::serviceconnect::demo_stack;

#[test]
fn a_stack_of_constructs() {
    let template = demo_stack().synth().unwrap();
    assert_golden!("serviceconnect.mmd", &diagram(&template));
}

/// Late values, words that mean something to Mermaid, a client without endpoints, two clusters.
#[test]
fn a_template_of_another_tool() {
    let task = |image: serde_json::Value| {
        json!({"Type": "AWS::ECS::TaskDefinition", "Properties": {"ContainerDefinitions": [
            {"Name": "app", "Image": image, "PortMappings": [{"Name": "web", "ContainerPort": "8080"}]},
            {"Name": "log \"router\"", "Image": "fluent-bit:<latest>"}
        ]}})
    };
    let service = |cluster: serde_json::Value, count: serde_json::Value, offered: serde_json::Value| {
        json!({"Type": "AWS::ECS::Service", "Properties": {
            "Cluster": cluster,
            "DesiredCount": count,
            "TaskDefinition": {"Ref": "Task"},
            "ServiceConnectConfiguration": {"Enabled": true, "Services": offered}
        }})
    };
    let shared = json!({"Fn::ImportValue": "shared-cluster"});
    let document = json!({
        "Parameters": {"Image": {"Type": "String"}, "Count": {"Type": "Number"}},
        "Resources": {
            "ns": {"Type": "AWS::ServiceDiscovery::PrivateDnsNamespace", "Properties": {"Name": "corp.local"}},
            "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {
                "ServiceConnectDefaults": {"Namespace": {"Fn::GetAtt": ["ns", "Arn"]}}
            }},
            "Task": task(json!({"Fn::Sub": "${AWS::AccountId}.dkr.ecr/${Image}"})),
            "end": service(json!({"Ref": "Cluster"}), json!({"Ref": "Count"}), json!([{"PortName": "web"}])),
            "client": service(json!({"Fn::GetAtt": "Cluster.Arn"}), json!("3"), json!([])),
            "elsewhere": service(shared, json!(0), json!([
                {"PortName": "web", "ClientAliases": [{"Port": {"Ref": "Count"}, "DnsName": "payments"}]}
            ])),
            "Plain": {"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": "arn:aws:ecs:x:1:task-definition/t:1"}}
        }
    });
    let template = Template::from_json(&document.to_string()).unwrap();
    assert_golden!("foreign.mmd", &diagram(&template));
}

#[test]
fn a_template_without_services() {
    assert_golden!("empty.mmd", &diagram(&Template::default()));
}
