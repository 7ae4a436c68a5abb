//! Evaluation with a resolver that knows little: what is known, what remains, and what is reported.

mod language_extensions;
mod limits;
mod nested_stacks;
mod resolved_values;
mod stacks;

use serde_json::{Value as Json, json};

use super::*;

/// Knows the name of `Blue`, the text of `Odd`, the region and its zones.
#[derive(Debug)]
struct Little;

impl Resolver for Little {
    fn pseudo_parameter(&self, _: StackScope<'_>, name: &str) -> Option<Json> {
        (name == "AWS::Region").then(|| json!("eu-west-1"))
    }

    fn resource(&self, reference: Reference<'_>, _: &mut Context<'_>) -> Resolution {
        match (reference.logical_id, reference.attribute) {
            ("Blue", Some("Name")) => Resolution::Known(json!("blue")),
            ("Odd", None) => Resolution::Known(json!("${x}")),
            _ => Resolution::Unknown,
        }
    }

    fn availability_zones(&self, region: &str) -> Option<Vec<String>> {
        matches!(region, "" | "eu-west-1").then(|| vec!["a".to_owned(), "b".to_owned()])
    }
}

fn template() -> Template {
    let document = json!({
        "Parameters": {"Stage": {"Type": "String"}, "Size": {"Type": "String"}},
        "Mappings": {"Sizes": {"test": {"Cpu": 256}}},
        "Conditions": {
            "IsTest": {"Fn::Equals": [{"Ref": "Stage"}, "test"]},
            "IsLive": {"Fn::Not": [{"Condition": "IsTest"}]},
            "IsLarge": {"Fn::Equals": [{"Ref": "Size"}, "large"]},
            "LargeTest": {"Fn::And": [{"Condition": "IsLarge"}, {"Condition": "IsTest"}]},
            "LargeLive": {"Fn::And": [{"Condition": "IsLarge"}, {"Condition": "IsLive"}]},
            "LargeOrTest": {"Fn::Or": [{"Condition": "IsLarge"}, {"Condition": "IsTest"}]},
            "LargeOrLive": {"Fn::Or": [{"Condition": "IsLarge"}, {"Condition": "IsLive"}]},
            "Cycle": {"Condition": "Cycle"}
        },
        "Resources": {
            "Blue": {"Type": "AWS::ECS::Service"},
            "Odd": {"Type": "AWS::SSM::Parameter"},
            "Live": {"Type": "AWS::ECS::Cluster", "Condition": "IsLive"},
            "Large": {"Type": "AWS::ECS::Cluster", "Condition": "IsLarge"}
        }
    });
    Template::from_json(&document.to_string()).expect("a template")
}

/// The value, and the errors reported.
fn evaluate(json: &Json) -> (Evaluated, String) {
    let template = template();
    let stack = StackInput {
        name: "demo",
        template: &template,
        parameters: [("Stage".to_owned(), json!("test"))].into(),
    };
    let mut diagnostics = Diagnostics::new();
    let evaluator = Evaluator::with_stacks([stack], Little, &mut diagnostics);
    let stack = evaluator.stacks().next().expect("one stack");
    let value = stack.evaluate(json, "P", &mut Context::new(&mut diagnostics));
    (value.unwrap_or(Evaluated::Known(Json::Null)), diagnostics.to_string())
}

#[test]
fn evaluates_known_values() {
    for (expression, expected) in [
        (json!([{"Fn::GetAtt": ["Blue", "Name"]}, 3]), json!(["blue", 3])),
        (json!({"Fn::GetAtt": "Blue.Name"}), json!("blue")),
        (json!({"Fn::Sub": "a-${Blue.Name}-${!b}"}), json!("a-blue-${b}")),
        (
            json!({"Fn::Join": [".", [{"Fn::GetAtt": ["Blue", "Name"]}, "appmesh"]]}),
            json!("blue.appmesh"),
        ),
        (
            json!({"Fn::If": ["IsTest", {"Ref": "Stage"}, {"Ref": "Nothing"}]}),
            json!("test"),
        ),
        (json!([{"Fn::If": ["IsLive", 1, {"Ref": "AWS::NoValue"}]}]), json!([])),
        (json!({"Fn::If": ["LargeLive", 1, 2]}), json!(2)),
        (json!({"Fn::If": ["LargeOrTest", 1, 2]}), json!(1)),
        (
            json!({"Fn::Select": [1, {"Fn::GetAZs": {"Ref": "AWS::Region"}}]}),
            json!("b"),
        ),
        (json!({"Fn::Select": ["1", [{"Ref": "Size"}, "x"]]}), json!("x")),
        (json!({"Fn::Length": [{"Ref": "Size"}, "x"]}), json!(2)),
        (json!({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "Cpu"]}), json!(256)),
        (json!({"Fn::Base64": {"Fn::Sub": "${Stage}!"}}), json!("dGVzdCE=")),
        (
            json!({"Fn::ToJsonString": {"a": {"Ref": "Stage"}}}),
            json!(r#"{"a":"test"}"#),
        ),
        (json!({"Fn::Cidr": ["10.0.0.0/16", 1, 8]}), json!(["10.0.0.0/24"])),
    ] {
        let (value, errors) = evaluate(&expression);
        assert_eq!(value, Evaluated::Known(expected), "{expression}");
        assert_eq!(errors, "", "{expression}");
    }
}

#[test]
fn keeps_the_expression_of_an_unknown_value() {
    for (expression, remaining, rendered) in [
        (json!({"Ref": "Size"}), json!({"Ref": "Size"}), "${Size}"),
        (
            json!({"Fn::GetAtt": "Blue.Arn"}),
            json!({"Fn::GetAtt": "Blue.Arn"}),
            "${Blue.Arn}",
        ),
        (
            json!({"Fn::Sub": "${Odd}-${AWS::StackName}-${!b}"}),
            json!({"Fn::Sub": "${!x}-${AWS::StackName}-${!b}"}),
            "${x}-${AWS::StackName}-${b}",
        ),
        (
            json!({"Fn::Sub": ["${B}-${R}", {"B": {"Fn::GetAtt": ["Blue", "Name"]}, "R": {"Ref": "Size"}}]}),
            json!({"Fn::Sub": ["blue-${R}", {"R": {"Ref": "Size"}}]}),
            "blue-${Size}",
        ),
        (
            json!({"Fn::Join": ["-", [{"Ref": "Stage"}, {"Ref": "Size"}]]}),
            json!({"Fn::Join": ["-", ["test", {"Ref": "Size"}]]}),
            "test-${Size}",
        ),
        (
            json!({"Fn::If": ["IsLarge", {"Ref": "Odd"}, {"Ref": "AWS::NoValue"}]}),
            json!({"Fn::If": ["IsLarge", "${x}", {"Ref": "AWS::NoValue"}]}),
            r#"{"Fn::If":["IsLarge","${x}",{"Ref":"AWS::NoValue"}]}"#,
        ),
        (
            json!({"Fn::If": ["LargeTest", 1, 2]}),
            json!({"Fn::If": ["LargeTest", 1, 2]}),
            r#"{"Fn::If":["LargeTest",1,2]}"#,
        ),
        (
            json!({"Fn::Select": [0, [{"Fn::If": ["IsLarge", 1, {"Ref": "AWS::NoValue"}]}, 2]]}),
            json!({"Fn::Select": [0, [{"Fn::If": ["IsLarge", 1, {"Ref": "AWS::NoValue"}]}, 2]]}),
            r#"{"Fn::Select":[0,[{"Fn::If":["IsLarge",1,{"Ref":"AWS::NoValue"}]},2]]}"#,
        ),
        (
            json!({"Fn::Select": [1, [1, {"Ref": "Size"}]]}),
            json!({"Ref": "Size"}),
            "${Size}",
        ),
        (
            json!({"Fn::Split": [",", {"Ref": "Size"}]}),
            json!({"Fn::Split": [",", {"Ref": "Size"}]}),
            r#"{"Fn::Split":[",",{"Ref":"Size"}]}"#,
        ),
        (
            json!({"Fn::ImportValue": {"Fn::Sub": "${Stage}-vpc"}}),
            json!({"Fn::ImportValue": {"Fn::Sub": "${Stage}-vpc"}}),
            "the import `${Stage}-vpc`",
        ),
        (
            json!({"Fn::GetAZs": "us-east-1"}),
            json!({"Fn::GetAZs": "us-east-1"}),
            r#"{"Fn::GetAZs":"us-east-1"}"#,
        ),
        (json!({"Ref": "Large"}), json!({"Ref": "Large"}), "${Large}"),
        (
            json!({"A": ["x", {"Ref": "Size"}]}),
            json!({"A": ["x", {"Ref": "Size"}]}),
            r#"{"A":["x",{"Ref":"Size"}]}"#,
        ),
    ] {
        let (value, errors) = evaluate(&expression);
        assert_eq!(value.to_string(), rendered, "{expression}");
        assert_eq!(value.known(), None, "{expression}");
        assert_eq!(value.into_expression(), remaining, "{expression}");
        assert_eq!(errors, "", "{expression}");
    }
}

#[test]
fn states_why_a_value_is_unknown_and_where() {
    let reason = |expression: Json| {
        let unknown = evaluate(&expression).0.into_known().expect_err("unknown");
        format!("{}: {}", unknown.path(), unknown.reason())
    };
    for (expression, expected) in [
        (
            json!({"A": [1, {"Fn::GetAtt": ["Blue", "Arn"]}]}),
            "P.A[1]: `Blue.Arn` is known only once deployed",
        ),
        (
            json!({"Fn::If": ["IsLarge", 1, 2]}),
            "P: `Size` is known only once deployed",
        ),
        (
            json!({"Fn::Transform": {"Name": "AWS::Include"}}),
            "P: `Fn::Transform` is not evaluated",
        ),
        (json!({"Ref": "Nothing"}), "P: the expression is invalid"),
    ] {
        assert_eq!(reason(expression), expected);
    }
}

#[test]
fn reports_errors_and_keeps_the_expression() {
    for (expression, expected) in [
        (
            json!({"Ref": "Nothing"}),
            "refers to `Nothing`, which is neither a parameter nor a resource",
        ),
        (
            json!({"Ref": "Live"}),
            "refers to `Live`, which does not exist: its condition is false",
        ),
        (
            json!({"Fn::GetAtt": ["Stage", "A"]}),
            "refers to `Stage`, which is not a resource",
        ),
        (json!({"Fn::If": ["Gone", 1, 2]}), "condition `Gone` does not exist"),
        (json!({"Fn::Sub": "${open"}), "Fn::Sub: `${` is not closed in `${open`"),
        (json!({"Fn::Length": "abc"}), "Fn::Length requires a list"),
        (
            json!({"Fn::Select": [2, ["a"]]}),
            "Fn::Select: index 2 is out of range for a list of 1",
        ),
        (
            json!({"Fn::FindInMap": ["Sizes", "live", "Cpu"]}),
            "Fn::FindInMap: no entry Sizes / live / Cpu; Sizes has test",
        ),
        (
            json!({"Fn::ForEach": [{"Ref": "Nothing"}]}),
            "`Fn::ForEach` is not supported; supported functions are Ref, Fn::GetAtt, Fn::Sub, Fn::If, Fn::Join, \
             Fn::Select, Fn::Split, Fn::FindInMap, Fn::Base64, Fn::Cidr, Fn::GetAZs, Fn::ImportValue, Fn::Length, \
             Fn::ToJsonString",
        ),
    ] {
        let (value, errors) = evaluate(&expression);
        assert_eq!(errors, format!("P: {expected}"));
        assert_eq!(value.into_expression(), expression);
    }
}

#[test]
fn conditions_are_known_if_their_unknown_parts_do_not_matter() {
    let template = template();
    let evaluator = Evaluator::new(&template, NothingKnown);
    assert_eq!(evaluator.condition("IsTest"), None);
    assert_eq!(evaluator.condition("Cycle"), None);
    assert_eq!(evaluator.condition("Gone"), None);
    assert_eq!(evaluate(&json!({"Fn::If": ["LargeOrLive", 1, 2]})).0.known(), None);
}

#[test]
fn detects_expressions() {
    assert!(contains_expression(&json!({"a": [{"Ref": "X"}]})));
    assert!(!contains_expression(&json!({"a": ["Ref"]})));
}
