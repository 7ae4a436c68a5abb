//! Application Auto Scaling: scalable targets and their policies.

mod generated;

pub use generated::*;
