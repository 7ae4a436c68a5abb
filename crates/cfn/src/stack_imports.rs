//! Values that a stack takes from outputs of other stacks, as parameters.
//!
//! A parameter instead of `Fn::ImportValue`, decided by us: CloudFormation neither changes nor removes an export while a
//! stack imports it, so a change that spans both stacks could not be deployed in one pass. The template's metadata name the
//! output for each such parameter; a deployment sets its value.

use serde_json::{Map, Value as Json, json};

use crate::references::{ReferenceSite, rewrite_references};
use crate::template::Template;

/// The key of the imports in a template's metadata.
const METADATA: &str = "meshwright:imports";

/// A parameter whose value is the output of another stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackImport {
    /// The parameter.
    pub parameter: String,
    /// The name of the other stack.
    pub stack: String,
    /// The logical id of its output.
    pub output: String,
}

impl Template {
    /// The parameters whose values are outputs of other stacks, in order.
    #[must_use]
    pub fn stack_imports(&self) -> Vec<StackImport> {
        let section = self.metadata.as_ref().and_then(|metadata| metadata.get(METADATA));
        let entries = section.and_then(Json::as_object).into_iter().flatten();
        let import = |(parameter, source): (&String, &Json)| {
            Some(StackImport {
                parameter: parameter.clone(),
                stack: source.get("Stack")?.as_str()?.to_owned(),
                output: source.get("Output")?.as_str()?.to_owned(),
            })
        };
        entries.filter_map(import).collect()
    }

    /// Records a parameter whose value is an output of another stack.
    pub fn add_stack_import(&mut self, import: &StackImport) {
        let StackImport {
            parameter,
            stack,
            output,
        } = import;
        let metadata = self.metadata.get_or_insert_with(|| Json::Object(Map::new()));
        metadata[METADATA][parameter] = json!({"Stack": stack, "Output": output});
    }
}

/// Connects templates by exports in place of parameters, for an evaluator of several stacks: each output that another one of
/// the templates takes is exported, and the parameter becomes an import. Parameters of stacks that are not given stay.
pub fn connect_stacks<'t>(templates: impl IntoIterator<Item = (&'t str, &'t mut Template)>) {
    let mut templates: Vec<(&str, &mut Template)> = templates.into_iter().collect();
    let names: Vec<String> = templates.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut exported = Vec::new();
    for (_, template) in &mut templates {
        let mut imports = template.stack_imports();
        imports.retain(|import| names.contains(&import.stack));
        for import in &imports {
            let parameter = template.parameters.shift_remove(&import.parameter);
            let value = import_value(import, parameter.is_some_and(|parameter| parameter.is_list()));
            rewrite_references(template, &mut |_, site| match site {
                ReferenceSite::Id {
                    logical_id,
                    attribute: None,
                } if logical_id == import.parameter => Some(value.clone()),
                _ => None,
            });
        }
        exported.extend(imports);
    }
    for import in exported {
        let found = templates.iter_mut().find(|(name, _)| *name == import.stack);
        if let Some(output) = found.and_then(|(_, template)| template.outputs.get_mut(&import.output)) {
            output
                .export
                .get_or_insert_with(|| json!({"Name": export_name(&import)}));
        }
    }
}

fn export_name(import: &StackImport) -> String {
    format!("{}:{}", import.stack, import.output)
}

fn import_value(import: &StackImport, is_list: bool) -> Json {
    let value = json!({"Fn::ImportValue": export_name(import)});
    match is_list {
        true => json!({"Fn::Split": [",", value]}),
        false => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_become_imports_where_the_other_stack_is_given() {
        let import = |parameter: &str, stack: &str| StackImport {
            parameter: parameter.to_owned(),
            stack: stack.to_owned(),
            output: "O".to_owned(),
        };
        let mut producer =
            Template::from_json(r#"{"Resources": {}, "Outputs": {"O": {"Value": "a,b"}}}"#).expect("a template");
        let consumer = json!({
            "Parameters": {"P": {"Type": "String"}, "L": {"Type": "List<AWS::EC2::Subnet::Id>"}, "Q": {"Type": "String"}},
            "Resources": {"R": {"Type": "T", "Properties": {"A": {"Ref": "P"}, "B": {"Ref": "L"}, "C": {"Ref": "Q"}}}}
        });
        let mut consumer = Template::from_json(&consumer.to_string()).expect("a template");
        for import in [import("P", "one"), import("L", "one"), import("Q", "elsewhere")] {
            consumer.add_stack_import(&import);
        }
        assert_eq!(consumer.stack_imports()[2], import("Q", "elsewhere"));
        connect_stacks([("two", &mut consumer), ("one", &mut producer)]);
        assert_eq!(
            consumer.resources["R"].properties,
            json!({
                "A": {"Fn::ImportValue": "one:O"},
                "B": {"Fn::Split": [",", {"Fn::ImportValue": "one:O"}]},
                "C": {"Ref": "Q"}
            })
        );
        let left: Vec<_> = consumer.parameters.keys().collect();
        assert_eq!(left, ["Q"]);
        assert_eq!(producer.outputs["O"].export, Some(json!({"Name": "one:O"})));
    }
}
