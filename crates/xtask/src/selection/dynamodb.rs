//! DynamoDB: tables.

use super::{Module, structs};

pub(super) const MODULE: Module = Module {
    name: "dynamodb",
    hand_written: &[],
    structs: structs! {
        /// A table.
        ///
        /// `Ref` returns the table's name. `Fn::GetAtt` supports `Arn`.
        Table = "AWS::DynamoDB::Table" {
            /// The name. Default, decided by CloudFormation: stack name, logical id and a random part.
            TableName,
            /// The attributes of keys.
            AttributeDefinitions.json,
            /// The key.
            KeySchema.json,
            /// How reads and writes are paid for. Default, decided by DynamoDB: `PROVISIONED`.
            BillingMode,
            /// Continuous backups. Default, decided by DynamoDB: none.
            PointInTimeRecoverySpecification.json,
            /// The attribute with the time at which an item is deleted. Default, decided by DynamoDB: none.
            TimeToLiveSpecification.json,
            /// The key of its encryption. Default, decided by DynamoDB: one that DynamoDB owns.
            SSESpecification.json,
            /// Whether it cannot be deleted. Default, decided by DynamoDB: false.
            DeletionProtectionEnabled,
        }
    },
};
