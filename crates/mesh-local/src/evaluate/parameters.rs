//! The values of a template's parameters.

use std::collections::BTreeMap;

use mesh_infra::{Parameter, Template};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::text_of;

/// The value of every parameter: as `given`, else its default. One that has neither is noted, and gets a value all the
/// same: what refers to it can then be judged as well.
pub(super) fn values(
    template: &Template,
    given: &BTreeMap<String, String>,
    prefix: &str,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, Json> {
    for name in given.keys().filter(|name| !template.parameters.contains_key(*name)) {
        diagnostics.add(format!("{prefix}Parameters.{name}"), unknown(template));
    }
    let mut values: BTreeMap<String, Json> = BTreeMap::new();
    for (name, parameter) in &template.parameters {
        let text = given
            .get(name)
            .cloned()
            .or_else(|| parameter.default.as_ref().map(text_of))
            .or_else(|| stand_in(name, parameter));
        let text = text.unwrap_or_else(|| {
            diagnostics.add(
                format!("{prefix}Parameters.{name}"),
                format!("needs a value: it has no default; give one with --parameter {name}=VALUE"),
            );
            any_value(name, parameter)
        });
        check_allowed(&format!("{prefix}Parameters.{name}"), &text, parameter, diagnostics);
        values.insert(name.clone(), typed(&text, parameter));
    }
    values
}

/// A value that fits, for a template that will not be run.
fn any_value(name: &str, parameter: &Parameter) -> String {
    match parameter.allowed_values.first() {
        Some(allowed) => text_of(allowed),
        None if parameter.kind.contains("Number") => "1".to_owned(),
        None => format!("local-{name}"),
    }
}

fn unknown(template: &Template) -> String {
    let names: Vec<&str> = template.parameters.keys().map(String::as_str).collect();
    if names.is_empty() {
        "the template has no parameters".to_owned()
    } else {
        format!("the template has no such parameter; it has {}", names.join(", "))
    }
}

/// Ids of things that exist on AWS alone, such as subnets, have no meaning here and need not be given.
fn stand_in(name: &str, parameter: &Parameter) -> Option<String> {
    parameter
        .kind
        .trim_start_matches("List<")
        .starts_with("AWS::")
        .then(|| format!("local-{name}"))
}

fn check_allowed(path: &str, text: &str, parameter: &Parameter, diagnostics: &mut Diagnostics) {
    let allowed: Vec<String> = parameter.allowed_values.iter().map(text_of).collect();
    if !allowed.is_empty() && !allowed.iter().any(|allowed| allowed == text) {
        diagnostics.add(path, format!("is `{text}`; allowed are {}", allowed.join(", ")));
    }
}

/// A parameter's value by its type. Where CloudFormation would look up a name in Parameter Store, as for
/// `AWS::SSM::Parameter::Value<String>`, the name stands for what is under it: nobody looks it up here.
fn typed(text: &str, parameter: &Parameter) -> Json {
    let kind = parameter.kind.as_str();
    let looked_up = kind.strip_prefix("AWS::SSM::Parameter::Value<");
    let kind = looked_up.unwrap_or(kind);
    if kind.starts_with("CommaDelimitedList") || kind.starts_with("List<") {
        text.split(',').map(|item| Json::from(item.trim())).collect()
    } else {
        Json::from(text)
    }
}
