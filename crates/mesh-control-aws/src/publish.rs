//! Publishing what this copy's Envoys have accepted, while it runs.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::config_hash::ConfigHash;
use crate::parameters;
use crate::poll_budget::backoff;
use crate::poller::{Poller, Served, log};
use crate::sync_reader::said;
use crate::sync_status::{EnvoyProgress, FRESH_FOR, ReplicaStatus, parameter_of, rfc3339, truncated};
use mesh_control::NodeStatus;

/// How often it is said again, should nothing change.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Between two writings of one copy at least. An account has 3 of them a second in each region (AWS support, in
/// github-aws-runners/terraform-aws-github-runner issue 2944, read 2026-11-23).
const MIN_INTERVAL: Duration = Duration::from_secs(2);

/// How long changes are waited for that come together: what is new, and that it has been accepted.
const DEBOUNCE: Duration = Duration::from_millis(250);

/// How old the word of a copy is that was killed and whose word is cleared away.
const STALE_AFTER: Duration = Duration::from_secs(3600);

/// How long the end may take: ECS waits 30 s before it kills a task.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Publishes what a poller knows.
pub(crate) struct Publisher<'f> {
    poller: &'f Poller,
    copy: String,
}

/// What was said last of a mesh, and when.
#[derive(Default)]
struct Last {
    said: Option<ReplicaStatus>,
    at: Option<Instant>,
}

impl<'f> Publisher<'f> {
    pub(crate) fn new(poller: &'f Poller, copy: String) -> Self {
        Self { poller, copy }
    }

    /// Publishes until `stop` ends, then takes everything back.
    pub(crate) async fn publish(&self, meshes: &BTreeSet<String>, stop: impl Future<Output = ()>) {
        let stopping = watch::Sender::new(false);
        let publishing = join_all(meshes.iter().map(|mesh| self.publish_one(mesh, stopping.subscribe())));
        let stop = async {
            stop.await;
            stopping.send_replace(true);
        };
        tokio::join!(publishing, stop);
    }

    /// The same for one mesh. What is being rfc3339 when it is stopped is rfc3339 to the end, so that it does not come
    /// after the deletion.
    async fn publish_one(&self, mesh: &str, mut stopping: watch::Receiver<bool>) {
        let mut last = Last::default();
        let mut accepted = None;
        let mut has_cleared = false;
        loop {
            tokio::select! {
                () = is_set(&mut stopping) => break,
                () = self.wait_until_due(mesh, &last, &mut accepted) => {}
            }
            let status = self.poller.control.status_board().nodes();
            let Some(now) = self.word(mesh, &status, &mut accepted) else {
                continue;
            };
            self.write(mesh, &now).await;
            last = Last {
                said: Some(now),
                at: Some(Instant::now()),
            };
            if !has_cleared {
                has_cleared = true;
                tokio::select! {
                    () = is_set(&mut stopping) => break,
                    () = self.clear(mesh) => {}
                }
            }
        }
        if last.said.is_some() {
            self.withdraw(mesh).await;
        }
    }

    /// Waits until there is something to say: anything new, or the same again.
    async fn wait_until_due(&self, mesh: &str, last: &Last, accepted: &mut Option<ConfigHash>) {
        let failures = self.poller.polled.state().publish_failures(mesh);
        if let Some(at) = last.at {
            sleep_until(at + backoff(MIN_INTERVAL, failures, HEARTBEAT)).await;
        }
        // What was not rfc3339 is due at once.
        if failures == 0 {
            let heartbeat = async {
                match last.at {
                    Some(at) => sleep_until(at + HEARTBEAT).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = heartbeat => {}
                () = self.wait_for_change(mesh, last, accepted) => sleep(DEBOUNCE).await,
            }
        }
    }

    /// Waits until what there is to say differs from what was said.
    async fn wait_for_change(&self, mesh: &str, last: &Last, accepted: &mut Option<ConfigHash>) {
        let mut served = self.poller.polled.served();
        loop {
            served.mark_unchanged();
            let is_new = |now: &ReplicaStatus| {
                let said = last.said.as_ref();
                said.is_none_or(|said| {
                    let again = ReplicaStatus {
                        at: now.at.clone(),
                        ..said.clone()
                    };
                    again != *now
                })
            };
            let new = self
                .poller
                .control
                .status_board()
                .wait_until(|status| self.word(mesh, status, accepted).as_ref().is_some_and(is_new));
            tokio::select! {
                () = new => return,
                // The sender is there for as long as this is.
                _changed = served.changed() => {}
            }
        }
    }

    /// What there is to say now; `None` while the mesh is not known. Notes whether the Envoys have accepted it.
    fn word(&self, mesh: &str, status: &[NodeStatus], accepted: &mut Option<ConfigHash>) -> Option<ReplicaStatus> {
        let served: Served = self.poller.polled.served().borrow().get(mesh)?.clone();
        let EnvoyProgress {
            envoys,
            is_settled,
            refused,
        } = EnvoyProgress::of(status, mesh, served.revision);
        if is_settled && refused.is_empty() && served.damaged.is_empty() {
            *accepted = Some(served.config_hash.clone());
        }
        Some(ReplicaStatus {
            configuration: served.config_hash,
            accepted: accepted.clone(),
            envoys,
            healthy: served.healthy,
            unlisted: 0,
            refused: truncated(served.damaged.into_iter().chain(refused).collect()),
            at: rfc3339(SystemTime::now()),
        })
    }

    async fn write(&self, mesh: &str, word: &ReplicaStatus) {
        let name = parameter_of(mesh, &self.copy);
        let outcome = parameters::put(&self.poller.clients.parameters, &name, &word.to_json()).await;
        let mut state = self.poller.polled.state();
        log(state.on_published(mesh, outcome, std::time::Instant::now()));
    }

    /// Clears away what copies have left that were killed.
    async fn clear(&self, mesh: &str) {
        let client = &self.poller.clients.parameters;
        let all = match said(client, mesh).await {
            Ok(all) => all,
            Err(failure) => {
                tracing::warn!("what other copies have left is not cleared away: {failure}");
                return;
            }
        };
        let is_forgotten = |word: &ReplicaStatus| {
            word.age(SystemTime::now())
                .is_none_or(|age| age > STALE_AFTER.max(FRESH_FOR))
        };
        for (copy, _) in all
            .iter()
            .filter(|(copy, word)| *copy != self.copy && is_forgotten(word))
        {
            match parameters::delete(client, &parameter_of(mesh, copy)).await {
                Ok(()) => tracing::info!("cleared away the word of copy {copy}, which ended without taking it back"),
                Err(failure) => tracing::warn!("the word of copy {copy}, which ended, remains: {failure}"),
            }
        }
    }

    async fn withdraw(&self, mesh: &str) {
        let name = parameter_of(mesh, &self.copy);
        let deletion = parameters::delete(&self.poller.clients.parameters, &name);
        match tokio::time::timeout(SHUTDOWN_GRACE, deletion).await {
            Ok(Ok(())) => tracing::info!("took back {name}"),
            Ok(Err(failure)) => tracing::warn!("{name} remains, and is not heeded after 90 s: {failure}"),
            Err(_) => tracing::warn!("{name} remains, and is not heeded after 90 s: no answer within 5 s"),
        }
    }
}

async fn is_set(stopping: &mut watch::Receiver<bool>) {
    // The sender is there for as long as anybody waits for it.
    let _stopped = stopping.wait_for(|is_stopping| *is_stopping).await.map(drop);
}
