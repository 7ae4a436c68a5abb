//! Generated from the CloudFormation resource schemas of 2026-10-20 in cfn-lint by `cargo run -p xtask -- generate`.
//! Do not edit.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::ResourceType;
use crate::value::{StringList, Value};

/// `AWS::IAM::Role`: permissions, and the principals that can assume them.
///
/// `Ref` returns the role's name. `Fn::GetAtt` supports `Arn` and `RoleId`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Role {
    /// The trust policy: who can assume the role. Required.
    pub assume_role_policy_document: Json,
    /// A description, at most 1000 characters. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Value<String>>,
    /// The name, at most 64 characters. Default, decided by CloudFormation: stack name, logical id and a random part. A
    /// stack that names roles needs the capability `CAPABILITY_NAMED_IAM`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_name: Option<Value<String>>,
    /// Inline policies: at most 10240 characters in total.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Policy>,
    /// ARNs of managed policies. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_policy_arns: Option<StringList>,
    /// The path in its ARN, which policies can match. Default, decided by IAM: `/`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Value<String>>,
    /// The ARN of the managed policy that limits its permissions. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<Value<String>>,
    /// Properties without a field here: `MaxSessionDuration`, `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Role {
    /// With these properties, and no others.
    pub fn new(assume_role_policy_document: Json) -> Self {
        Self {
            assume_role_policy_document,
            description: None,
            role_name: None,
            policies: Vec::new(),
            managed_policy_arns: None,
            path: None,
            permissions_boundary: None,
            other: Map::new(),
        }
    }
}

impl ResourceType for Role {
    const KIND: &'static str = "AWS::IAM::Role";
}

/// `AWS::IAM::ManagedPolicy`: a policy that can be attached to several roles.
///
/// `Ref` returns the policy's ARN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ManagedPolicy {
    /// The name, at most 128 characters. Default, decided by CloudFormation: stack name, logical id and a random part.
    /// A stack that names policies needs the capability `CAPABILITY_NAMED_IAM`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_policy_name: Option<Value<String>>,
    /// A description, at most 1000 characters. Default: none. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Value<String>>,
    /// The path in its ARN. Default, decided by IAM: `/`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Value<String>>,
    /// The policy document, at most 6144 characters without whitespace. Required.
    pub policy_document: Json,
    /// Names of roles that it is attached to. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<StringList>,
    /// Properties without a field here: `Groups`, `Users`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ManagedPolicy {
    /// With these properties, and no others.
    pub fn new(policy_document: Json) -> Self {
        Self {
            managed_policy_name: None,
            description: None,
            path: None,
            policy_document,
            roles: None,
            other: Map::new(),
        }
    }
}

impl ResourceType for ManagedPolicy {
    const KIND: &'static str = "AWS::IAM::ManagedPolicy";
}

/// An inline policy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Policy {
    /// The name, unique in the role: at most 128 characters. Required.
    pub policy_name: Value<String>,
    /// The policy document. Required.
    pub policy_document: Json,
}
