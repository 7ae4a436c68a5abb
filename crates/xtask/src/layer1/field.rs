//! Fields of structs: name, type and attributes of a property.

use std::fmt::Write;

use super::docs;
use super::types::RustType;
use crate::schemas::StructureSchema;
use crate::selection::{Module, Property};

/// A field, before it is written.
pub(super) struct Field {
    pub(super) name: String,
    pub(super) property: &'static str,
    doc: String,
    pub(super) rust_type: RustType,
    pub(super) is_required: bool,
}

impl Field {
    pub(super) fn new(
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
    pub(super) fn is_optional(&self) -> bool {
        !self.is_required && self.rust_type.emptiness().is_none()
    }

    /// The value of a property that is absent.
    pub(super) fn empty(&self) -> &'static str {
        self.rust_type.emptiness().map_or("None", |(new, _)| new)
    }

    /// The field as Rust code.
    pub(super) fn code(&self) -> String {
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
