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

/// Rules, weights, and a load balancer inside of the network.
#[test]
fn load_balancers_lead_from_the_internet_to_services() {
    let forward = |group: &str| json!([{"Type": "forward", "TargetGroupArn": {"Ref": group}}]);
    let listener = |load_balancer: &str, protocol: &str, port: u16, actions: serde_json::Value| {
        json!({"Type": "AWS::ElasticLoadBalancingV2::Listener", "Properties": {
            "LoadBalancerArn": {"Ref": load_balancer}, "Protocol": protocol, "Port": port, "DefaultActions": actions
        }})
    };
    let rule = |conditions: serde_json::Value, actions: serde_json::Value| {
        json!({"Type": "AWS::ElasticLoadBalancingV2::ListenerRule", "Properties": {
            "ListenerArn": {"Ref": "Https"}, "Priority": 1, "Conditions": conditions, "Actions": actions
        }})
    };
    let service = |groups: &[&str]| {
        let targets = groups
            .iter()
            .map(|group| json!({"TargetGroupArn": {"Ref": group}, "ContainerName": "app", "ContainerPort": 80}));
        json!({"Type": "AWS::ECS::Service", "Properties": {
            "TaskDefinition": "app:1", "LoadBalancers": targets.collect::<Vec<_>>()
        }})
    };
    let group = || json!({"Type": "AWS::ElasticLoadBalancingV2::TargetGroup"});
    let redirect = json!([{"Type": "redirect", "RedirectConfig": {"Protocol": "HTTPS", "StatusCode": "HTTP_301"}}]);
    let weighted = json!([{"Type": "forward", "ForwardConfig": {"TargetGroups": [
        {"TargetGroupArn": {"Ref": "BlueGroup"}, "Weight": 90}, {"TargetGroupArn": {"Ref": "GreenGroup"}, "Weight": 10}
    ]}}]);
    let document = json!({"Resources": {
        "Alb": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer"},
        "Http": listener("Alb", "HTTP", 80, redirect),
        "Https": listener("Alb", "HTTPS", 443, forward("WebGroup")),
        "Api": rule(json!([{"Field": "path-pattern", "Values": ["/api/*", "/v1/*"]}]), weighted),
        "Beta": rule(
            json!([
                {"Field": "host-header", "HostHeaderConfig": {"Values": [{"Ref": "BetaHost"}]}},
                {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "x-beta", "Values": ["on"]}},
            ]),
            forward("GreenGroup"),
        ),
        "Nlb": {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": {
            "Type": "network", "Scheme": "internal"
        }},
        "Tcp": listener("Nlb", "TCP", 5432, forward("DbGroup")),
        "WebGroup": group(), "BlueGroup": group(), "GreenGroup": group(), "DbGroup": group(),
        "Web": service(&["WebGroup"]), "Blue": service(&["BlueGroup"]), "Green": service(&["GreenGroup"]),
        "Db": service(&["DbGroup"]),
    }, "Parameters": {"BetaHost": {"Type": "String"}}});
    let template = Template::from_json(&document.to_string()).unwrap();
    assert_golden!("load_balancers.mmd", &diagram(&template));
}

#[test]
fn a_template_without_services() {
    assert_golden!("empty.mmd", &diagram(&Template::default()));
}
