//! The structs of layer 1, for `crates/cfn/src/resources/`.

mod docs;
mod types;

use std::fmt::Write;

use crate::schemas::{Schema, Schemas, StructureSchema};
use crate::selection::{Module, Property, Struct};
use types::RustType;

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

struct Field {
    name: String,
    property: &'static str,
    doc: String,
    rust_type: RustType,
    is_required: bool,
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
                let value = field.rust_type.from_argument(name);
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

impl Field {
    fn new(
        module: &Module,
        kind: &str,
        selected: &'static Property,
        structure: &StructureSchema<'_>,
    ) -> Result<Self, String> {
        let schema = structure
            .properties()
            .into_iter()
            .find_map(|(name, schema)| (name == selected.name).then_some(schema))
            .ok_or("is not in the schema, or read-only")?;
        let is_required = selected.is_required || structure.is_required(selected.name);
        let rust_type = if selected.is_json {
            RustType::Json
        } else {
            RustType::of(schema, |definition| {
                struct_name(module, &format!("{kind}.{definition}"))
            })?
        };
        let doc = docs::text(selected.doc, schema.get("description").and_then(|text| text.as_str()))
            .ok_or("has no description in the schema; document it in the selection")?;
        let mut doc = doc + &docs::allowed(schema);
        doc.push_str(structure.replacement(selected.name));
        if is_required {
            doc.push_str(" Required.");
        }
        Ok(Self {
            name: field_name(selected.name),
            property: selected.name,
            doc,
            rust_type,
            is_required,
        })
    }

    /// Whether it is an `Option`: lists and maps are empty instead.
    fn is_optional(&self) -> bool {
        !self.is_required && self.rust_type.emptiness().is_none()
    }

    fn empty(&self) -> &'static str {
        self.rust_type.emptiness().map_or("None", |(new, _)| new)
    }

    fn code(&self) -> String {
        let mut arguments = Vec::new();
        if !self.is_required {
            arguments.push("default".to_owned());
        }
        if pascal_case(&self.name) != self.property {
            arguments.push(format!("rename = {:?}", self.property));
        }
        if !self.is_required {
            let is_empty = self
                .rust_type
                .emptiness()
                .map_or("Option::is_none", |(_, is_empty)| is_empty);
            arguments.push(format!("skip_serializing_if = {is_empty:?}"));
        }
        let mut code = docs::comment(&self.doc, 1);
        if !arguments.is_empty() {
            let _ = writeln!(code, "#[serde({})]", arguments.join(", "));
        }
        let (name, rust_type) = (&self.name, &self.rust_type);
        let _ = if self.is_optional() {
            writeln!(code, "pub {name}: Option<{rust_type}>,")
        } else {
            writeln!(code, "pub {name}: {rust_type},")
        };
        code
    }
}

/// The struct of a definition; `None` if the definition is not selected.
fn struct_name(module: &Module, definition: &str) -> Option<&'static str> {
    let generated = module.structs.iter().find(|known| known.sources.contains(&definition));
    let hand_written = module.hand_written.iter().find(|(known, _)| *known == definition);
    generated
        .map(|known| known.name)
        .or(hand_written.map(|(_, name)| *name))
}

/// The field's name: `HealthCheck` as `health_check`, `EnableECSManagedTags` as `enable_ecs_managed_tags`, and `Type`, a
/// keyword, as `kind`.
fn field_name(property: &str) -> String {
    if property == "Type" {
        return "kind".to_owned();
    }
    let characters: Vec<char> = property.chars().collect();
    let mut name = String::new();
    for (index, character) in characters.iter().enumerate() {
        let after_lower = index > 0 && !characters[index - 1].is_ascii_uppercase();
        let before_lower = characters.get(index + 1).is_some_and(char::is_ascii_lowercase);
        if index > 0 && character.is_ascii_uppercase() && (after_lower || before_lower) {
            name.push('_');
        }
        name.push(character.to_ascii_lowercase());
    }
    name
}

/// `PascalCase`, as serde's `rename_all` makes it of a field's name.
fn pascal_case(snake: &str) -> String {
    snake
        .split('_')
        .map(|part| {
            let mut characters = part.chars();
            let first = characters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(characters).collect::<String>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::field_name;

    #[test]
    fn fields_have_rust_names() {
        for (property, name) in [
            ("HealthCheck", "health_check"),
            ("EnableECSManagedTags", "enable_ecs_managed_tags"),
            ("TTL", "ttl"),
            ("EnableDns64", "enable_dns64"),
            ("Type", "kind"),
        ] {
            assert_eq!(field_name(property), name);
        }
    }
}
