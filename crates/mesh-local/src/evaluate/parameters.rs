//! The values of a template's parameters.

use std::collections::BTreeMap;

use cfn::evaluate::scalar_text;
use cfn::{Parameter, Template};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

/// The value of every parameter: as `given`, else its default. A parameter with neither is reported, and gets a
/// placeholder so that references to it can be checked.
pub(super) fn values(
    template: &Template,
    given: &BTreeMap<String, String>,
    prefix: &str,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, Json> {
    for name in given.keys().filter(|name| !template.parameters.contains_key(*name)) {
        diagnostics.add(format!("{prefix}Parameters.{name}"), no_such_parameter(template));
    }
    let mut values: BTreeMap<String, Json> = BTreeMap::new();
    for (name, parameter) in &template.parameters {
        let text = given
            .get(name)
            .cloned()
            .or_else(|| parameter.default.as_ref().map(scalar_text))
            .or_else(|| local_id(name, parameter));
        let text = text.unwrap_or_else(|| {
            diagnostics.add(
                format!("{prefix}Parameters.{name}"),
                format!("needs a value: it has no default; give one with --parameter {name}=VALUE"),
            );
            placeholder(name, parameter)
        });
        check_allowed(&format!("{prefix}Parameters.{name}"), &text, parameter, diagnostics);
        values.insert(name.clone(), parameter.value_from_text(&text));
    }
    values
}

/// A valid placeholder, for a template that will not run.
fn placeholder(name: &str, parameter: &Parameter) -> String {
    match parameter.allowed_values.first() {
        Some(allowed) => scalar_text(allowed),
        None if parameter.kind.contains("Number") => "1".to_owned(),
        None => format!("local-{name}"),
    }
}

fn no_such_parameter(template: &Template) -> String {
    let names: Vec<&str> = template.parameters.keys().map(String::as_str).collect();
    if names.is_empty() {
        "the template has no parameters".to_owned()
    } else {
        format!("the template has no such parameter; it has {}", names.join(", "))
    }
}

/// Ids of resources that exist only on AWS, such as subnets, have no meaning here and need no value.
fn local_id(name: &str, parameter: &Parameter) -> Option<String> {
    parameter
        .kind
        .trim_start_matches("List<")
        .starts_with("AWS::")
        .then(|| format!("local-{name}"))
}

fn check_allowed(path: &str, text: &str, parameter: &Parameter, diagnostics: &mut Diagnostics) {
    let allowed: Vec<String> = parameter.allowed_values.iter().map(scalar_text).collect();
    if !allowed.is_empty() && !allowed.iter().any(|allowed| allowed == text) {
        diagnostics.add(path, format!("is `{text}`; allowed are {}", allowed.join(", ")));
    }
}
