//! Property values: known, or expressions that CloudFormation evaluates.
//!
//! A token that looks like a string can be cut, compared and logged as one, and fails far from its origin. Here it is
//! part of the type whether a value is known: [`Value::Known`], or an expression.

mod literal;

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value as Json, json};
use sidecar_contract::Diagnostics;

pub use literal::Literal;

/// A value that is known, or an expression that CloudFormation evaluates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<T> {
    /// The value itself.
    Known(T),
    /// `Ref`: the value of a parameter, or a resource's physical id. Its format depends on the resource type and is
    /// documented with each type.
    Ref(String),
    /// `Fn::GetAtt`: an attribute of a resource.
    GetAtt {
        /// The resource.
        logical_id: String,
        /// Its attribute, such as `Arn`.
        attribute: String,
    },
    /// `Fn::Sub` with a template alone, such as `${AWS::Region}.example.com`.
    Sub(String),
    /// Any other intrinsic function, kept as it is.
    Function {
        /// Its name, such as `Fn::Join`.
        name: String,
        /// Its argument.
        argument: Json,
    },
}

/// A list of strings. The list or any item can be an expression.
pub type StringList = Value<Vec<Value<String>>>;

impl<T> Value<T> {
    /// A `Ref` to a parameter or resource.
    pub fn reference(logical_id: impl Into<String>) -> Self {
        Value::Ref(logical_id.into())
    }

    /// An attribute of a resource.
    pub fn attribute(logical_id: impl Into<String>, attribute: impl Into<String>) -> Self {
        Value::GetAtt {
            logical_id: logical_id.into(),
            attribute: attribute.into(),
        }
    }

    /// The value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Value::Known(value) => Some(value),
            _ => None,
        }
    }
}

impl StringList {
    /// A list of these items.
    pub fn list(items: impl IntoIterator<Item = impl Into<Value<String>>>) -> Self {
        Value::Known(items.into_iter().map(Into::into).collect())
    }

    /// The items, if all of them are known.
    #[must_use]
    pub fn known_items(&self) -> Option<Vec<&str>> {
        self.known()?
            .iter()
            .map(|item| item.known().map(String::as_str))
            .collect()
    }
}

impl<T: Literal> Value<T> {
    /// The value as a template holds it.
    pub fn to_json(&self) -> Json {
        match self {
            Value::Known(value) => value.to_json(),
            Value::Ref(logical_id) => json!({ "Ref": logical_id }),
            Value::GetAtt { logical_id, attribute } => json!({ "Fn::GetAtt": [logical_id, attribute] }),
            Value::Sub(template) => json!({ "Fn::Sub": template }),
            Value::Function { name, argument } => json!({ name: argument }),
        }
    }

    /// Reads a value of a template.
    ///
    /// # Errors
    ///
    /// What was found and what is allowed, when `json` is neither an intrinsic function nor a `T`.
    pub fn from_json(json: &Json) -> Result<Self, String> {
        match intrinsic(json) {
            Some((name, argument)) => Ok(Self::from_intrinsic(name, argument)),
            None => T::from_json(json).map(Value::Known),
        }
    }

    fn from_intrinsic(name: &str, argument: &Json) -> Self {
        let read = match (name, argument) {
            ("Ref", Json::String(logical_id)) => Some(Value::reference(logical_id)),
            ("Fn::Sub", Json::String(template)) => Some(Value::Sub(template.clone())),
            ("Fn::GetAtt", Json::String(dotted)) => dotted
                .split_once('.')
                .map(|(logical_id, attribute)| Value::attribute(logical_id, attribute)),
            ("Fn::GetAtt", Json::Array(parts)) => match parts.as_slice() {
                [Json::String(logical_id), Json::String(attribute)] => Some(Value::attribute(logical_id, attribute)),
                _ => None,
            },
            _ => None,
        };
        read.unwrap_or_else(|| Value::Function {
            name: name.to_owned(),
            argument: argument.clone(),
        })
    }
}

/// The name and argument of an intrinsic function: an object with one key, `Ref` or `Fn::…`.
pub fn intrinsic(json: &Json) -> Option<(&str, &Json)> {
    let object = json.as_object().filter(|object| object.len() == 1)?;
    let (name, argument) = object.iter().next()?;
    (name == "Ref" || name.starts_with("Fn::")).then_some((name, argument))
}

/// Reports a known number that is out of range.
pub fn in_range(value: &Option<Value<u32>>, range: RangeInclusive<u32>, path: &str, diagnostics: &mut Diagnostics) {
    if let Some(Value::Known(number)) = value
        && !range.contains(number)
    {
        diagnostics.add(
            path,
            format!("is {number}; allowed is {} to {}", range.start(), range.end()),
        );
    }
}

impl<T> From<T> for Value<T> {
    fn from(value: T) -> Self {
        Value::Known(value)
    }
}

impl From<&str> for Value<String> {
    fn from(value: &str) -> Self {
        Value::Known(value.to_owned())
    }
}

/// For people: the value if it is known, else `${LogicalId}` or `${LogicalId.Attribute}`.
impl<T: fmt::Display> fmt::Display for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Known(value) => write!(f, "{value}"),
            Value::Ref(logical_id) => write!(f, "${{{logical_id}}}"),
            Value::GetAtt { logical_id, attribute } => write!(f, "${{{logical_id}.{attribute}}}"),
            Value::Sub(template) => f.write_str(template),
            Value::Function { name, .. } => write!(f, "${{{name}}}"),
        }
    }
}

impl<T: Literal> Serialize for Value<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de, T: Literal> Deserialize<'de> for Value<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        Value::from_json(&json).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(json: Json) -> Value<String> {
        serde_json::from_value(json).expect("a value")
    }

    #[test]
    fn reads_and_writes_every_expression() {
        for (json, value) in [
            (json!("x"), Value::from("x")),
            (json!({"Ref": "Cluster"}), Value::reference("Cluster")),
            (
                json!({"Fn::GetAtt": ["Cluster", "Arn"]}),
                Value::attribute("Cluster", "Arn"),
            ),
            (
                json!({"Fn::Sub": "${Cluster}-x"}),
                Value::Sub("${Cluster}-x".to_owned()),
            ),
            (
                json!({"Fn::Join": ["", ["a", "b"]]}),
                Value::Function {
                    name: "Fn::Join".to_owned(),
                    argument: json!(["", ["a", "b"]]),
                },
            ),
        ] {
            assert_eq!(reads(json.clone()), value);
            assert_eq!(value.to_json(), json);
        }
    }

    #[test]
    fn attribute_names_can_contain_dots() {
        let value = Value::attribute("Nested", "Outputs.Arn");
        assert_eq!(reads(json!({"Fn::GetAtt": "Nested.Outputs.Arn"})), value);
        assert_eq!(value.to_string(), "${Nested.Outputs.Arn}");
    }

    #[test]
    fn reads_scalars_of_other_json_types() {
        assert_eq!(reads(json!(256)), Value::from("256"));
        assert_eq!(reads(json!(true)), Value::from("true"));
        assert_eq!(Value::<u32>::from_json(&json!("2")), Ok(Value::Known(2)));
        assert_eq!(Value::<bool>::from_json(&json!("true")), Ok(Value::Known(true)));
        assert_eq!(
            Value::<u32>::from_json(&json!("two")),
            Err("is \"two\"; allowed is a whole number from 0 to 4294967295".to_owned())
        );
    }

    #[test]
    fn lists_and_items_can_be_expressions() {
        let unresolved = StringList::from_json(&json!({"Ref": "Subnets"})).unwrap();
        assert_eq!(unresolved.known_items(), None);
        let partly = StringList::from_json(&json!(["subnet-1", {"Ref": "Subnet"}])).unwrap();
        assert_eq!(partly.known_items(), None);
        assert_eq!(StringList::list(["a", "b"]).known_items(), Some(vec!["a", "b"]));
    }
}
