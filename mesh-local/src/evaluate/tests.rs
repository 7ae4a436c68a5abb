//! Values as CloudFormation would find them, and mistakes with their place and their offender.

use super::*;
use serde_json::json;

fn evaluate(value: &Json) -> Result<Json, String> {
    let template = json!({
        "Parameters": {
            "Stage": {"Type": "String", "Default": "test"},
            "Subnets": {"Type": "List<AWS::EC2::Subnet::Id>"}
        },
        "Resources": {
            "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": {"Fn::Sub": "mesh-${Stage}"}}},
            "Namespace": {"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": "sc"}},
            "Odd": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": {"Ref": "Odd"}}},
            "Subject": {"Type": "AWS::ECS::Service", "Properties": {"Value": value}}
        }
    });
    let template = Template::from_json(&template.to_string()).expect("a template");
    let mut problems = Problems::none();
    let evaluation = Evaluation::new(&template, "demo", &BTreeMap::new(), &mut problems);
    let properties = evaluation.properties("Subject", &mut problems);
    problems
        .or(properties.get("Value").cloned().unwrap_or(Json::Null))
        .map_err(|problems| problems.to_string())
}

#[test]
fn values_are_found_as_cloudformation_finds_them() {
    for (value, expected) in [
        (json!("plain"), json!("plain")),
        (json!({"Ref": "Stage"}), json!("test")),
        (json!({"Ref": "Subnets"}), json!(["local-Subnets"])),
        (json!({"Ref": "Cluster"}), json!("mesh-test")),
        (json!({"Ref": "AWS::Region"}), json!("local")),
        (
            json!({"Fn::GetAtt": ["Cluster", "Arn"]}),
            json!("arn:aws:ecs:local:000000000000:cluster/mesh-test"),
        ),
        (json!({"Fn::GetAtt": "Namespace.Id"}), json!("ns-namespace")),
        (
            json!({"Fn::Sub": "${AWS::StackName}/${Cluster.Arn}/${!Raw}"}),
            json!("demo/arn:aws:ecs:local:000000000000:cluster/mesh-test/${Raw}"),
        ),
        (
            json!({"Fn::Sub": ["${A}-${Stage}", {"A": {"Ref": "Cluster"}}]}),
            json!("mesh-test-test"),
        ),
        (
            json!({"Fn::Join": ["-", ["a", {"Ref": "Stage"}, 1]]}),
            json!("a-test-1"),
        ),
        (json!({"Fn::Select": ["1", {"Fn::Split": [",", "a,b"]}]}), json!("b")),
        (json!([{"Ref": "AWS::NoValue"}, 1]), json!([1])),
        (json!({"Ref": "Stage", "Other": 1}), json!({"Ref": "Stage", "Other": 1})),
    ] {
        assert_eq!(evaluate(&value), Ok(expected), "{value}");
    }
}

#[test]
fn mistakes_are_named_where_they_are() {
    for (value, expected) in [
        (
            json!({"Ref": "Nothing"}),
            "refers to `Nothing`, which is neither a parameter nor a resource",
        ),
        (
            json!({"Fn::GetAtt": ["Cluster", "Size"]}),
            "`Cluster` is a AWS::ECS::Cluster, which has no attribute `Size` here",
        ),
        (
            json!({"Fn::ImportValue": "x"}),
            "`Fn::ImportValue` cannot be evaluated here",
        ),
        (
            json!({"Fn::Select": [2, ["a"]]}),
            "Fn::Select has no item 2 in a list of 1",
        ),
        (json!({"Fn::Sub": "${open"}), "`${` is not closed in `${open`"),
    ] {
        let problem = evaluate(&value).expect_err("a mistake");
        assert!(problem.starts_with("Resources.Subject.Properties.Value: "), "{problem}");
        assert!(problem.contains(expected), "{problem}");
    }
}

#[test]
fn a_mistake_in_another_resource_is_named_there() {
    let problem = evaluate(&json!({"Ref": "Odd"})).expect_err("a mistake");
    assert_eq!(
        problem,
        "Resources.Odd.Properties.ClusterName: depends on itself: Odd -> Odd"
    );
}

#[test]
fn parameters_are_checked_all_at_once() {
    let template = Template::from_json(
        &json!({
            "Parameters": {
                "Needed": {"Type": "String"},
                "Choice": {"Type": "String", "AllowedValues": ["a", "b"], "Default": "a"}
            },
            "Resources": {"Cluster": {"Type": "AWS::ECS::Cluster"}}
        })
        .to_string(),
    )
    .expect("a template");
    let given = [("Choice", "c"), ("Chocie", "a")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut problems = Problems::none();
    Evaluation::new(&template, "demo", &BTreeMap::from(given), &mut problems);
    assert_eq!(
        problems.to_string(),
        "Parameters.Chocie: the template has no such parameter; it has Needed, Choice\n\
         Parameters.Needed: needs a value: it has no default; give one with --parameter Needed=VALUE\n\
         Parameters.Choice: is `c`; allowed are a, b"
    );
}
