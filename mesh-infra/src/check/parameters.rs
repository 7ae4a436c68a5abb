//! What Parameter Store demands of the parameters that hold a mesh.
//!
//! Source: Systems Manager API reference, `PutParameter` (read 2026-11-23).

use mesh_model::Problems;
use mesh_model::app_mesh::resource_path::PARAMETER_PREFIX;

use crate::cfn::ssm;
use crate::template::Template;
use crate::value::Value;

/// Characters of a name. The API counts its own part of the ARN as well, which leaves so many.
const LONGEST_NAME: usize = 1011;
/// Bytes of a value in the tier `Advanced`, which `Intelligent-Tiering` takes when it must.
const LONGEST_VALUE: usize = 8192;

pub(crate) fn check(template: &Template, problems: &mut Problems) {
    for (id, parameter) in template.resources_of::<ssm::Parameter>() {
        let Ok(parameter) = parameter else { continue };
        let Some(Value::Known(name)) = &parameter.name else {
            continue;
        };
        if !name.starts_with(PARAMETER_PREFIX) {
            continue;
        }
        let path = format!("Resources.{id}.Properties");
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
        if !name.chars().all(allowed) || name.len() > LONGEST_NAME {
            problems.add(
                format!("{path}.Name"),
                format!("is `{name}`; a parameter's name is at most {LONGEST_NAME} of a-z, A-Z, 0-9, ., -, _ and /"),
            );
        }
        let Value::Known(value) = &parameter.value else {
            continue;
        };
        if value.len() > LONGEST_VALUE {
            problems.add(
                format!("{path}.Value"),
                format!("has {} bytes; a parameter holds at most {LONGEST_VALUE}", value.len()),
            );
        }
        // JSON has no two braces in a row but in its texts.
        if value.contains("{{") {
            problems.add(
                format!("{path}.Value"),
                "has {{ in it, which Parameter Store takes for the name of another parameter",
            );
        }
    }
}
