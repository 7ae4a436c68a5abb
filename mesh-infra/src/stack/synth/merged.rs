//! All stacks of an app as one template, for checks. Ids have the stack's name: `network/Cluster`.

use cfn::{ReferenceSite, Template, rewrite_references};
use indexmap::IndexMap;
use serde_json::{Value as Json, json};
use sidecar_contract::Diagnostic;

use crate::stack::logical_id::SEPARATOR;

/// The sections whose entries are named by paths of errors.
const SECTIONS: [&str; 4] = ["Conditions", "Outputs", "Parameters", "Resources"];

/// One template of all stacks.
pub(super) fn merge(stacks: &IndexMap<String, Template>) -> Template {
    let mut merged = Template::default();
    for (stack, template) in stacks {
        let qualified = |id: &str| match id.contains(SEPARATOR) {
            true => id.to_owned(),
            false => format!("{stack}{SEPARATOR}{id}"),
        };
        let mut template = template.clone();
        rewrite_references(&mut template, &mut |_, site| match site {
            ReferenceSite::Condition(name) => Some(Json::from(qualified(name))),
            // Pseudo parameters.
            ReferenceSite::Id { logical_id, .. } if logical_id.starts_with("AWS::") => None,
            ReferenceSite::Id {
                logical_id,
                attribute: None,
            } => Some(json!({"Ref": qualified(logical_id)})),
            ReferenceSite::Id {
                logical_id,
                attribute: Some(attribute),
            } => Some(json!({"Fn::GetAtt": [qualified(logical_id), attribute]})),
        });
        for (id, mut resource) in template.resources {
            resource.depends_on = resource.depends_on.iter().map(|id| qualified(id)).collect();
            resource.condition = resource.condition.as_deref().map(qualified);
            merged.resources.insert(qualified(&id), resource);
        }
        for (id, mut output) in template.outputs {
            output.condition = output.condition.as_deref().map(qualified);
            merged.outputs.insert(qualified(&id), output);
        }
        let parameters = template.parameters.into_iter();
        merged
            .parameters
            .extend(parameters.map(|(id, parameter)| (qualified(&id), parameter)));
        for (name, condition) in template.conditions {
            merged.conditions.insert(qualified(&name), condition);
        }
    }
    merged
}

/// A diagnostic of the merged template, with the path in its stack: `network.Resources.Cluster`.
pub(super) fn of_stack(diagnostic: &Diagnostic) -> Diagnostic {
    let Diagnostic { path, message } = diagnostic;
    let split = || {
        let (section, rest) = path.split_once('.')?;
        let (stack, rest) = rest.split_once(SEPARATOR)?;
        SECTIONS.contains(&section).then(|| format!("{stack}.{section}.{rest}"))
    };
    Diagnostic {
        path: split().unwrap_or_else(|| path.clone()),
        message: message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_references_have_the_name_of_their_stack() {
        let stack = |document: Json| Template::from_json(&document.to_string()).expect("a template");
        let one = stack(json!({
            "Conditions": {"C": {"Fn::Equals": [{"Ref": "AWS::Region"}, "x"]}},
            "Resources": {"A": {"Type": "T", "Condition": "C", "DependsOn": ["B"], "Properties": {"P": {"Ref": "B"}}}, "B": {"Type": "T"}}
        }));
        let two = stack(json!({
            "Resources": {"A": {"Type": "T", "Properties": {"P": {"Fn::Sub": "${one/B.Arn} ${A}"}}}}
        }));
        let merged = merge(&IndexMap::from([("one".to_owned(), one), ("two".to_owned(), two)]));
        let expected = stack(json!({
            "Conditions": {"one/C": {"Fn::Equals": [{"Ref": "AWS::Region"}, "x"]}},
            "Resources": {
                "one/A": {"Type": "T", "Condition": "one/C", "DependsOn": ["one/B"], "Properties": {"P": {"Ref": "one/B"}}},
                "one/B": {"Type": "T"},
                "two/A": {"Type": "T", "Properties": {"P": {"Fn::Sub": "${one/B.Arn} ${two/A}"}}}
            }
        }));
        assert_eq!(merged, expected);
        let path = |path: &str| {
            of_stack(&Diagnostic {
                path: path.to_owned(),
                message: String::new(),
            })
            .path
        };
        assert_eq!(path("Resources.one/A.Properties.P"), "one.Resources.A.Properties.P");
        assert_eq!(path("mesh demo"), "mesh demo");
    }
}
