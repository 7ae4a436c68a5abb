//! CloudWatch Logs: log groups.

use super::{Module, structs};

pub(super) const MODULE: Module = Module {
    name: "logs",
    hand_written: &[],
    structs: structs! {
        /// A group of log streams.
        ///
        /// `Ref` returns the group's name. `Fn::GetAtt` supports `Arn`, which ends in `:*`.
        LogGroup = "AWS::Logs::LogGroup" {
            /// The name: 1 to 512 of `a-z A-Z 0-9 . - _ / #`. Default, decided by CloudFormation: stack name, logical id
            /// and a random part.
            LogGroupName,
            /// Days until log events are deleted. Default, decided by CloudWatch Logs: never.
            RetentionInDays,
        }
    },
};
