//! Systems Manager: Parameter Store.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::ResourceType;
use crate::value::Value;

/// `AWS::SSM::Parameter`: a named value.
///
/// `Ref` returns the name. `Fn::GetAtt` supports `Type` and `Value`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Parameter {
    /// The name: at most 1011 of `a-z A-Z 0-9 . - _ /`, beginning with `/` if it contains one. Default, decided
    /// by CloudFormation: logical id and a random part. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Value<String>>,
    /// `String` or `StringList`; CloudFormation does not create secure strings. Required.
    #[serde(rename = "Type")]
    pub kind: Value<String>,
    /// The value: at most 4 KiB in the tier `Standard`, 8 KiB in `Advanced`. Required.
    pub value: Value<String>,
    /// `Standard`, `Advanced`, or `Intelligent-Tiering`, the first of them that suffices; `Advanced` has a
    /// price. Default, decided by Systems Manager: `Standard`, or the default tier of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Value<String>>,
    /// A description, at most 1024 characters. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Value<String>>,
    /// Properties without a field here, `Tags` for instance, which is an object in this type.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Parameter {
    /// A parameter of type `String`, in the tier that its length requires.
    pub fn string(name: impl Into<Value<String>>, value: impl Into<Value<String>>) -> Self {
        Self {
            name: Some(name.into()),
            kind: Value::from("String"),
            value: value.into(),
            tier: Some(Value::from("Intelligent-Tiering")),
            description: None,
            other: Map::new(),
        }
    }
}

impl ResourceType for Parameter {
    const KIND: &'static str = "AWS::SSM::Parameter";
}
