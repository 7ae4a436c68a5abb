//! Publishes the status of this replica while it runs.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::call_report::CallReport;
use crate::config_hash::ConfigHash;
use crate::parameters;
use crate::poll_budget::backoff;
use crate::poller::{Poller, Served, log};
use crate::sync_reader::replica_statuses;
use crate::sync_status::{EnvoyProgress, FRESH_FOR, ReplicaStatus, parameter_of, rfc3339, truncated};
use mesh_control::NodeStatus;

/// The interval without changes.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// The minimum interval of one replica. An account has 3 writes per second in each region (AWS support, in
/// github-aws-runners/terraform-aws-github-runner issue 2944, read 2026-11-23).
const MIN_INTERVAL: Duration = Duration::from_secs(2);

/// The interval of changed call statistics while the traffic of a route goes to several virtual nodes; otherwise that
/// without changes. Six writes a minute of each replica are a thirtieth of the account's.
const CALLS_INTERVAL: Duration = Duration::from_secs(10);

/// The debounce time: a change and its ACKs come together.
const DEBOUNCE: Duration = Duration::from_millis(250);

/// The age at which the status of another replica, which was killed, is removed.
const STALE_AFTER: Duration = Duration::from_secs(3600);

/// The time limit at shutdown: ECS kills a task after 30 s.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Publishes the state of a poller.
pub(crate) struct Publisher<'f> {
    poller: &'f Poller,
    replica: String,
    /// The start of this replica, in milliseconds since 1970.
    started: u64,
}

/// The last published status of a mesh, and its time.
#[derive(Default)]
struct Last {
    status: Option<ReplicaStatus>,
    at: Option<Instant>,
}

impl<'f> Publisher<'f> {
    pub(crate) fn new(poller: &'f Poller, replica: String) -> Self {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let started = since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
        Self {
            poller,
            replica,
            started,
        }
    }

    /// Publishes until `stop` ends, then withdraws all statuses.
    pub(crate) async fn publish(&self, meshes: &BTreeSet<String>, stop: impl Future<Output = ()>) {
        let stopping = watch::Sender::new(false);
        let publishing = join_all(meshes.iter().map(|mesh| self.publish_one(mesh, stopping.subscribe())));
        let stop = async {
            stop.await;
            stopping.send_replace(true);
        };
        tokio::join!(publishing, stop);
    }

    /// Publishes one mesh. A write in progress is completed before the status is withdrawn, so that it does not come
    /// after the deletion.
    async fn publish_one(&self, mesh: &str, mut stopping: watch::Receiver<bool>) {
        let mut last = Last::default();
        let mut accepted = None;
        let mut has_removed_stale = false;
        loop {
            tokio::select! {
                () = is_set(&mut stopping) => break,
                () = self.wait_until_due(mesh, &last, &mut accepted) => {}
            }
            let status = self.poller.control.status_board().nodes();
            let Some(mut now) = self.replica_status(mesh, &status, &mut accepted) else {
                continue;
            };
            now.calls = self.calls(mesh);
            self.write(mesh, &now).await;
            last = Last {
                status: Some(now),
                at: Some(Instant::now()),
            };
            if !has_removed_stale {
                has_removed_stale = true;
                tokio::select! {
                    () = is_set(&mut stopping) => break,
                    () = self.remove_stale(mesh) => {}
                }
            }
        }
        if last.status.is_some() {
            self.withdraw(mesh).await;
        }
    }

    /// The calls so far to the virtual nodes of the mesh that share a route with others.
    fn calls(&self, mesh: &str) -> Option<CallReport> {
        let served = self.poller.polled.served();
        let split = served.borrow().get(mesh)?.split.clone();
        Some(CallReport::of(&split, &self.poller.calls, self.started))
    }

    /// Waits until changed call statistics are due. Never ends while no traffic is divided.
    async fn wait_for_calls(&self, mesh: &str, last: &Last) {
        let (Some(at), Some(status)) = (last.at, &last.status) else {
            return std::future::pending().await;
        };
        let served = self.poller.polled.served();
        let is_shifting = || {
            served
                .borrow()
                .get(mesh)
                .is_some_and(|served| served.split.is_shifting())
        };
        let mut due = at + CALLS_INTERVAL;
        loop {
            sleep_until(due).await;
            if is_shifting() && self.calls(mesh) != status.calls {
                return;
            }
            due += CALLS_INTERVAL;
        }
    }

    /// Waits until a change or the heartbeat is due.
    async fn wait_until_due(&self, mesh: &str, last: &Last, accepted: &mut Option<ConfigHash>) {
        let failures = self.poller.polled.state().publish_failures(mesh);
        if let Some(at) = last.at {
            sleep_until(at + backoff(MIN_INTERVAL, failures, HEARTBEAT)).await;
        }
        // A failed write is due at once.
        if failures == 0 {
            let heartbeat = async {
                match last.at {
                    Some(at) => sleep_until(at + HEARTBEAT).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = heartbeat => {}
                () = self.wait_for_calls(mesh, last) => {}
                () = self.wait_for_change(mesh, last, accepted) => sleep(DEBOUNCE).await,
            }
        }
    }

    /// Waits until the status differs from the last one.
    async fn wait_for_change(&self, mesh: &str, last: &Last, accepted: &mut Option<ConfigHash>) {
        let mut served = self.poller.polled.served();
        loop {
            served.mark_unchanged();
            let is_new = |now: &ReplicaStatus| {
                let before = last.status.as_ref();
                before.is_none_or(|before| {
                    let again = ReplicaStatus {
                        at: now.at.clone(),
                        // They have an interval of their own.
                        calls: now.calls.clone(),
                        ..before.clone()
                    };
                    again != *now
                })
            };
            let new = self
                .poller
                .control
                .status_board()
                .wait_until(|status| self.replica_status(mesh, status, accepted).as_ref().is_some_and(is_new));
            tokio::select! {
                () = new => return,
                // The sender lives as long as `self`.
                _changed = served.changed() => {}
            }
        }
    }

    /// The current status; `None` while the mesh is not known. Records whether the Envoys have ACKed it.
    fn replica_status(
        &self,
        mesh: &str,
        status: &[NodeStatus],
        accepted: &mut Option<ConfigHash>,
    ) -> Option<ReplicaStatus> {
        let served: Served = self.poller.polled.served().borrow().get(mesh)?.clone();
        let EnvoyProgress {
            envoys,
            unsettled,
            nacks,
        } = EnvoyProgress::of(status, mesh, served.revision);
        if unsettled.is_empty() && nacks.is_empty() && served.damaged.is_empty() {
            *accepted = Some(served.config_hash.clone());
        }
        Some(ReplicaStatus {
            configuration: served.config_hash,
            accepted: accepted.clone(),
            envoys,
            unsettled: truncated(unsettled),
            healthy: served.healthy,
            unlisted: 0,
            calls: None,
            rejections: truncated(served.damaged.into_iter().chain(nacks).collect()),
            at: rfc3339(SystemTime::now()),
        })
    }

    async fn write(&self, mesh: &str, status: &ReplicaStatus) {
        let name = parameter_of(mesh, &self.replica);
        let outcome = parameters::put(&self.poller.clients.parameters, &name, &status.to_json()).await;
        let mut state = self.poller.polled.state();
        log(state.on_published(mesh, outcome, std::time::Instant::now()));
    }

    /// Removes the statuses of killed replicas.
    async fn remove_stale(&self, mesh: &str) {
        let client = &self.poller.clients.parameters;
        let all = match replica_statuses(client, mesh).await {
            Ok(all) => all,
            Err(error) => {
                tracing::warn!("stale replica statuses not removed: {error}");
                return;
            }
        };
        let is_stale = |status: &ReplicaStatus| {
            status
                .age(SystemTime::now())
                .is_none_or(|age| age > STALE_AFTER.max(FRESH_FOR))
        };
        for (replica, _) in all
            .iter()
            .filter(|(replica, status)| *replica != self.replica && is_stale(status))
        {
            match parameters::delete(client, &parameter_of(mesh, replica)).await {
                Ok(()) => tracing::info!("removed stale status of replica {replica}"),
                Err(error) => tracing::warn!("stale status of replica {replica} not removed: {error}"),
            }
        }
    }

    async fn withdraw(&self, mesh: &str) {
        let name = parameter_of(mesh, &self.replica);
        let deletion = parameters::delete(&self.poller.clients.parameters, &name);
        match tokio::time::timeout(SHUTDOWN_GRACE, deletion).await {
            Ok(Ok(())) => tracing::info!("withdrew {name}"),
            Ok(Err(error)) => tracing::warn!("{name} not withdrawn, ignored after 90 s: {error}"),
            Err(_) => tracing::warn!("{name} not withdrawn, ignored after 90 s: no response within 5 s"),
        }
    }
}

async fn is_set(stopping: &mut watch::Receiver<bool>) {
    // The sender outlives all receivers.
    let _stopped = stopping.wait_for(|is_stopping| *is_stopping).await.map(drop);
}
