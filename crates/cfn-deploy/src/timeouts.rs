//! Time limits of AWS calls.

use std::time::Duration;

use aws_sdk_cloudformation::config::timeout::TimeoutConfig;
use aws_types::SdkConfig;

/// Time to open a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Time from sending a request to the first byte of its response. No call used here takes longer than seconds: operations
/// of CloudFormation and Cloud Map are started by one call and observed by others.
const READ: Duration = Duration::from_secs(10);
/// Time for an attempt, with its response body.
const ATTEMPT: Duration = Duration::from_secs(30);
/// Time for a call with all of its attempts.
const CALL: Duration = Duration::from_secs(120);

/// The configuration with a time limit for each phase of a call: 5 s to connect, 10 s until the response begins, 30 s for
/// an attempt, 120 s for a call with all attempts. Limits that `config` sets are kept, except that the SDK's own connect
/// limit of 3.1 s counts as set.
///
/// The SDK limits only the connect phase by default, so a silent endpoint would block its caller forever.
#[must_use]
pub fn with_timeouts(config: &SdkConfig) -> SdkConfig {
    let defaults = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(READ)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(CALL)
        .build();
    let mut timeouts = config
        .timeout_config()
        .cloned()
        .unwrap_or_else(|| TimeoutConfig::builder().build());
    timeouts.take_defaults_from(&defaults);
    config.clone().into_builder().timeout_config(timeouts).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_limits_are_added_and_given_ones_kept() {
        let given = TimeoutConfig::builder().read_timeout(Duration::from_secs(1)).build();
        let config = SdkConfig::builder().timeout_config(given).build();
        let config = with_timeouts(&config);
        let timeouts = config.timeout_config().expect("limits");
        assert_eq!(timeouts.connect_timeout(), Some(CONNECT));
        assert_eq!(timeouts.read_timeout(), Some(Duration::from_secs(1)));
        assert_eq!(timeouts.operation_attempt_timeout(), Some(ATTEMPT));
        assert_eq!(timeouts.operation_timeout(), Some(CALL));
    }
}
