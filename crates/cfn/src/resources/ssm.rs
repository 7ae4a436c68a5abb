//! Systems Manager: Parameter Store.

mod generated;

use crate::value::Value;

pub use generated::*;

impl Parameter {
    /// A parameter of type `String`, in the tier that its length requires.
    pub fn string(name: impl Into<Value<String>>, value: impl Into<Value<String>>) -> Self {
        Self {
            name: Some(name.into()),
            tier: Some(Value::from("Intelligent-Tiering")),
            ..Self::new("String", value)
        }
    }
}
