//! Generated from the CloudFormation resource schemas of 2026-10-20 in cfn-lint by `cargo run -p xtask -- generate`.
//! Do not edit.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::ResourceType;
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
    /// Days until log events are deleted. Default, decided by CloudWatch Logs: never. Allowed: 1, 3, 5, 7, 14, 30, 60,
    /// 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_in_days: Option<Value<u32>>,
    /// Properties without a field here: `BearerTokenAuthenticationEnabled`, `DataProtectionPolicy`,
    /// `DeletionProtectionEnabled`, `FieldIndexPolicies`, `KmsKeyId`, `LogGroupClass`, `ResourcePolicyDocument`,
    /// `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for LogGroup {
    const KIND: &'static str = "AWS::Logs::LogGroup";
}
