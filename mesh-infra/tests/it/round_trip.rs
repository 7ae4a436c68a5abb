//! Templates survive reading and writing, and no input makes the crate panic.

use mesh_infra::{Stack, Template, check, diagram};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use crate::serviceconnect::demo_stack;

#[test]
fn templates_of_constructs_survive_a_round_trip() {
    let template = demo_stack().synth().unwrap();
    let written = template.to_json();
    let read = Template::from_json(&written).unwrap();
    assert_eq!(read, template);
    assert_eq!(read.to_json(), written);
}

/// Any JSON, with the words of templates among its keys and values so that the readers get somewhere.
fn any_json() -> impl Strategy<Value = Json> {
    let word = prop_oneof![
        Just("Ref".to_owned()),
        Just("Fn::GetAtt".to_owned()),
        Just("Fn::Sub".to_owned()),
        Just("Type".to_owned()),
        Just("Properties".to_owned()),
        Just("DependsOn".to_owned()),
        Just("ContainerDefinitions".to_owned()),
        Just("PortMappings".to_owned()),
        Just("Cpu".to_owned()),
        Just("${A.B}${".to_owned()),
        Just("Spec".to_owned()),
        Just("MeshName".to_owned()),
        Just("Listeners".to_owned()),
        Just("/meshwright/a".to_owned()),
        Just("A".to_owned()),
        "\\PC{0,8}",
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        word.clone().prop_map(Json::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::vec((word.clone(), inner), 0..5)
                .prop_map(|entries| Json::Object(entries.into_iter().collect())),
        ]
    })
}

fn service_with(configuration: Json, task: Json) -> Json {
    let mut service = Map::new();
    service.insert("TaskDefinition".to_owned(), json!({"Ref": "Task"}));
    service.insert("ServiceConnectConfiguration".to_owned(), configuration);
    json!({"Resources": {
        "Service": {"Type": "AWS::ECS::Service", "Properties": service},
        "Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": task}
    }})
}

fn mesh_with(name: &Json, spec: &Json, tags: &Json) -> Json {
    let resource = |kind: &str, properties: Json| json!({"Type": kind, "Properties": properties});
    let all =
        json!({"MeshName": {"Fn::GetAtt": ["A", "MeshName"]}, "VirtualNodeName": name, "Spec": spec, "Tags": tags});
    json!({"Resources": {
        "A": resource("AWS::AppMesh::Mesh", json!({"MeshName": name, "Spec": spec})),
        "B": resource("AWS::AppMesh::VirtualNode", all),
        "C": resource("AWS::AppMesh::Route", json!({"MeshName": "a", "RouteName": name, "Spec": {"HttpRoute": spec}})),
        "D": resource("AWS::SSM::Parameter", json!({"Name": name, "Value": spec, "Type": tags})),
    }})
}

/// The template's resources in a stack, in the other form.
fn encode_as_parameters(template: &Template) {
    let mut stack = Stack::new("any");
    for (id, resource) in &template.resources {
        stack.add(id, resource.clone());
    }
    let _ = stack.synth();
}

proptest! {
    #[test]
    fn any_template_survives_a_round_trip_check_and_diagram(
        id in "\\PC{0,8}", properties in any_json(), configuration in any_json(), task in any_json(),
    ) {
        for document in [
            json!({"Resources": {id: {"Type": "AWS::ECS::TaskDefinition", "Properties": {"A": properties}}}}),
            mesh_with(&properties, &configuration, &task),
            service_with(json!({"Enabled": true, "Services": configuration}), json!({"ContainerDefinitions": task})),
        ] {
            let template = Template::from_json(&document.to_string()).expect("the shape is a template's");
            let again = Template::from_json(&template.to_json()).expect("what we write is a template");
            prop_assert_eq!(&again.to_json(), &template.to_json());
            let _ = check(&template);
            encode_as_parameters(&template);
            prop_assert!(diagram(&template).starts_with("flowchart LR\n"));
        }
    }
}
