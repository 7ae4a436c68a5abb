//! Evaluation comes to an end whatever it is given: a value or a problem, never a panic.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Values made of the names that functions have, in places where they belong and where they do not.
fn any_value() -> impl Strategy<Value = Json> {
    let word = prop::sample::select(vec![
        "Stage",
        "Cluster",
        "Odd",
        "Spare",
        "Tangled",
        "IsTest",
        "Circle",
        "Sizes",
        "test",
        "Cpu",
        "-",
        "",
        "${Cluster}",
        "${Odd.Arn}",
        "${",
        "10.0.0.0/8",
        "other:Export",
        "own:Export",
        "Cluster.Arn",
    ]);
    let key = prop::sample::select(vec![
        "Ref",
        "Condition",
        "Fn::GetAtt",
        "Fn::Sub",
        "Fn::If",
        "Fn::Join",
        "Fn::Select",
        "Fn::Split",
        "Fn::FindInMap",
        "Fn::Base64",
        "Fn::Cidr",
        "Fn::GetAZs",
        "Fn::Equals",
        "Fn::ImportValue",
        "Fn::Length",
        "Fn::ToJsonString",
        "Other",
    ]);
    let scalar = prop_oneof![
        word.prop_map(Json::from),
        (-2..40_i64).prop_map(Json::from),
        Just(Json::Null)
    ];
    scalar.prop_recursive(6, 48, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            (key.clone(), inner).prop_map(|(key, value)| json!({ key: value })),
        ]
    })
}

/// A stack whose subject and exports are these, and whose condition may hold.
fn stack(name: &str, parts: &[Json; 4]) -> Json {
    let [subject, exported, export_name, condition] = parts;
    json!({
        "Conditions": {"IsTest": condition},
        "Resources": {
            "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ClusterName": exported}},
            "Odd": {"Type": "AWS::AppMesh::VirtualNode", "Properties": {"MeshName": subject}},
            "Sizes": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": exported, "Value": subject}},
            "Spare": {"Type": "AWS::EC2::VPC", "Condition": "IsTest"},
            "Subject": {"Type": "AWS::ECS::Service", "Properties": {"Value": subject}}
        },
        "Outputs": {
            "A": {"Value": exported, "Export": {"Name": format!("{name}:Export")}},
            "B": {"Value": subject, "Export": {"Name": export_name}, "Condition": "IsTest"}
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_has_an_end(value in any_value()) {
        let _found = evaluate(&value);
    }

    #[test]
    fn any_stacks_have_an_end(
        own in prop::array::uniform4(any_value()),
        other in prop::array::uniform4(any_value()),
    ) {
        let templates = [("own", stack("own", &own)), ("other", stack("other", &other))];
        with_stacks(&templates, |stacks, diagnostics| {
            for resource in stacks.resources(diagnostics) {
                resource.properties(&|_| true, &mut Vec::new(), diagnostics);
                resource.physical_id(diagnostics);
                resource.attribute("Value", diagnostics);
            }
            stacks.check_import_cycles(diagnostics);
        });
    }
}
