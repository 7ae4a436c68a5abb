//! Writes a [`Template`] as a JSON document, always in the same order.

use indexmap::IndexMap;
use serde_json::{Map, Value as Json};

use super::{FORMAT_VERSION, Output, Parameter, Resource, Template};

pub(super) fn template(template: &Template) -> Json {
    let mut document = Document::default();
    document.put("AWSTemplateFormatVersion", Some(FORMAT_VERSION));
    document.put("Description", template.description.clone());
    for (name, section) in &template.other {
        document.put(name, Some(section.clone()));
    }
    document.put("Metadata", template.metadata.clone());
    document.put("Parameters", each(&template.parameters, parameter));
    document.put("Mappings", not_empty(&template.mappings));
    document.put("Conditions", not_empty(&template.conditions));
    // The only required section.
    document.put(
        "Resources",
        with_loops(each(&template.resources, resource), &template.resource_loops).or_else(|| Some(Map::new())),
    );
    let outputs = with_loops(each(&template.outputs, output), &template.output_loops);
    document.put("Outputs", outputs);
    Json::Object(document.0)
}

fn resource(resource: &Resource) -> Json {
    let mut document = Document::default();
    document.put("Type", Some(resource.kind.as_str()));
    document.put("Condition", resource.condition.clone());
    let depends_on = Some(&resource.depends_on).filter(|names| !names.is_empty());
    document.put("DependsOn", depends_on.cloned());
    let has_properties = resource.properties.as_object().is_none_or(|object| !object.is_empty());
    document.put("Properties", has_properties.then(|| resource.properties.clone()));
    document.put("Metadata", resource.metadata.clone());
    document.put("UpdateReplacePolicy", resource.update_replace_policy.clone());
    document.put("DeletionPolicy", resource.deletion_policy.clone());
    document.finish(&resource.other)
}

fn parameter(parameter: &Parameter) -> Json {
    let mut document = Document::default();
    document.put("Type", Some(parameter.kind.as_str()));
    document.put("Description", parameter.description.clone());
    document.put("Default", parameter.default.clone());
    let allowed_values = Some(&parameter.allowed_values).filter(|values| !values.is_empty());
    document.put("AllowedValues", allowed_values.cloned());
    document.finish(&parameter.other)
}

fn output(output: &Output) -> Json {
    let mut document = Document::default();
    document.put("Description", output.description.clone());
    document.put("Condition", output.condition.clone());
    document.put("Value", Some(output.value.clone()));
    document.put("Export", output.export.clone());
    document.finish(&Map::new())
}

/// Builds an object from the fields that are set.
#[derive(Default)]
struct Document(Map<String, Json>);

impl Document {
    fn put(&mut self, key: &str, value: Option<impl Into<Json>>) {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), value.into());
        }
    }

    fn finish(mut self, other: &Map<String, Json>) -> Json {
        self.0.extend(other.clone());
        Json::Object(self.0)
    }
}

fn each<T>(entries: &IndexMap<String, T>, write: fn(&T) -> Json) -> Option<Map<String, Json>> {
    let section: Map<_, _> = entries.iter().map(|(id, entry)| (id.clone(), write(entry))).collect();
    not_empty(&section)
}

/// A section with the loops in it, after its other entries.
fn with_loops(section: Option<Map<String, Json>>, loops: &Map<String, Json>) -> Option<Map<String, Json>> {
    let mut section = section.unwrap_or_default();
    section.extend(loops.clone());
    not_empty(&section)
}

fn not_empty(section: &Map<String, Json>) -> Option<Map<String, Json>> {
    (!section.is_empty()).then(|| section.clone())
}
