//! Layer 1: CloudFormation's resources in CloudFormation's own names, nothing added and nothing hidden.
//!
//! Each resource type is a plain struct with public fields; every scalar is a [`Value`](crate::Value), so it can
//! be late. The structs are written by layer 2 ([`crate::Service`] and its neighbours), written by hand where
//! layer 2 does not reach, and read back by whoever runs a template.
//!
//! Properties that a struct has no field for are kept in its `other` map: reading and writing back loses
//! nothing, and a runner can refuse by name what it cannot honour.
//!
//! Source of names, types and required properties: the resource schemas in cfn-lint 1.58.0 (schemas of
//! 2026-10-20, read 2026-11-23). Source of what `Ref` and `Fn::GetAtt` answer: the CloudFormation template
//! reference, "Return values" of each type (read 2026-11-23).

pub mod appmesh;
pub mod ec2;
pub mod ecs;
pub mod elbv2;
pub mod iam;
pub mod logs;
mod mend;
mod names;
mod read;
pub mod servicediscovery;
pub mod ssm;

pub use mend::{is_part_of, is_unknown, read_all, unknown};
pub use names::{Structure, closest, structure};
pub(crate) use read::joined;
pub use read::{ReadError, read};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A resource type of layer 1.
pub trait ResourceType: Serialize + DeserializeOwned {
    /// The type's name in templates, such as `AWS::ECS::Service`.
    const KIND: &'static str;
}
