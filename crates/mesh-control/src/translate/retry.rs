//! Trying again, with another task.

use envoy_types::pb::envoy::config::route::v3::RetryPolicy;
use envoy_types::pb::envoy::config::route::v3::retry_policy::RetryHostPredicate;
use envoy_types::pb::envoy::config::route::v3::retry_policy::retry_host_predicate::ConfigType;
use envoy_types::pb::envoy::extensions::retry::host::previous_hosts::v3::PreviousHostsPredicate;

use super::envoy::{any, uint32};

/// Retries that avoid the tasks that failed, as long as there are others.
pub(super) fn retry_elsewhere(retry_on: &str, retries: u32, statuses: Vec<u32>) -> RetryPolicy {
    RetryPolicy {
        retry_on: retry_on.to_owned(),
        num_retries: uint32(retries),
        retriable_status_codes: statuses,
        retry_host_predicate: vec![RetryHostPredicate {
            name: "envoy.retry_host_predicates.previous_hosts".to_owned(),
            config_type: Some(ConfigType::TypedConfig(any(&PreviousHostsPredicate {}))),
        }],
        // Where every task has failed, Envoy uses one of them again after so many attempts to find another.
        host_selection_retry_max_attempts: 5,
        ..Default::default()
    }
}
