//! Property test: an arbitrary value anywhere in a template results in a plan or in errors.

use proptest::prelude::*;

use super::*;

/// Values of unexpected types or meanings.
fn unexpected_value() -> impl Strategy<Value = Json> {
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
        json!({"Ref": "Missing"}),
        json!({"Ref": "AWS::NoValue"}),
        json!({"Fn::GetAtt": ["Router", "VirtualRouterName"]}),
        json!({"Fn::ImportValue": {"Fn::ImportValue": "x"}}),
        json!({"Fn::Sub": "${BlueNode}-${Store.VirtualServiceName}"}),
        json!({"Fn::If": ["Never", 1, 2]}),
    ])
}

/// JSON pointers of all values in a document.
fn pointers(json: &Json, path: &str, found: &mut Vec<String>) {
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
        pointers(value, &path, found);
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
    fn any_template_is_planned_or_rejected(
        is_from_cdk in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), unexpected_value()), 1..4),
    ) {
        let text = if is_from_cdk { include_str!("data/cdk.json") } else { include_str!("data/appmesh.yaml") };
        let mut document = document(text);
        for (index, replacement) in changes {
            let mut found = Vec::new();
            pointers(&document["Resources"], "/Resources", &mut found);
            if let Some(value) = document.pointer_mut(&found[index.index(found.len())]) {
                *value = replacement;
            }
        }
        if let Ok(template) = Template::from_json(&document.to_string())
            && let Err(diagnostics) = read(&template, &app_mesh::images())
        {
            prop_assert!(!diagnostics.is_empty());
        }
    }
}
