//! Layer 1: CloudFormation's resource types as structs.
//!
//! The structs are generated: `cargo run -p xtask -- generate`. Their properties, and reasons for differences from the
//! schemas, are in `crates/xtask/src/selection/`. Functions of a struct are beside its generated module.

use serde::Serialize;
use serde::de::DeserializeOwned;

pub mod applicationautoscaling;
pub mod appmesh;
pub mod cloudwatch;
pub mod dynamodb;
pub mod ec2;
pub mod ecr;
pub mod ecs;
pub mod efs;
pub mod elbv2;
pub mod iam;
pub mod logs;
pub mod servicediscovery;
pub mod ssm;

/// A resource type of layer 1.
///
/// Its struct has public fields in CloudFormation's names, in the order in which they are written. Every scalar is a
/// [`Value`](crate::Value). Properties without a field are kept in `other`: reading and writing loses nothing. Fields
/// may be added in a minor version; use `..` in patterns, and `..Default::default()` or `new` for literals.
///
/// Source of names, types and required properties: the resource schemas in cfn-lint 1.58.0 (schemas of 2026-10-20, read
/// 2026-11-23). Source of the return values of `Ref` and `Fn::GetAtt`: the CloudFormation template reference, "Return
/// values" of each type (read 2026-11-23).
pub trait ResourceType: Serialize + DeserializeOwned {
    /// The type's name in templates, such as `AWS::ECS::Service`.
    const KIND: &'static str;
}
