//! Stacks that import from each other.

use super::*;

fn importing(name: &Json) -> Json {
    json!({
        "Parameters": {"Env": {"Type": "String", "Default": "test"}},
        "Resources": {"Subject": {"Type": "AWS::ECS::Service", "Properties": {"Value": {"Fn::ImportValue": name}}}}
    })
}

fn exporting(outputs: Json) -> Json {
    json!({
        "Parameters": {"Env": {"Type": "String", "Default": "test"}},
        "Conditions": {"Never": {"Fn::Equals": [1, 2]}},
        "Resources": {"Cluster": {"Type": "AWS::ECS::Cluster"}},
        "Outputs": outputs
    })
}

fn evaluate_all(templates: &[(&str, Json)]) -> (Json, String) {
    with_stacks(templates, |stacks, diagnostics| {
        let value = subject(stacks, diagnostics);
        stacks.check_import_cycles(diagnostics);
        value
    })
}

#[test]
fn a_stack_imports_what_another_exports_whichever_comes_first() {
    let outputs = json!({"C": {
        "Value": {"Fn::GetAtt": "Cluster.Arn"}, "Export": {"Name": {"Fn::Sub": "${Env}:Cluster"}}}});
    let exporting = ("base", exporting(outputs));
    let importing = ("app", importing(&json!({"Fn::Sub": "${Env}:Cluster"})));
    for order in [[exporting.clone(), importing.clone()], [importing, exporting]] {
        let (value, diagnostics) = evaluate_all(&order);
        assert_eq!(diagnostics, "");
        assert_eq!(value, "arn:aws:ecs:local:000000000000:cluster/base-Cluster");
    }
}

#[test]
fn what_no_stack_exports_is_unknown() {
    for outputs in [
        json!({}),
        json!({"C": {"Value": 1, "Export": {"Name": "base:Clustr"}}}),
        json!({"C": {"Value": 1, "Export": {"Name": "base:Cluster"}, "Condition": "Never"}}),
    ] {
        let (value, diagnostics) =
            evaluate_all(&[("base", exporting(outputs)), ("app", importing(&json!("base:Cluster")))]);
        assert_eq!((value, diagnostics.as_str()), (json!("base:Cluster"), ""));
    }
}

#[test]
fn exports_have_names_of_their_own() {
    let output = |name: Json| json!({"Value": 1, "Export": {"Name": name}});
    let (_, diagnostics) = evaluate_all(&[
        (
            "a",
            exporting(json!({"A": output(json!("x")), "B": output(json!({"Fn::Sub": "${Env}"}))})),
        ),
        (
            "b",
            exporting(json!({"C": output(json!("x")), "D": output(json!(["y"]))})),
        ),
        ("b", importing(&json!("x"))),
    ]);
    assert_eq!(
        diagnostics,
        "stack b: is specified twice\n\
         b/Outputs.C.Export.Name: `x` is already exported by a/Outputs.A\n\
         b/Outputs.D.Export.Name: must be a string"
    );
}

#[test]
fn circles_of_stacks_and_of_values_are_noticed() {
    let stack = |own: &str, other: &str| {
        json!({
            "Resources": {"Subject": {"Type": "AWS::ECS::Service", "Properties": {"Value": {"Fn::ImportValue": other}}}},
            "Outputs": {
                "Plain": {"Value": own, "Export": {"Name": own}},
            }
        })
    };
    let (_, diagnostics) = with_stacks(
        &[("a", stack("of-a", "of-b")), ("b", stack("of-b", "of-a"))],
        |stacks, diagnostics| {
            for resource in stacks.resources(diagnostics) {
                resource.properties(&|_| true, &mut Vec::new(), diagnostics);
            }
            stacks.check_import_cycles(diagnostics);
        },
    );
    assert_eq!(
        diagnostics,
        "stack a: a, b import from each other: none of them can be created first"
    );

    let through = |own: &str, other: &str| {
        json!({
            "Resources": {"Subject": {"Type": "AWS::ECS::Service", "Properties": {"Value": {"Fn::ImportValue": own}}}},
            "Outputs": {"Through": {"Value": {"Fn::ImportValue": other}, "Export": {"Name": own}}}
        })
    };
    let (_, diagnostics) = evaluate_all(&[("a", through("x", "y")), ("b", through("y", "x"))]);
    assert!(
        diagnostics
            .starts_with("b/Outputs.Through.Value: depends on itself: a/Outputs.Through -> b/Outputs.Through -> a/"),
        "{diagnostics}"
    );
}

#[test]
fn macros_are_refused_and_more_functions_are_none() {
    let template = |transform: Json| json!({"Transform": transform, "Resources": {}});
    for transform in [json!("AWS::LanguageExtensions"), json!(["AWS::LanguageExtensions"])] {
        assert_eq!(evaluate_all(&[("a", template(transform))]).1, "");
    }
    let (_, diagnostics) = evaluate_all(&[("a", template(json!([{"Name": "Own::Macro"}])))]);
    assert_eq!(
        diagnostics,
        "Transform: `Own::Macro` is a macro, which cannot be run locally"
    );
    // SAM leaves other resources as they are.
    assert_eq!(
        evaluate_all(&[("a", template(json!("AWS::Serverless-2016-10-31")))]).1,
        ""
    );
}
