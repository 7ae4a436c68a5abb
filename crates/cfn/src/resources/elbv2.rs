//! Elastic Load Balancing: load balancers, listeners and target groups.

mod generated;

use crate::value::Value;

pub use generated::*;

impl Action {
    /// Forwards to a target group, by ARN.
    pub fn forward(target_group_arn: impl Into<Value<String>>) -> Self {
        Self {
            target_group_arn: Some(target_group_arn.into()),
            ..Self::new("forward")
        }
    }
}
