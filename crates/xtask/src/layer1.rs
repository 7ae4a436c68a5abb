//! The structs of layer 1, for `crates/cfn/src/resources/`.

mod docs;
mod field;
mod types;

use std::fmt::Write;

use crate::schemas::{Schema, Schemas};
use crate::selection::{Module, Struct};
use field::Field;

/// The module as Rust code.
pub(crate) fn generate(module: &Module, schemas: &Schemas) -> Result<String, String> {
    let mut structs = String::new();
    for selected in module.structs {
        structs.push_str(&struct_code(module, selected, schemas)?);
    }
    let mut code = format!(
        "//! Generated from the CloudFormation resource schemas of {} in cfn-lint by `cargo run -p xtask -- generate`.\n\
         //! Do not edit.\n\n",
        schemas.date
    );
    let uses = |name: &str| {
        structs
            .lines()
            .any(|line| !line.starts_with("///") && line.contains(name))
    };
    if uses("IndexMap") {
        code.push_str("use indexmap::IndexMap;\n");
    }
    code.push_str("use serde::{Deserialize, Serialize};\nuse serde_json::{Map, Value as Json};\n\n");
    for (_, hand_written) in module.hand_written {
        let _ = writeln!(code, "use super::{hand_written};");
    }
    let string_list = if uses("StringList") { "StringList, " } else { "" };
    let _ = write!(
        code,
        "use crate::ResourceType;\nuse crate::value::{{{string_list}Value}};\n\n"
    );
    Ok(code + &structs)
}

/// The struct, which is the same for each of its sources.
fn struct_code(module: &Module, selected: &Struct, schemas: &Schemas) -> Result<String, String> {
    let mut code: Option<String> = None;
    for source in selected.sources {
        let (kind, definition) = match source.split_once('.') {
            Some((kind, definition)) => (kind, Some(definition)),
            None => (*source, None),
        };
        let schema = schemas.schema(kind)?;
        let generated = Generated::new(module, selected, kind, definition, &schema)
            .map_err(|error| format!("{}::{}: {error}", module.name, selected.name))?
            .code()?;
        if code.as_ref().is_some_and(|code| *code != generated) {
            return Err(format!("{}: its sources differ", selected.name));
        }
        code = Some(generated);
    }
    code.ok_or_else(|| format!("{} has no source", selected.name))
}

/// A struct of layer 1, before it is written.
struct Generated<'s> {
    selected: &'s Struct,
    /// The resource type; `None` for a definition.
    resource_type: Option<&'s str>,
    doc: String,
    fields: Vec<Field>,
    /// Properties that are not selected.
    other: Vec<&'s str>,
}

impl<'s> Generated<'s> {
    fn new(
        module: &Module,
        selected: &'s Struct,
        kind: &'s str,
        definition: Option<&str>,
        schema: &'s Schema,
    ) -> Result<Self, String> {
        let structure = match definition {
            Some(name) => schema
                .definition(name)
                .ok_or_else(|| format!("{kind} has no definition {name}"))?,
            None => schema.resource(),
        };
        let fields = selected
            .properties
            .iter()
            .map(|property| {
                Field::new(module, kind, property, &structure).map_err(|error| format!("{}: {error}", property.name))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let other = structure.properties().into_iter().map(|(name, _)| name);
        let other = other.filter(|name| !fields.iter().any(|field| field.property == *name));
        let doc = docs::text(selected.doc, structure.description()).ok_or("has no documentation")?;
        let resource_type = definition.is_none().then_some(kind);
        Ok(Self {
            selected,
            resource_type,
            doc: match resource_type {
                Some(kind) => format!("`{kind}`: {}", docs::lower_case_first(&doc)),
                None => doc,
            },
            other: other.collect(),
            fields,
        })
    }

    /// Whether it keeps properties without a field. Later versions of a resource type have more properties; a definition
    /// whose properties all have fields rejects others as typing errors.
    fn has_other(&self) -> bool {
        self.resource_type.is_some() || !self.other.is_empty()
    }

    fn has_default(&self) -> bool {
        self.fields
            .iter()
            .all(|field| !field.is_required || field.rust_type.is_list())
    }

    fn code(&self) -> Result<String, String> {
        let name = self.selected.name;
        let default = if self.has_default() { "Default, " } else { "" };
        let deny = if self.has_other() { "" } else { ", deny_unknown_fields" };
        let mut code = docs::comment(&self.doc, 0);
        let _ = write!(
            code,
            "#[derive(Debug, Clone, {default}PartialEq, Serialize, Deserialize)]\n\
             #[serde(rename_all = \"PascalCase\"{deny})]\n\
             pub struct {name} {{\n"
        );
        for field in &self.fields {
            code.push_str(&field.code());
        }
        if self.has_other() {
            code.push_str(&docs::comment(&docs::other(&self.other), 1));
            code.push_str("#[serde(flatten)]\npub other: Map<String, Json>,\n");
        }
        code.push_str("}\n\n");
        if let Some(arguments) = self.arguments()? {
            code.push_str(&self.constructor(&arguments));
        }
        if let Some(kind) = self.resource_type {
            let _ = write!(
                code,
                "impl ResourceType for {name} {{\nconst KIND: &'static str = {kind:?};\n}}\n\n"
            );
        }
        Ok(code)
    }

    /// The properties that `new` takes. `None` for a struct without `new`: one with a default, or whose fields are all
    /// required.
    fn arguments(&self) -> Result<Option<Vec<&'static str>>, String> {
        let selected = self.selected.arguments;
        if let Some(unknown) = selected
            .iter()
            .find(|name| !self.fields.iter().any(|field| field.property == **name))
        {
            return Err(format!(
                "{}: `new` has an unknown argument {unknown}",
                self.selected.name
            ));
        }
        if !selected.is_empty() {
            return Ok(Some(selected.to_vec()));
        }
        let grows = self.has_other() || self.fields.iter().any(|field| !field.is_required);
        let required = self.fields.iter().filter(|field| field.is_required);
        Ok((grows && !self.has_default()).then(|| required.map(|field| field.property).collect()))
    }

    fn constructor(&self, arguments: &[&str]) -> String {
        let (mut parameters, mut values) = (String::new(), String::new());
        for field in &self.fields {
            let name = &field.name;
            if arguments.contains(&field.property) {
                let _ = write!(parameters, "{name}: {}, ", field.rust_type.argument());
                let value = field.rust_type.convert_argument(name);
                let value = if field.is_optional() {
                    format!("Some({value})")
                } else {
                    value
                };
                let _ = if value == *name {
                    write!(values, "{name}, ")
                } else {
                    write!(values, "{name}: {value}, ")
                };
            } else {
                let _ = write!(values, "{name}: {}, ", field.empty());
            }
        }
        if self.has_other() {
            values.push_str("other: Map::new()");
        }
        format!(
            "impl {name} {{\n\
             /// With these properties, and no others.\n\
             pub fn new({parameters}) -> Self {{\nSelf {{ {values} }}\n}}\n}}\n\n",
            name = self.selected.name
        )
    }
}
