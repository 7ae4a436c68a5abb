//! Whatever somebody writes in a place of a template: a plan or problems come of it.

use proptest::prelude::*;

use super::*;

/// Values that fit nowhere, or somewhere else.
fn misfit() -> impl Strategy<Value = Json> {
    prop::sample::select(vec![
        json!(null),
        json!(""),
        json!("demo"),
        json!(-1),
        json!(70_000),
        json!(true),
        json!([]),
        json!({}),
        json!([[{}]]),
        json!({"Name": {"Name": []}}),
        json!({"Ref": "Mesh"}),
        json!({"Ref": "Nobody"}),
        json!({"Ref": "AWS::NoValue"}),
        json!({"Fn::GetAtt": ["Router", "VirtualRouterName"]}),
        json!({"Fn::ImportValue": {"Fn::ImportValue": "x"}}),
        json!({"Fn::Sub": "${BlueNode}-${Store.VirtualServiceName}"}),
        json!({"Fn::If": ["Never", 1, 2]}),
    ])
}

/// The places within a document.
fn places(json: &Json, path: &str, found: &mut Vec<String>) {
    let parts: Vec<(String, &Json)> = match json {
        Json::Object(object) => object.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Json::Array(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| (index.to_string(), item))
            .collect(),
        _ => Vec::new(),
    };
    for (key, value) in parts {
        let path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
        places(value, &path, found);
        found.push(path);
    }
}

fn document(text: &str) -> Json {
    let template = Template::from_text(text).expect("a template");
    serde_json::from_str(&template.to_json()).expect("JSON")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_template_is_planned_or_refused(
        is_from_cdk in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), misfit()), 1..4),
    ) {
        let text = if is_from_cdk { include_str!("data/cdk.json") } else { include_str!("data/appmesh.yaml") };
        let mut document = document(text);
        for (place, misfit) in changes {
            let mut found = Vec::new();
            places(&document["Resources"], "/Resources", &mut found);
            if let Some(value) = document.pointer_mut(&found[place.index(found.len())]) {
                *value = misfit;
            }
        }
        if let Ok(template) = Template::from_json(&document.to_string())
            && let Err(diagnostics) = read(&template, &app_mesh::images())
        {
            prop_assert!(!diagnostics.is_empty());
        }
    }
}
