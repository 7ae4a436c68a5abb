//! ECR: repositories of container images.

mod generated;

pub use generated::*;
