//! IAM: roles of ECS and tasks.

mod generated;

pub use generated::*;
