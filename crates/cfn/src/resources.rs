//! Layer 1: CloudFormation's resources in CloudFormation's own names, nothing added and nothing hidden.

use serde::Serialize;
use serde::de::DeserializeOwned;

pub mod appmesh;
pub mod ec2;
pub mod ecs;
pub mod elbv2;
pub mod iam;
pub mod logs;
pub mod servicediscovery;
pub mod ssm;

/// A resource type of layer 1.
pub trait ResourceType: Serialize + DeserializeOwned {
    /// The type's name in templates, such as `AWS::ECS::Service`.
    const KIND: &'static str;
}
