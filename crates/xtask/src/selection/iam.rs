//! IAM: roles of ECS and tasks. Policy documents are plain JSON.

use super::{Module, structs};

pub(super) const MODULE: Module = Module {
    name: "iam",
    hand_written: &[],
    structs: structs! {
        /// Permissions, and the principals that can assume them.
        ///
        /// `Ref` returns the role's name. `Fn::GetAtt` supports `Arn` and `RoleId`.
        Role = "AWS::IAM::Role" {
            /// The trust policy: who can assume the role.
            AssumeRolePolicyDocument,
            /// A description, at most 1000 characters. Default: none.
            Description,
            /// The name, at most 64 characters. Default, decided by CloudFormation: stack name, logical id and a random
            /// part. A stack that names roles needs the capability `CAPABILITY_NAMED_IAM`.
            RoleName,
            /// Inline policies: at most 10240 characters in total.
            Policies,
            /// ARNs of managed policies. Default: none.
            ManagedPolicyArns,
            /// The path in its ARN, which policies can match. Default, decided by IAM: `/`.
            Path,
            /// The ARN of the managed policy that limits its permissions. Default: none.
            PermissionsBoundary,
        }

        /// A policy that can be attached to several roles.
        ///
        /// `Ref` returns the policy's ARN.
        ManagedPolicy = "AWS::IAM::ManagedPolicy" {
            /// The name, at most 128 characters. Default, decided by CloudFormation: stack name, logical id and a random
            /// part. A stack that names policies needs the capability `CAPABILITY_NAMED_IAM`.
            ManagedPolicyName,
            /// A description, at most 1000 characters. Default: none.
            Description,
            /// The path in its ARN. Default, decided by IAM: `/`.
            Path,
            /// The policy document, at most 6144 characters without whitespace.
            PolicyDocument.json,
            /// Names of roles that it is attached to. Default: none.
            Roles,
        }

        /// An inline policy.
        Policy = "AWS::IAM::Role.Policy" {
            /// The name, unique in the role: at most 128 characters.
            PolicyName,
            /// The policy document.
            PolicyDocument,
        }
    },
};
