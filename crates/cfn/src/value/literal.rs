//! Types of known values, read as leniently as CloudFormation reads them.
//!
//! CloudFormation accepts `"DesiredCount": "2"`, `"Cpu": 256` and `"Essential": "true"`. Values are written in the type
//! of the resource schema.

use serde_json::Value as Json;

use super::Value;

/// A type of a known [`Value`].
///
/// Sealed: CloudFormation's scalars, and lists of them.
pub trait Literal: Clone + sealed::Sealed {
    /// The value as a template contains it.
    fn to_json(&self) -> Json;

    /// Reads a value of a template.
    ///
    /// # Errors
    ///
    /// What was found and what is allowed.
    fn from_json(json: &Json) -> Result<Self, String>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for String {}
    impl Sealed for bool {}
    impl Sealed for u32 {}
    impl<T> Sealed for Vec<super::Value<T>> {}
}

impl Literal for String {
    fn to_json(&self) -> Json {
        Json::from(self.as_str())
    }

    fn from_json(json: &Json) -> Result<Self, String> {
        match json {
            Json::String(text) => Ok(text.clone()),
            Json::Number(number) => Ok(number.to_string()),
            Json::Bool(flag) => Ok(flag.to_string()),
            other => Err(format!("is {other}; allowed is a string")),
        }
    }
}

impl Literal for bool {
    fn to_json(&self) -> Json {
        Json::from(*self)
    }

    fn from_json(json: &Json) -> Result<Self, String> {
        match json {
            Json::Bool(flag) => Ok(*flag),
            Json::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Json::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            other => Err(format!("is {other}; allowed is true or false")),
        }
    }
}

impl Literal for u32 {
    fn to_json(&self) -> Json {
        Json::from(*self)
    }

    fn from_json(json: &Json) -> Result<Self, String> {
        let number = match json {
            Json::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
            Json::String(text) => text.parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| format!("is {json}; allowed is a whole number from 0 to {}", u32::MAX))
    }
}

impl<T: Literal> Literal for Vec<Value<T>> {
    fn to_json(&self) -> Json {
        self.iter().map(Value::to_json).collect()
    }

    fn from_json(json: &Json) -> Result<Self, String> {
        let items = json.as_array().ok_or_else(|| format!("is {json}; allowed is a list"))?;
        items
            .iter()
            .enumerate()
            .map(|(index, item)| Value::from_json(item).map_err(|message| format!("item {index} {message}")))
            .collect()
    }
}
