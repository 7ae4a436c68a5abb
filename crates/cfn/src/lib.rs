#![doc = include_str!("../README.md")]
//!
//! Pure: no I/O, not async. Deployment is in `cfn-deploy`, constructs are in `mesh-infra`.
//!
//! # Reading order
//!
//! - [`Template`]: the document, with [`Resource`], [`Parameter`] and [`Output`];
//! - [`Value`]: a property value, known or an expression;
//! - layer 1, resource types as structs, generated from CloudFormation's resource schemas: [`ResourceType`], [`ecs`] and
//!   its neighbors; [`read()`] and [`read_all`] turn properties into structs;
//! - [`evaluate`]: intrinsic functions, as far as their values are known;
//! - [`structure`]: properties by resource type, generated from CloudFormation's resource schemas;
//! - [`rewrite_references`], [`StackImport`]: references in a template, and values from other stacks;
//! - [`diff()`]: differences between two templates; [`Template::has_resource`]: assertions for tests.
//!
//! # Status
//!
//! | part | supported | not yet |
//! |---|---|---|
//! | templates | JSON and YAML with short forms read; JSON written; all sections and attributes kept | YAML written |
//! | `Transform` | kept; `AWS::LanguageExtensions` evaluated | other macros |
//! | functions | see the table in [`evaluate`] | `Fn::Transform` |
//! | nested stacks, dynamic references | evaluated, see [`evaluate`] | |
//! | layer 1 | types of Application Auto Scaling, App Mesh, CloudWatch, EC2, ECR, ECS, EFS, Elastic Load Balancing, IAM, CloudWatch Logs, Cloud Map, Systems Manager that `mesh-infra` writes; others as [`Resource::new`] | |
//! | tags | [`Resource::add_tags`] for all resource types of CloudFormation whose tags can change in place | |
//! | property names | ECS, Cloud Map, Systems Manager, App Mesh without its specs | other services |
//! | comparison | by logical id | renamed logical ids |

mod assertion;
mod diff;
pub mod evaluate;
mod lenient_read;
mod read;
mod references;
mod resources;
mod schema;
mod stack_imports;
mod tags;
mod template;
mod value;

pub use assertion::{AssertionError, Difference};
pub use diff::{Change, Diff, Entry, diff};
pub use lenient_read::{is_part_of, is_unknown, read_all, unknown};
pub use read::{ReadError, read};
pub use references::{ReferenceSite, Rewrite, rewrite_references};
pub use resources::{
    ResourceType, applicationautoscaling, appmesh, cloudwatch, dynamodb, ec2, ecr, ecs, efs, elbv2, iam, logs,
    servicediscovery, ssm,
};
pub use schema::{Property, Structure, closest, structure};
pub use stack_imports::{StackImport, connect_stacks};
pub use template::{Output, Parameter, Positions, Resource, Template, TemplateError, TemplateWarning};
pub use value::{Literal, StringList, Value, in_range, intrinsic};
