//! What Parameter Store demands of parameters, and above all of those that hold a mesh.
//!
//! Source: Systems Manager API reference, `PutParameter`, and user guide, "Managing parameter tiers" (read 2026-11-23).

use cfn::{Template, Value, ssm};
use mesh_model::app_mesh::ResourcePath;
use mesh_model::app_mesh::resource_path::PARAMETER_PREFIX;
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::names::around_what_is_put_in;

/// Characters of a name. The API counts its own part of the ARN as well, which leaves so many.
const LONGEST_NAME: usize = 1011;
/// Bytes of a value in the tier `Standard`.
const LONGEST_STANDARD: usize = 4096;
/// Bytes of a value in the tier `Advanced`, which `Intelligent-Tiering` takes when it must.
const LONGEST: usize = 8192;

pub(crate) fn check(template: &Template, diagnostics: &mut Diagnostics) {
    for (id, parameter) in template.resources_of::<ssm::Parameter>() {
        let Ok(parameter) = parameter else { continue };
        let path = format!("Resources.{id}.Properties");
        check_size(&parameter, &path, diagnostics);
        let Some(Value::Known(name)) = &parameter.name else {
            continue;
        };
        if !name.starts_with(PARAMETER_PREFIX) {
            continue;
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
        if !name.chars().all(allowed) || name.len() > LONGEST_NAME {
            diagnostics.add(
                format!("{path}.Name"),
                format!("is `{name}`; a parameter's name is at most {LONGEST_NAME} of a-z, A-Z, 0-9, ., -, _ and /"),
            );
        }
        let Value::Known(value) = &parameter.value else {
            continue;
        };
        // JSON has no two braces in a row but in its texts.
        if value.contains("{{") {
            diagnostics.add(
                format!("{path}.Value"),
                "has {{ in it, which Parameter Store takes for the name of another parameter",
            );
        }
    }
}

/// What is late adds to the length; what is known may be too much already.
fn check_size(parameter: &ssm::Parameter, path: &str, diagnostics: &mut Diagnostics) {
    let bytes = match &parameter.value {
        Value::Known(value) => value.len(),
        Value::Sub(text) => around_what_is_put_in(text).len(),
        Value::Function { name, argument } if name == "Fn::Sub" => {
            let text = argument.get(0).and_then(Json::as_str).unwrap_or_default();
            around_what_is_put_in(text).len()
        }
        Value::Ref(_) | Value::GetAtt { .. } | Value::Function { .. } => return,
    };
    let is_standard = parameter.tier == Some(Value::from("Standard"));
    let remedy = match (is_standard && bytes > LONGEST_STANDARD, bytes > LONGEST) {
        (_, true) => format!("a parameter holds at most {LONGEST}"),
        (true, false) => {
            format!("the tier Standard holds at most {LONGEST_STANDARD}; Intelligent-Tiering takes {LONGEST}")
        }
        (false, false) => return,
    };
    let name = parameter.name.as_ref().and_then(Value::known);
    let held = name.and_then(|name| ResourcePath::from_parameter(name));
    let held = held.map_or_else(String::new, |path| format!(" of {}", path.in_words()));
    diagnostics.add(format!("{path}.Value"), format!("has {bytes} bytes{held}; {remedy}"));
}
