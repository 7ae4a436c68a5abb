//! CloudFormation templates: reading, writing, typed resources, partial evaluation, differences and assertions.
//!
//! Pure: no I/O, not async.

mod assertion;
mod diff;
pub mod evaluate;
mod lenient_read;
mod read;
mod resources;
mod schema;
mod template;
mod value;

pub use assertion::{AssertionError, Difference};
pub use diff::{Change, Diff, Entry, diff};
pub use lenient_read::{is_part_of, is_unknown, read_all, unknown};
pub use read::{ReadError, read};
pub use resources::{ResourceType, appmesh, ec2, ecs, elbv2, iam, logs, servicediscovery, ssm};
pub use schema::{Property, Structure, closest, structure};
pub use template::{Output, Parameter, Resource, Template, TemplateError, TemplateWarning};
pub use value::{Literal, StringList, Value, in_range, intrinsic};
