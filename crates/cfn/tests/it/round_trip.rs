//! Documents that are read are written back unchanged, and no document makes reading panic.

use cfn::{Template, ecs};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

#[test]
fn layer_1_loses_nothing_of_what_it_has_no_field_for() {
    let properties = json!({
        "Cluster": "c",
        "DesiredCount": 2,
        "DeploymentConfiguration": {"MaximumPercent": 200, "Strategy": "ROLLING"},
        "SchedulingStrategy": "REPLICA",
        "Tags": [{"Key": "a", "Value": "b"}]
    });
    let service: ecs::Service = cfn::read(&properties).unwrap();
    assert_eq!(service.other["SchedulingStrategy"], "REPLICA");
    assert_eq!(serde_json::to_value(&service).unwrap(), properties);
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

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,64}") {
        let _ = Template::from_json(&text);
    }

    #[test]
    fn no_document_makes_reading_panic(document in any_json()) {
        let _ = Template::from_json(&document.to_string());
        let _ = Template::from_json(&json!({"Resources": document}).to_string());
    }
}
