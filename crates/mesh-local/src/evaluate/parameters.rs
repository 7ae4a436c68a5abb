//! The values of a template's parameters.

use std::collections::BTreeMap;

use cfn::evaluate::scalar_text;
use cfn::{Parameter, Template, closest};
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::constraints;
use crate::values::Values;

/// The value of every parameter: as `given`, else its default. A parameter with neither is reported, and gets a
/// placeholder so that references to it can be checked. One whose type names something that exists only on AWS, such as
/// a subnet, has no value; one of `from_parent` gets it from the parent stack.
pub(super) fn values(
    template: &Template,
    given: &BTreeMap<String, String>,
    from_parent: &[String],
    known: &Values,
    prefix: &str,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, Json> {
    for name in given.keys().filter(|name| !template.parameters.contains_key(*name)) {
        diagnostics.add(format!("{prefix}Parameters.{name}"), no_such_parameter(template, name));
    }
    let mut values: BTreeMap<String, Json> = BTreeMap::new();
    for (name, parameter) in &template.parameters {
        let text = given
            .get(name)
            .cloned()
            .or_else(|| Some(scalar_text(&known.get(prefix, [name.as_str()])?)))
            .or_else(|| parameter.default.as_ref().map(scalar_text));
        if text.is_none() && (from_parent.contains(name) || exists_on_aws(parameter)) {
            continue;
        }
        let text = text.unwrap_or_else(|| {
            diagnostics.add(
                format!("{prefix}Parameters.{name}"),
                format!(
                    "needs a value: it has no default; give one with --parameter {}{name}=VALUE",
                    dotted(prefix)
                ),
            );
            placeholder(name, parameter)
        });
        if let Some(violation) = constraints::violation(&text, parameter) {
            diagnostics.add(format!("{prefix}Parameters.{name}"), violation);
        }
        values.insert(name.clone(), parameter.value_from_text(&text));
    }
    values
}

/// A valid placeholder, for a template that will not run.
fn placeholder(name: &str, parameter: &Parameter) -> String {
    match parameter.allowed_values.first() {
        Some(allowed) => scalar_text(allowed),
        None if parameter.kind.contains("Number") => "1".to_owned(),
        // Allowed in names of all kinds, so that it causes no other errors.
        None => format!("local-{}", name.to_ascii_lowercase()),
    }
}

pub(super) fn no_such_parameter(template: &Template, name: &str) -> String {
    let names: Vec<&str> = template.parameters.keys().map(String::as_str).collect();
    match (closest(name, names.iter().copied()), names.as_slice()) {
        (Some(meant), _) => format!("the template has no such parameter; did you mean {meant}?"),
        (None, []) => "the template has no parameters".to_owned(),
        (None, names) => format!("the template has no such parameter; it has {}", names.join(", ")),
    }
}

/// The prefix of a stack as `--parameter` takes it: `app.` for `app/`.
fn dotted(prefix: &str) -> String {
    prefix.replace('/', ".")
}

/// Whether its type names something that exists only on AWS, such as a subnet. Its value is unknown if it is not given. A
/// value of Systems Manager is looked up by its name.
fn exists_on_aws(parameter: &Parameter) -> bool {
    parameter.kind.trim_start_matches("List<").starts_with("AWS::")
}
