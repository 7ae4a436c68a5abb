//! CloudWatch Logs: log groups.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::ResourceType;
use crate::value::Value;

/// `AWS::Logs::LogGroup`: a group of log streams.
///
/// `Ref` returns the group's name. `Fn::GetAtt` supports `Arn`, which ends in `:*`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LogGroup {
    /// The name: 1 to 512 of `a-z A-Z 0-9 . - _ / #`. Default, decided by CloudFormation: stack name, logical id and a
    /// random part. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_group_name: Option<Value<String>>,
    /// Days until log events are deleted: one of the values that CloudWatch Logs accepts, from 1 to 3653. Default, decided by
    /// CloudWatch Logs: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_in_days: Option<Value<u32>>,
    /// Properties without a field here, `KmsKeyId` for instance.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for LogGroup {
    const KIND: &'static str = "AWS::Logs::LogGroup";
}
