//! CloudWatch: alarms and dashboards.

mod generated;

pub use generated::*;
