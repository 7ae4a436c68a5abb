//! Generated from the CloudFormation resource schemas of 2026-10-20 in cfn-lint by `cargo run -p xtask -- generate`.
//! Do not edit.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::ResourceType;
use crate::value::Value;

/// `AWS::SSM::Parameter`: a named value.
///
/// `Ref` returns the name. `Fn::GetAtt` supports `Type` and `Value`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Parameter {
    /// The name: at most 1011 of `a-z A-Z 0-9 . - _ /`, beginning with `/` if it contains one. Default, decided by
    /// CloudFormation: logical id and a random part. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Value<String>>,
    /// The type. CloudFormation does not create secure strings. Allowed: `String`, `StringList`. Required.
    #[serde(rename = "Type")]
    pub kind: Value<String>,
    /// The value: at most 4 KiB in the tier `Standard`, 8 KiB in `Advanced`. Required.
    pub value: Value<String>,
    /// The tier. `Intelligent-Tiering` is the first of the others that suffices; `Advanced` has a price. Default,
    /// decided by Systems Manager: `Standard`, or the default tier of the account. Allowed: `Standard`, `Advanced`,
    /// `Intelligent-Tiering`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<Value<String>>,
    /// A description, at most 1024 characters. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Value<String>>,
    /// Properties without a field here: `AllowedPattern`, `DataType`, `Policies`, `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Parameter {
    /// With these properties, and no others.
    pub fn new(kind: impl Into<Value<String>>, value: impl Into<Value<String>>) -> Self {
        Self {
            name: None,
            kind: kind.into(),
            value: value.into(),
            tier: None,
            description: None,
            other: Map::new(),
        }
    }
}

impl ResourceType for Parameter {
    const KIND: &'static str = "AWS::SSM::Parameter";
}
