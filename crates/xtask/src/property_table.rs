//! The table of properties by structure, for `crates/cfn/src/schema.rs`.

use std::fmt::Write;

use crate::schemas::{Schemas, StructureSchema, referenced_definition};
use crate::selection::{RESOURCES, Selected};

/// The table as Rust code.
pub(crate) fn generate(schemas: &Schemas) -> Result<String, String> {
    let mut code = format!(
        "//! Generated from the CloudFormation resource schemas of {} in cfn-lint by `cargo run -p xtask -- generate`.\n\
         //! Do not edit.\n\n\
         use super::{{Property, Structure}};\n\n\
         /// Resource types and their definitions, without read-only properties.\n\
         pub(super) static STRUCTURES: &[Structure] = &[\n",
        schemas.date
    );
    for selected in RESOURCES {
        let schema = schemas.schema(selected.kind)?;
        add_structure(&mut code, selected.kind, &schema.resource(), selected);
        for definition in selected.definitions {
            let structure = schema
                .definition(definition)
                .ok_or_else(|| format!("{} has no definition {definition}", selected.kind))?;
            add_structure(
                &mut code,
                &format!("{}.{definition}", selected.kind),
                &structure,
                selected,
            );
        }
    }
    code.push_str("];\n");
    Ok(code)
}

fn add_structure(code: &mut String, name: &str, structure: &StructureSchema<'_>, selected: &Selected) {
    let _ = write!(code, "Structure {{ name: {name:?}, properties: &[");
    for (name, property) in structure.properties() {
        let constructor = if structure.is_required(name) {
            "required"
        } else {
            "optional"
        };
        let _ = write!(code, "Property::{constructor}({name:?})");
        let definition = referenced_definition(property).filter(|name| selected.definitions.contains(name));
        if let Some(definition) = definition {
            let _ = write!(code, ".of({definition:?})");
        }
        code.push_str(", ");
    }
    code.push_str("] },\n");
}
