//! Limits of Parameter Store, above all for parameters that contain a mesh resource.
//!
//! Source: Systems Manager API reference, `PutParameter`, and user guide, "Managing parameter tiers" (read 2026-11-23).

use cfn::{Value, ssm};
use mesh_model::app_mesh::ResourcePath;
use mesh_model::app_mesh::resource_path::PARAMETER_PREFIX;
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use super::limits::literal_part;
use crate::model::TemplateModel;

/// Characters of a name. The API counts the prefix of the ARN as well, which leaves so many.
const MAX_NAME: usize = 1011;
/// Bytes of a value in the tier `Standard`.
const MAX_STANDARD: usize = 4096;
/// Bytes of a value in the tier `Advanced`, which `Intelligent-Tiering` chooses when necessary.
const MAX_ADVANCED: usize = 8192;

pub(super) fn check(model: &TemplateModel<'_>, diagnostics: &mut Diagnostics) {
    for parameter in model.ssm_parameters() {
        check_parameter(parameter.value, &parameter.resource.properties_path(), diagnostics);
    }
}

/// Checks one parameter. `path` is the path to its properties.
pub(crate) fn check_parameter(parameter: &ssm::Parameter, path: &str, diagnostics: &mut Diagnostics) {
    check_size(parameter, path, diagnostics);
    let Some(Value::Known(name)) = &parameter.name else {
        return;
    };
    if !name.starts_with(PARAMETER_PREFIX) {
        return;
    }
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    if !name.chars().all(is_allowed) || name.len() > MAX_NAME {
        diagnostics.add(
            format!("{path}.Name"),
            format!("is `{name}`; allowed are at most {MAX_NAME} of a-z, A-Z, 0-9, ., -, _ and /"),
        );
    }
    // In JSON, two braces in a row occur only within strings.
    if let Value::Known(value) = &parameter.value
        && value.contains("{{")
    {
        diagnostics.add(
            format!("{path}.Value"),
            "contains {{, which Parameter Store interprets as a reference to another parameter",
        );
    }
}

/// An unresolved part can only add to the size of the known part.
fn check_size(parameter: &ssm::Parameter, path: &str, diagnostics: &mut Diagnostics) {
    let bytes = match &parameter.value {
        Value::Known(value) => value.len(),
        Value::Sub(text) => literal_part(text).len(),
        Value::Function { name, argument } if name == "Fn::Sub" => {
            let text = argument.get(0).and_then(Json::as_str).unwrap_or_default();
            literal_part(text).len()
        }
        Value::Ref(_) | Value::GetAtt { .. } | Value::Function { .. } => return,
    };
    let is_standard = parameter.tier == Some(Value::from("Standard"));
    let limit = if bytes > MAX_ADVANCED {
        format!("a parameter has at most {MAX_ADVANCED}")
    } else if is_standard && bytes > MAX_STANDARD {
        format!("the tier Standard allows at most {MAX_STANDARD}; Intelligent-Tiering allows {MAX_ADVANCED}")
    } else {
        return;
    };
    let name = parameter.name.as_ref().and_then(Value::known);
    let resource = name.and_then(|name| ResourcePath::from_parameter(name));
    let resource = resource.map_or_else(String::new, |path| format!(" of {}", path.description()));
    diagnostics.add(format!("{path}.Value"), format!("has {bytes} bytes{resource}; {limit}"));
}
