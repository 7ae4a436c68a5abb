//! Readiness gate: no weight shifts to a side without healthy endpoints. ECS reports new tasks as running before Cloud Map
//! reports them as healthy.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mesh_control_aws::{EndpointHealth, SyncReader};
use mesh_model::app_mesh::RouteSpec;

use super::{ACK_TIMEOUT, AwsTarget, POLL_INTERVAL};
use crate::control_api::CommandError;

impl<S> AwsTarget<'_, S> {
    /// Waits until each of these virtual nodes has a healthy endpoint, as known by all replicas of the control plane.
    /// Does not wait for nodes with endpoints from DNS, or with replicas of a release that does not report health.
    ///
    /// During a rollback, the weight shifts after the timeout in any case: the withdrawn version must not keep serving.
    pub(super) async fn wait_for_healthy(&self, nodes: &[String], is_rolling_back: bool) -> Result<(), CommandError> {
        let reader = self.sync_reader();
        let start = Instant::now();
        let mut reported = String::new();
        loop {
            let reason = match unhealthy_node(reader, nodes).await {
                Ok(None) => return Ok(()),
                Ok(Some(reason)) => reason,
                // A rollback goes on after the timeout, whether or not the status can be read.
                Err(CommandError::Retryable(reason)) if is_rolling_back => reason,
                Err(error) => return Err(error),
            };
            match decide(start.elapsed(), is_rolling_back) {
                Decision::Wait if reason != reported => {
                    self.reporter.report(&format!("no traffic shifted yet: {reason}"));
                    reported = reason;
                }
                Decision::Wait => {}
                Decision::GiveUp => return Err(CommandError::Retryable(reason)),
                Decision::Shift => {
                    self.reporter.report(&format!("rolling back traffic although {reason}"));
                    return Ok(());
                }
            }
            self.reporter.waiting("waiting for healthy endpoints");
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

/// What to do about an unhealthy node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Wait,
    GiveUp,
    Shift,
}

fn decide(waited: Duration, is_rolling_back: bool) -> Decision {
    match is_rolling_back {
        _ if waited < ACK_TIMEOUT => Decision::Wait,
        true => Decision::Shift,
        false => Decision::GiveUp,
    }
}

/// Why one of the virtual nodes is not healthy yet, if so.
async fn unhealthy_node(reader: &SyncReader, nodes: &[String]) -> Result<Option<String>, CommandError> {
    for node in nodes {
        let health = reader.healthy(node).await;
        match health.map_err(|failure| CommandError::Retryable(failure.to_string()))? {
            EndpointHealth::AtLeast(0) => {
                return Ok(Some(format!(
                    "virtual node {node} has no healthy endpoint in Cloud Map; a new task becomes healthy about 30 s \
                     after its start"
                )));
            }
            EndpointHealth::Pending { reason } => return Ok(Some(reason)),
            EndpointHealth::AtLeast(_) | EndpointHealth::Unknown => {}
        }
    }
    Ok(None)
}

/// The virtual nodes with more weight in the route `after` than in `before`.
///
/// # Errors
///
/// If `after` is not a route.
pub(super) fn nodes_gaining_weight(before: &str, after: &str) -> Result<Vec<String>, String> {
    let after = weights_of(after)?;
    // If the previous value was changed manually to something else, every target gains weight.
    let before = weights_of(before).unwrap_or_default();
    let is_gaining = |(node, weight): &(String, u32)| *weight > before.get(node).copied().unwrap_or_default();
    let gaining = after.into_iter().filter(is_gaining);
    Ok(gaining.map(|(node, _)| node).collect())
}

/// The weights of a route, by virtual node.
///
/// # Errors
///
/// If it is not a route.
pub(super) fn weights_of(route: &str) -> Result<BTreeMap<String, u32>, String> {
    let route: RouteSpec = serde_json::from_str(route).map_err(|error| format!("invalid route: {error}"))?;
    let mut weights = BTreeMap::new();
    for target in route.targets() {
        *weights.entry(target.virtual_node.clone()).or_default() += target.weight;
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn timeout_gives_up_except_during_a_rollback() {
        let early = ACK_TIMEOUT - Duration::from_millis(1);
        assert_eq!([decide(early, false), decide(early, true)], [Decision::Wait; 2]);
        assert_eq!(decide(ACK_TIMEOUT, false), Decision::GiveUp);
        assert_eq!(decide(ACK_TIMEOUT, true), Decision::Shift);
    }

    #[test]
    fn nodes_that_gain_weight_are_found() {
        let route = |blue, green| {
            let target = |node, weight| json!({"virtualNode": node, "weight": weight});
            let targets = [target("blue", blue), target("green", green)];
            json!({"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": targets}}}).to_string()
        };
        let gaining = |before: &str, after: &str| nodes_gaining_weight(before, after).expect("a route");
        assert_eq!(gaining(&route(100, 0), &route(90, 10)), ["green"]);
        assert_eq!(gaining(&route(90, 10), &route(100, 0)), ["blue"]);
        assert_eq!(gaining(&route(50, 50), &route(50, 50)), Vec::<String>::new());
        assert_eq!(gaining("nonsense", &route(90, 10)), ["blue", "green"]);
        assert_eq!(gaining("nonsense", &route(100, 0)), ["blue"]);
        assert!(nodes_gaining_weight(&route(1, 0), "nonsense").is_err());
    }
}
