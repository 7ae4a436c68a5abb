//! Weight moves to a side once calls can arrive there: ECS has its new tasks before Cloud Map calls them healthy.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bluegreen_state::{Phase, Rollout};
use mesh_control_aws::{EndpointHealth, SyncReader};
use mesh_model::app_mesh::RouteSpec;

use super::{ANSWERS_WITHIN, BETWEEN_LOOKS, There};
use crate::blue_green::ground::Ground as _;
use crate::control_api::CommandError;

impl There<'_> {
    /// Waits until each of these virtual nodes has a healthy instance by what every copy of the control plane knows. What
    /// no copy counts is not waited for: it is left to DNS, or the copies are of a release that does not count.
    ///
    /// On the way back it is waited for, too, and if that takes too long the weight moves all the same: whoever takes a
    /// version back does not want it to go on serving.
    pub(super) async fn can_be_called(&self, nodes: &[String]) -> Result<(), CommandError> {
        let acknowledgements = SyncReader::new(&self.config, &self.app.route.mesh);
        let began = Instant::now();
        let mut said = String::new();
        loop {
            let Some(reason) = missing(&acknowledgements, nodes).await? else {
                return Ok(());
            };
            match next(began.elapsed(), self.is_rolling_back().await?) {
                Next::Wait if reason != said => {
                    self.console.show(&format!("no traffic is moved yet: {reason}"));
                    said = reason;
                }
                Next::Wait => {}
                Next::GiveUp => return Err(CommandError::Retryable(reason)),
                Next::Move => {
                    self.console.show(&format!("traffic goes back although {reason}"));
                    return Ok(());
                }
            }
            self.console.waiting("waiting for healthy instances");
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    async fn is_rolling_back(&self) -> Result<bool, CommandError> {
        let stored = self.open().await.map_err(CommandError::Retryable)?;
        let phase = stored.and_then(|stored| stored.state().rollout().map(Rollout::phase).cloned());
        Ok(matches!(phase, Some(Phase::RollBack { .. })))
    }
}

/// What is done about virtual nodes that cannot be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Wait,
    GiveUp,
    Move,
}

fn next(waited: Duration, is_rolling_back: bool) -> Next {
    match is_rolling_back {
        _ if waited < ANSWERS_WITHIN => Next::Wait,
        true => Next::Move,
        false => Next::GiveUp,
    }
}

/// Why one of the virtual nodes cannot be called yet.
async fn missing(acknowledgements: &SyncReader, nodes: &[String]) -> Result<Option<String>, CommandError> {
    for node in nodes {
        let healthy = acknowledgements.healthy(node).await;
        match healthy.map_err(|failure| CommandError::Retryable(failure.to_string()))? {
            EndpointHealth::AtLeast(0) => {
                return Ok(Some(format!(
                    "virtual node {node} has no instance that Cloud Map calls healthy; it does so about 30 s after ECS \
                     has started one"
                )));
            }
            EndpointHealth::Pending { reason } => return Ok(Some(reason)),
            EndpointHealth::AtLeast(_) | EndpointHealth::Unknown => {}
        }
    }
    Ok(None)
}

/// The virtual nodes that get more weight by a route than by the one before.
///
/// # Errors
///
/// If the new one is no route.
pub(super) fn gaining(before: &str, after: &str) -> Result<Vec<String>, String> {
    let after: RouteSpec = serde_json::from_str(after).map_err(|error| format!("the route is none: {error}"))?;
    // Somebody may have changed it by hand into whatever it is: then each target is new.
    let before = serde_json::from_str(before).map_or_else(|_| BTreeMap::new(), |route| weights(&route));
    let gains = |(node, weight): &(String, u32)| *weight > before.get(node).copied().unwrap_or_default();
    let gaining = weights(&after).into_iter().filter(gains);
    Ok(gaining.map(|(node, _)| node).collect())
}

fn weights(route: &RouteSpec) -> BTreeMap<String, u32> {
    let mut weights = BTreeMap::new();
    for target in route.targets() {
        *weights.entry(target.virtual_node.clone()).or_default() += target.weight;
    }
    weights
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whoever_cannot_be_called_is_waited_for_and_gets_traffic_all_the_same_on_the_way_back() {
        let soon = ANSWERS_WITHIN - Duration::from_millis(1);
        assert_eq!([next(soon, false), next(soon, true)], [Next::Wait; 2]);
        assert_eq!(next(ANSWERS_WITHIN, false), Next::GiveUp);
        assert_eq!(next(ANSWERS_WITHIN, true), Next::Move);
    }

    #[test]
    fn weight_moves_to_those_that_get_more_than_they_had() {
        let route = |blue, green| {
            let target = |node, weight| json!({"virtualNode": node, "weight": weight});
            let targets = [target("blue", blue), target("green", green)];
            json!({"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": targets}}}).to_string()
        };
        let gaining = |before: &str, after: &str| gaining(before, after).expect("a route");
        assert_eq!(gaining(&route(100, 0), &route(90, 10)), ["green"]);
        assert_eq!(gaining(&route(90, 10), &route(100, 0)), ["blue"]);
        assert_eq!(gaining(&route(50, 50), &route(50, 50)), Vec::<String>::new());
        assert_eq!(gaining("nonsense", &route(90, 10)), ["blue", "green"]);
        assert_eq!(gaining("nonsense", &route(100, 0)), ["blue"]);
        assert!(super::gaining(&route(1, 0), "nonsense").is_err());
    }
}
