//! Time limits of AWS clients.

use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;

/// Without limits, a silently broken connection would never be noticed.
pub(crate) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(3))
        .operation_timeout(Duration::from_secs(10))
        .build()
}
