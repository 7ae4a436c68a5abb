//! Systems Manager: Parameter Store.

use super::{Module, structs};

pub(super) const MODULE: Module = Module {
    name: "ssm",
    hand_written: &[],
    structs: structs! {
        /// A named value.
        ///
        /// `Ref` returns the name. `Fn::GetAtt` supports `Type` and `Value`.
        Parameter = "AWS::SSM::Parameter" {
            /// The name: at most 1011 of `a-z A-Z 0-9 . - _ /`, beginning with `/` if it contains one. Default, decided
            /// by CloudFormation: logical id and a random part.
            Name,
            /// The type. CloudFormation does not create secure strings.
            Type,
            /// The value: at most 4 KiB in the tier `Standard`, 8 KiB in `Advanced`.
            Value,
            /// The tier. `Intelligent-Tiering` is the first of the others that suffices; `Advanced` has a price.
            /// Default, decided by Systems Manager: `Standard`, or the default tier of the account.
            Tier,
            /// A description, at most 1024 characters. Default: none.
            Description,
        }
    },
};
