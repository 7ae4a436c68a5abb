//! Retries on other hosts.

use envoy_types::pb::envoy::config::route::v3::RetryPolicy;
use envoy_types::pb::envoy::config::route::v3::retry_policy::RetryHostPredicate;
use envoy_types::pb::envoy::config::route::v3::retry_policy::retry_host_predicate::ConfigType;
use envoy_types::pb::envoy::extensions::retry::host::previous_hosts::v3::PreviousHostsPredicate;

use super::envoy::{any, uint32};

/// A retry policy that avoids hosts that failed, as long as there are others.
pub(super) fn retry_other_hosts(retry_on: &str, retries: u32, statuses: Vec<u32>) -> RetryPolicy {
    RetryPolicy {
        retry_on: retry_on.to_owned(),
        num_retries: uint32(retries),
        retriable_status_codes: statuses,
        retry_host_predicate: vec![RetryHostPredicate {
            name: "envoy.retry_host_predicates.previous_hosts".to_owned(),
            config_type: Some(ConfigType::TypedConfig(any(&PreviousHostsPredicate {}))),
        }],
        // The number of attempts to select another host before a failed one is used again.
        host_selection_retry_max_attempts: 5,
        ..Default::default()
    }
}
