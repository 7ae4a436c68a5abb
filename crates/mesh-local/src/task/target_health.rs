//! Health of a task as a target of load balancers: ECS replaces a task that fails their health checks.
//!
//! The Envoys of the load balancers check the targets. A target that has never been healthy counts as unhealthy after as many
//! checks as one that was. Checks count after the grace period of the service. Source: Amazon ECS developer guide, "Service
//! load balancing" and `CreateService` (`healthCheckGracePeriodSeconds`, default 0; read 2026-12-01).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::Task;
use crate::cloud_map::Registration;
use crate::envoy::admin::HostHealth;
use crate::process::TaskFailure;

/// Interval between polls of the load balancers. Health checks are at least five seconds apart on AWS.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// A checked target of a task.
#[derive(Debug)]
struct CheckedTarget {
    target_group: String,
    address: SocketAddr,
    /// The time in which a target that has never been healthy becomes unhealthy.
    patience: Duration,
    /// Whether it was ever healthy.
    was_healthy: bool,
    failing_since: Option<Instant>,
}

impl CheckedTarget {
    /// Notes the health that a load balancer sees. True once the target counts as unhealthy.
    fn note(&mut self, health: HostHealth, now: Instant) -> bool {
        match health {
            HostHealth::Healthy => {
                self.was_healthy = true;
                self.failing_since = None;
                false
            }
            HostHealth::Pending => false,
            HostHealth::Failing => {
                let since = *self.failing_since.get_or_insert(now);
                self.was_healthy || now.duration_since(since) >= self.patience
            }
        }
    }
}

/// Waits until a target group finds the running task unhealthy. Pending forever for a task that is no checked target.
pub(super) async fn wait_for_unhealthy(task: &Task<'_>) -> TaskFailure {
    let started = Instant::now();
    let mut targets = checked_targets(task);
    if targets.is_empty() {
        return std::future::pending().await;
    }
    let clients = task.context.load_balancer_sockets.clients();
    loop {
        tokio::time::sleep(POLL_INTERVAL).await;
        let mut seen: BTreeMap<(String, SocketAddr), HostHealth> = BTreeMap::new();
        for client in &clients {
            seen.extend(client.health_of_hosts().await);
        }
        let now = Instant::now();
        for target in &mut targets {
            let cluster = format!("targetGroup/{}", target.target_group);
            let Some(health) = seen.get(&(cluster, target.address)) else {
                continue;
            };
            if target.note(*health, now) && started.elapsed() >= task.plan.health_check_grace {
                return TaskFailure::from(format!(
                    "fails the health checks of target group {} at {}",
                    target.target_group, target.address
                ));
            }
        }
    }
}

fn checked_targets(task: &Task<'_>) -> Vec<CheckedTarget> {
    let mut targets = Vec::new();
    task.context.control.update(|state| {
        targets = task
            .registrations
            .iter()
            .filter_map(|registration| match registration {
                Registration::Target { target_group, target } => {
                    let check = state.target_groups.get(target_group)?.health_check.as_ref()?;
                    Some(CheckedTarget {
                        target_group: target_group.clone(),
                        address: target.address,
                        patience: check.interval * check.unhealthy_threshold.saturating_sub(1),
                        was_healthy: false,
                        failing_since: None,
                    })
                }
                _ => None,
            })
            .collect();
    });
    targets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_target_is_unhealthy_at_once_if_it_was_healthy_and_else_after_some_checks() {
        let mut target = CheckedTarget {
            target_group: "web".to_owned(),
            address: "127.0.0.1:80".parse().expect("an address"),
            patience: Duration::from_secs(10),
            was_healthy: false,
            failing_since: None,
        };
        assert!(!target.note(HostHealth::Pending, Instant::now()));
        assert!(!target.note(HostHealth::Failing, Instant::now()));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(!target.note(HostHealth::Failing, Instant::now()));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(target.note(HostHealth::Failing, Instant::now()));
        assert!(!target.note(HostHealth::Healthy, Instant::now()));
        assert!(target.note(HostHealth::Failing, Instant::now()));
    }
}
