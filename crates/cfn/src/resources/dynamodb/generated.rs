//! Generated from the CloudFormation resource schemas of 2026-10-20 in cfn-lint by `cargo run -p xtask -- generate`.
//! Do not edit.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::ResourceType;
use crate::value::Value;

/// `AWS::DynamoDB::Table`: a table.
///
/// `Ref` returns the table's name. `Fn::GetAtt` supports `Arn`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Table {
    /// The name. Default, decided by CloudFormation: stack name, logical id and a random part. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_name: Option<Value<String>>,
    /// The attributes of keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attribute_definitions: Option<Json>,
    /// The key. Replaced when changed, in some cases. Required.
    pub key_schema: Json,
    /// How reads and writes are paid for. Default, decided by DynamoDB: `PROVISIONED`. Allowed: `PAY_PER_REQUEST`,
    /// `PROVISIONED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billing_mode: Option<Value<String>>,
    /// Continuous backups. Default, decided by DynamoDB: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point_in_time_recovery_specification: Option<Json>,
    /// The attribute with the time at which an item is deleted. Default, decided by DynamoDB: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_to_live_specification: Option<Json>,
    /// The key of its encryption. Default, decided by DynamoDB: one that DynamoDB owns.
    #[serde(default, rename = "SSESpecification", skip_serializing_if = "Option::is_none")]
    pub sse_specification: Option<Json>,
    /// Whether it cannot be deleted. Default, decided by DynamoDB: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_protection_enabled: Option<Value<bool>>,
    /// Properties without a field here: `ContributorInsightsSpecification`, `GlobalSecondaryIndexes`,
    /// `ImportSourceSpecification`, `KinesisStreamSpecification`, `LocalSecondaryIndexes`, `OnDemandThroughput`,
    /// `ProvisionedThroughput`, `ResourcePolicy`, `StreamSpecification`, `TableClass`, `Tags`, `VectorIndexes`,
    /// `WarmThroughput`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Table {
    /// With these properties, and no others.
    pub fn new(key_schema: Json) -> Self {
        Self {
            table_name: None,
            attribute_definitions: None,
            key_schema,
            billing_mode: None,
            point_in_time_recovery_specification: None,
            time_to_live_specification: None,
            sse_specification: None,
            deletion_protection_enabled: None,
            other: Map::new(),
        }
    }
}

impl ResourceType for Table {
    const KIND: &'static str = "AWS::DynamoDB::Table";
}
