//! Evaluated values, and errors with their path.

mod any;
mod resources;
mod stacks;

use std::collections::BTreeMap;

use cfn::{Template, unknown};
use serde_json::{Value as Json, json};
use sidecar_contract::Diagnostics;

use super::resource_types::SIMULATED;
use super::*;
use crate::stack_environment::StackEnvironment;
use crate::stack_input::StackInput;

/// What `found` finds in these stacks, and everything that is wrong.
fn with_stacks<T>(templates: &[(&str, Json)], find: impl FnOnce(&Stacks<'_>, &mut Diagnostics) -> T) -> (T, String) {
    let templates: Vec<(&str, Template)> = templates
        .iter()
        .map(|(name, json)| (*name, Template::from_json(&json.to_string()).expect("a template")))
        .collect();
    let parameters = BTreeMap::new();
    let stacks: Vec<StackInput<'_>> = templates
        .iter()
        .map(|(name, template)| StackInput {
            name,
            template,
            parameters: &parameters,
        })
        .collect();
    let mut diagnostics = Diagnostics::new();
    let environment = StackEnvironment::default();
    let prepared = PreparedStacks::new(&stacks, &environment, &mut diagnostics);
    let stacks = Stacks::new(&prepared, &environment, &mut diagnostics);
    let found = find(&stacks, &mut diagnostics);
    (found, diagnostics.to_string())
}

/// The property `Value` of the resource `Subject`, which one of the stacks has.
fn subject(stacks: &Stacks<'_>, diagnostics: &mut Diagnostics) -> Json {
    let subjects = stacks.evaluator().stacks().filter_map(|stack| {
        let (id, resource) = stack.template().resources.get_key_value("Subject")?;
        let kind = resource.kind.as_str();
        Some((stack, id, kind))
    });
    let environment = StackEnvironment::default();
    let properties: Vec<Json> = subjects
        .map(|(stack, id, kind)| {
            let subject = Resource {
                stack,
                environment: &environment,
                id,
                kind,
            };
            subject.properties(&|_| true, &mut Vec::new(), diagnostics)
        })
        .collect();
    let value = properties.first().and_then(|properties| properties.get("Value"));
    value.cloned().unwrap_or_default()
}

fn evaluate(value: &Json) -> Result<Json, String> {
    let template = json!({
        "Parameters": {
            "Stage": {"Type": "String", "Default": "test"},
            "Subnets": {"Type": "List<AWS::EC2::Subnet::Id>"}
        },
        "Mappings": {"Sizes": {"test": {"Cpu": 256}}},
        "Conditions": {
            "IsTest": {"Fn::Equals": [{"Ref": "Stage"}, "test"]},
            "IsLive": {"Fn::Not": [{"Condition": "IsTest"}]},
            "Either": {"Fn::Or": [{"Condition": "IsLive"}, {"Fn::Equals": [1, "1"]}]},
            "Both": {"Fn::And": [{"Condition": "IsTest"}, {"Condition": "IsLive"}]},
            "Circle": {"Fn::Not": [{"Condition": "Circle"}]},
            "Tangle": {"Fn::Equals": [{"Ref": "Tangled"}, "x"]}
        },
        "Resources": {
            "Spare": {"Type": "AWS::ECS::Cluster", "Condition": "IsLive"},
            "Tangled": {"Type": "AWS::ECS::Cluster", "Condition": "Tangle"},
            "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": {"Fn::Sub": "mesh-${Stage}"}}},
            "Namespace": {"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": "sc"}},
            "Odd": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": {"Ref": "Odd"}}},
            "Subject": {"Type": "AWS::ECS::Service", "Properties": {"Value": value}}
        }
    });
    let (value, diagnostics) = with_stacks(&[("demo", template)], subject);
    if diagnostics.is_empty() {
        Ok(value)
    } else {
        Err(diagnostics)
    }
}

#[test]
fn values_are_found_as_cloudformation_finds_them() {
    for (value, expected) in [
        (json!("plain"), json!("plain")),
        (json!({"Ref": "Stage"}), json!("test")),
        (json!({"Ref": "Subnets"}), json!("Subnets")),
        (json!({"Ref": "Cluster"}), json!("mesh-test")),
        (json!({"Ref": "AWS::Region"}), json!("local")),
        (
            json!({"Fn::GetAtt": ["Cluster", "Arn"]}),
            json!("arn:aws:ecs:local:000000000000:cluster/mesh-test"),
        ),
        (json!({"Fn::GetAtt": "Namespace.Id"}), json!("ns-demo-namespace")),
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
        (json!({"Fn::If": ["IsTest", 1, 2]}), json!(1)),
        (
            json!({"Fn::If": ["Both", 1, {"Fn::If": ["Either", {"Ref": "Stage"}, 2]}]}),
            json!("test"),
        ),
        (json!([{"Fn::If": ["IsLive", 1, {"Ref": "AWS::NoValue"}]}]), json!([])),
        (json!({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "Cpu"]}), json!(256)),
        (json!({"Fn::Base64": {"Fn::Sub": "${Stage}!"}}), json!("dGVzdCE=")),
        (json!({"Fn::Select": [1, {"Fn::GetAZs": ""}]}), json!("local-b")),
        (
            json!({"Fn::Cidr": ["10.0.0.0/16", "2", 8]}),
            json!(["10.0.0.0/24", "10.0.1.0/24"]),
        ),
        (json!({"Fn::Length": {"Ref": "Subnets"}}), json!("Subnets")),
        (json!({"Fn::Select": [1, {"Ref": "Subnets"}]}), json!("Subnets")),
        (json!({"Fn::Sub": "a-${Subnets}"}), json!("a-Subnets")),
        (json!({"Fn::ImportValue": "network:Subnet"}), json!("network:Subnet")),
        (json!("{{resolve:ssm:/db/host}}"), json!("{{resolve:ssm:/db/host}}")),
        (
            json!({"Fn::ToJsonString": {"portMapping": {"port": 80, "of": {"Ref": "Stage"}}}}),
            json!(r#"{"portMapping":{"port":80,"of":"test"}}"#),
        ),
        (json!({"Condition": {"Ref": "Stage"}}), json!({"Condition": "test"})),
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
            "`Cluster` is an AWS::ECS::Cluster, which has no attribute `Size` here",
        ),
        (json!({"Fn::If": ["IsGone", 1, 2]}), "condition `IsGone` does not exist"),
        (
            json!({"Ref": "Spare"}),
            "refers to `Spare`, which does not exist: its condition is false",
        ),
        (
            json!({"Fn::FindInMap": ["Sizes", "live", "Cpu"]}),
            "Fn::FindInMap: no entry Sizes / live / Cpu",
        ),
        (
            json!({"Fn::Cidr": ["10.0.0.0/24", 2, 8]}),
            "Fn::Cidr cannot divide 10.0.0.0/24, 2, 8",
        ),
        (
            json!({"Fn::Transform": {"Name": "AWS::Include"}}),
            "`Fn::Transform` is not supported; supported functions are",
        ),
        (json!({"Fn::Length": "abc"}), "Fn::Length requires a list"),
        (
            json!({"Fn::Select": [2, ["a"]]}),
            "Fn::Select: index 2 is out of range for a list of 1",
        ),
        (json!({"Fn::Sub": "${open"}), "`${` is not closed in `${open`"),
    ] {
        let diagnostic = evaluate(&value).expect_err("an error");
        assert!(
            diagnostic.starts_with("Resources.Subject.Properties.Value: "),
            "{diagnostic}"
        );
        assert!(diagnostic.contains(expected), "{diagnostic}");
    }
}

#[test]
fn a_mistake_in_another_resource_is_named_there() {
    let diagnostic = evaluate(&json!({"Ref": "Odd"})).expect_err("an error");
    assert_eq!(
        diagnostic,
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
    let mut diagnostics = Diagnostics::new();
    let stack = StackInput {
        name: "demo",
        template: &template,
        parameters: &BTreeMap::from(given),
    };
    drop(PreparedStacks::new(
        &[stack],
        &StackEnvironment::default(),
        &mut diagnostics,
    ));
    assert_eq!(
        diagnostics.to_string(),
        "Parameters.Chocie: the template has no such parameter; did you mean Choice?\n\
         Parameters.Needed: needs a value: it has no default; give one with --parameter Needed=VALUE\n\
         Parameters.Choice: is `c`; allowed is one of a, b"
    );
}

#[test]
fn circles_are_noticed_wherever_they_begin() {
    for (value, expected) in [
        (
            json!({"Fn::If": ["Circle", 1, 2]}),
            "Conditions.Circle: the condition `Circle` depends on itself",
        ),
        (
            json!({"Ref": "Tangled"}),
            "Resources.Tangled.Condition: the condition `Tangle` depends on itself",
        ),
    ] {
        let diagnostics = evaluate(&value).expect_err("a circle");
        assert!(diagnostics.contains(expected), "{diagnostics}");
    }
}

#[test]
fn names_that_double_with_every_resource_come_to_an_end() {
    let mut resources = serde_json::Map::new();
    for number in 0..60 {
        let name = json!({"Fn::Sub": format!("${{C{next}}}${{C{next}}}", next = number + 1)});
        let cluster = json!({"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": name}});
        resources.insert(format!("C{number}"), cluster);
    }
    resources.insert("C60".to_owned(), json!({"Type": "AWS::ECS::Cluster"}));
    let template = json!({ "Resources": resources });
    let (_, diagnostics) = with_stacks(&[("demo", template)], |stacks, diagnostics| {
        let resources = stacks.resources(diagnostics);
        resources[0].physical_id(diagnostics)
    });
    assert!(diagnostics.contains("at most 1024 are allowed"), "{diagnostics}");
}

#[test]
fn chains_of_any_length_come_to_an_end() {
    let mut resources = serde_json::Map::new();
    for number in 0..5000 {
        let mut name = json!({"Ref": format!("C{}", number + 1)});
        for _ in 0..3 {
            name = json!({"Fn::Join": ["", [name]]});
        }
        let cluster = json!({"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": name}});
        resources.insert(format!("C{number}"), cluster);
    }
    resources.insert("C5000".to_owned(), json!({"Type": "AWS::ECS::Cluster"}));
    let template = json!({ "Resources": resources });
    let (_, diagnostics) = with_stacks(&[("demo", template)], |stacks, diagnostics| {
        let resources = stacks.resources(diagnostics);
        resources[0].physical_id(diagnostics)
    });
    assert!(
        diagnostics.contains("nested more than 256 levels deep"),
        "{diagnostics}"
    );
}
