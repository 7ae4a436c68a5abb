//! CloudWatch Logs: log groups.

mod generated;

pub use generated::*;
