//! Rust types of properties.

use std::fmt;

use serde_json::Value as Json;

use crate::schemas::referenced_definition;

/// The type of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RustType {
    /// A `Value` of a scalar.
    Value(&'static str),
    /// A list of strings.
    StringList,
    /// Strings by name.
    Map,
    Struct(&'static str),
    /// A list of structs.
    List(&'static str),
    Json,
}

impl RustType {
    /// The type of a property by its schema. `struct_name` returns the struct of a definition.
    pub(super) fn of(schema: &Json, struct_name: impl Fn(&str) -> Option<&'static str>) -> Result<Self, String> {
        if let Some(definition) = referenced_definition(schema) {
            let is_list = schema.get("items").is_some();
            return Ok(match struct_name(definition) {
                Some(name) if is_list => Self::List(name),
                Some(name) => Self::Struct(name),
                None => Self::Json,
            });
        }
        let one_type = |schema: &Json| schema.get("type").and_then(Json::as_str).map(str::to_owned);
        match one_type(schema).as_deref() {
            Some("string") => Ok(Self::Value("String")),
            Some("boolean") => Ok(Self::Value("bool")),
            Some("integer") => Ok(Self::Value("u32")),
            // The bounds of a whole number.
            Some("number") if ["minimum", "maximum"].iter().all(|bound| schema[bound].is_u64()) => {
                Ok(Self::Value("u32"))
            }
            Some("array") if one_type(&schema["items"]).as_deref() == Some("string") => Ok(Self::StringList),
            Some("object") if has_string_values(schema) => Ok(Self::Map),
            // Several types, as for a document that is an object or its text.
            Some("object") => Ok(Self::Json),
            None if schema.get("type").is_some() => Ok(Self::Json),
            _ => Err("has no Rust type; select it as `.json`".to_owned()),
        }
    }

    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::List(_))
    }

    /// The expression for an empty collection, and the predicate for one. `None` for types that are not collections, and
    /// for `StringList`, which can be an expression.
    pub(super) fn emptiness(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::List(_) => Some(("Vec::new()", "Vec::is_empty")),
            Self::Map => Some(("IndexMap::new()", "IndexMap::is_empty")),
            _ => None,
        }
    }

    /// The type of a constructor's argument.
    pub(super) fn argument(self) -> String {
        match self {
            Self::Value(_) | Self::StringList => format!("impl Into<{self}>"),
            _ => self.to_string(),
        }
    }

    /// The field's value from a constructor's argument.
    pub(super) fn convert_argument(self, name: &str) -> String {
        match self {
            Self::Value(_) | Self::StringList => format!("{name}.into()"),
            _ => name.to_owned(),
        }
    }
}

impl fmt::Display for RustType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(scalar) => write!(f, "Value<{scalar}>"),
            Self::StringList => f.write_str("StringList"),
            Self::Map => f.write_str("IndexMap<String, Value<String>>"),
            Self::Struct(name) => f.write_str(name),
            Self::List(name) => write!(f, "Vec<{name}>"),
            Self::Json => f.write_str("Json"),
        }
    }
}

/// Whether the schema is of an object with names of the user and strings as values.
fn has_string_values(schema: &Json) -> bool {
    let patterns = schema.get("patternProperties").and_then(Json::as_object);
    patterns.is_some_and(|patterns| patterns.values().all(|value| value["type"] == "string"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_follow_from_schemas() {
        let of = |schema: Json| RustType::of(&schema, |name| (name == "Known").then_some("Known"));
        for (schema, expected) in [
            (json!({"type": "string", "enum": ["A"]}), RustType::Value("String")),
            (
                json!({"type": "number", "minimum": 0, "maximum": 9}),
                RustType::Value("u32"),
            ),
            (
                json!({"type": "array", "items": {"type": "string"}}),
                RustType::StringList,
            ),
            (
                json!({"type": "object", "patternProperties": {".+": {"type": "string"}}}),
                RustType::Map,
            ),
            (json!({"$ref": "#/definitions/Known"}), RustType::Struct("Known")),
            (
                json!({"type": "array", "items": {"$ref": "#/definitions/Known"}}),
                RustType::List("Known"),
            ),
            (json!({"$ref": "#/definitions/Other"}), RustType::Json),
            (json!({"type": ["object", "string"]}), RustType::Json),
        ] {
            assert_eq!(of(schema.clone()), Ok(expected), "{schema}");
        }
        assert!(of(json!({"type": "number"})).is_err());
    }
}
