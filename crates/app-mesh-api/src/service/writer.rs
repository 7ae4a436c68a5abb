//! The task that writes: applies waiting writes, commits their changes together, publishes, responds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mesh_model::app_mesh::ResourcePath;
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use super::now;
use crate::audit::{self, AuditLog};
use crate::caller::Origin;
use crate::error::{ApiError, ErrorCode};
use crate::registry::{Change, Context, Record, Registry, Write};
use crate::settings::Settings;
use crate::store::{CommitError, Store, StoreError};

/// Jobs that are committed together at most.
const MAX_JOBS: usize = 512;
/// Attempts to commit while other processes write.
const MAX_ATTEMPTS: u32 = 12;
/// Pause after the first lost attempt; doubled after each.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// Pause before another attempt to read a store that failed.
const RELOAD_PAUSE: Duration = Duration::from_secs(1);

/// Writes of one caller that are applied together, and where the result goes.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) writes: Vec<Write>,
    pub(super) caller: String,
    pub(super) origin: Origin,
    pub(super) operation: String,
    pub(super) checks_ports: bool,
    /// The span of the request, for the audit log.
    pub(super) span: tracing::Span,
    pub(super) response: oneshot::Sender<Result<Vec<Arc<Record>>, ApiError>>,
}

/// What a job did, before it is committed.
struct Outcome {
    result: Result<Vec<Arc<Record>>, ApiError>,
    changes: Vec<Change>,
}

pub(super) struct Writer {
    pub(super) store: Box<dyn Store>,
    pub(super) revision: u64,
    pub(super) registry: watch::Sender<Arc<Registry>>,
    pub(super) settings: Arc<Settings>,
    pub(super) audit_log: Option<AuditLog>,
    /// True after a failed commit, until the store was read again: its content is unknown, so nothing is written. Reads
    /// go on.
    pub(super) is_stale: bool,
}

impl Writer {
    /// Runs until all senders of jobs are dropped.
    pub(super) async fn run(mut self, mut waiting: mpsc::Receiver<Job>) {
        // Jobs that did not fit into the commit before.
        let mut jobs: Vec<Job> = Vec::new();
        loop {
            if jobs.is_empty() {
                tokio::select! {
                    received = waiting.recv_many(&mut jobs, MAX_JOBS) => if received == 0 { return },
                    () = self.store.changed(self.revision) => self.follow().await,
                }
            }
            if self.is_stale
                && let Err(error) = self.reload().await
            {
                jobs = fail(jobs, &error);
            }
            if !jobs.is_empty() {
                jobs = self.process(jobs).await;
            }
        }
    }

    /// Applies and commits jobs, and responds to them. Returns those that did not fit into one commit.
    async fn process(&mut self, mut jobs: Vec<Job>) -> Vec<Job> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..MAX_ATTEMPTS {
            let base = Arc::clone(&self.registry.borrow());
            let (registry, outcomes) = self.apply(base, &jobs);
            let rest = jobs.split_off(outcomes.len());
            let changes = merged(outcomes.iter().flat_map(|outcome| &outcome.changes));
            if changes.is_empty() {
                self.respond(jobs, outcomes).await;
                return rest;
            }
            match self.store.commit(self.revision, &changes).await {
                Ok(revision) => {
                    self.revision = revision;
                    self.registry.send_replace(Arc::new(registry));
                    self.respond(jobs, outcomes).await;
                    return rest;
                }
                Err(CommitError::Conflict) => {
                    jobs.extend(rest);
                    if let Err(error) = self.reload().await {
                        return fail(jobs, &error);
                    }
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(CommitError::Failed(error)) => {
                    self.is_stale = true;
                    match self.reload().await {
                        Ok(()) => self.audit_stored(&jobs, &outcomes).await,
                        Err(error) => tracing::error!("cannot read the resources after a failed write: {error}"),
                    }
                    fail(jobs, &error);
                    return rest;
                }
            }
        }
        fail(jobs, &StoreError::new("other processes write all the time; try again"))
    }

    /// Applies jobs one after another, until their changes fill a commit.
    fn apply(&self, base: Arc<Registry>, jobs: &[Job]) -> (Registry, Vec<Outcome>) {
        let mut registry = Registry::clone(&base);
        let mut outcomes = Vec::with_capacity(jobs.len());
        let (mut count, max) = (0, self.store.max_changes());
        let now = now();
        for job in jobs {
            count += job.writes.len();
            if count > max && !outcomes.is_empty() {
                break;
            }
            let (next, outcome) = apply_job(&registry, job, &self.settings, now);
            registry = next;
            outcomes.push(outcome);
        }
        (registry, outcomes)
    }

    async fn respond(&self, jobs: Vec<Job>, outcomes: Vec<Outcome>) {
        self.audit(&jobs, &outcomes, |_| true).await;
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            // The caller may have gone.
            let _caller_is_gone = job.response.send(outcome.result);
        }
    }

    /// Logs changes, those that are selected.
    async fn audit(&self, jobs: &[Job], outcomes: &[Outcome], is_selected: impl Fn(&Change) -> bool) {
        let now = OffsetDateTime::now_utc();
        let mut lines = String::new();
        for (job, outcome) in jobs.iter().zip(outcomes) {
            let (caller, operation) = (&job.caller, &job.operation);
            for change in outcome.changes.iter().filter(|change| is_selected(change)) {
                job.span
                    .in_scope(|| super::audit(caller, operation, change, &self.settings));
                if self.audit_log.is_some() {
                    lines += &audit::line(now, caller, &job.origin, operation, change, &self.settings);
                }
            }
        }
        if let Some(log) = self.audit_log.as_ref().filter(|_| !lines.is_empty()) {
            log.write(lines).await;
        }
    }

    /// Logs changes of a failed commit that are in the store nevertheless. They are not reported as successes: a file that
    /// could not be synced shows them, and may lose them.
    async fn audit_stored(&self, jobs: &[Job], outcomes: &[Outcome]) {
        let registry = Arc::clone(&self.registry.borrow());
        let is_stored = |change: &Change| registry.get(&change.path) == change.after.as_ref();
        self.audit(jobs, outcomes, is_stored).await;
    }

    /// Reads what other processes have written.
    async fn follow(&mut self) {
        if let Err(error) = self.reload().await {
            tracing::warn!("cannot read the changed resources, and serves the ones before: {error}");
            tokio::time::sleep(RELOAD_PAUSE).await;
        }
    }

    async fn reload(&mut self) -> Result<(), StoreError> {
        if let Some(delta) = self.store.changes_since(self.revision).await? {
            let base = Arc::clone(&self.registry.borrow());
            let changes: Vec<Change> = delta
                .records
                .into_iter()
                .map(|(path, record)| Change {
                    before: None,
                    after: record.map(Arc::new),
                    path,
                })
                .collect();
            // Meshes first, for what is new in them.
            let ordered = || {
                let meshes = changes.iter().filter(|change| is_mesh(change));
                meshes.chain(changes.iter().filter(|change| !is_mesh(change)))
            };
            if let Ok(registry) = base.with_changes(ordered()) {
                self.adopt(registry, delta.revision);
                return Ok(());
            }
        }
        let loaded = self.store.load().await?;
        let registry = Registry::from_records(loaded.records)
            .map_err(|path| StoreError::new(format!("the store is inconsistent: the mesh of {path} is missing")))?;
        self.adopt(registry, loaded.revision);
        Ok(())
    }

    fn adopt(&mut self, registry: Registry, revision: u64) {
        self.revision = revision;
        self.registry.send_replace(Arc::new(registry));
        self.is_stale = false;
    }
}

fn is_mesh(change: &Change) -> bool {
    change.path.kind == mesh_model::app_mesh::Kind::Mesh
}

/// All writes of a job or none.
fn apply_job(base: &Registry, job: &Job, settings: &Settings, now: u64) -> (Registry, Outcome) {
    let mut registry = base.clone();
    let mut changes = Vec::new();
    let mut records = Vec::with_capacity(job.writes.len());
    for write in &job.writes {
        let context = Context {
            settings,
            now,
            uid: Uuid::new_v4(),
            checks_ports: job.checks_ports,
        };
        let applied = registry.apply(write, context).and_then(|applied| {
            if let Some(change) = &applied.change {
                registry = registry.with_changes([change]).map_err(without_mesh)?;
            }
            Ok(applied)
        });
        match applied {
            Ok(applied) => {
                changes.extend(applied.change);
                records.push(applied.record);
            }
            Err(error) => {
                let outcome = Outcome {
                    result: Err(error),
                    changes: Vec::new(),
                };
                return (base.clone(), outcome);
            }
        }
    }
    let result = Ok(records);
    (registry, Outcome { result, changes })
}

fn without_mesh(path: ResourcePath) -> ApiError {
    ApiError::new(ErrorCode::InternalServerError, format!("the mesh of {path} is missing"))
}

/// One change for each resource: from its first state to its last.
fn merged<'c>(changes: impl Iterator<Item = &'c Change>) -> Vec<Change> {
    let mut merged: BTreeMap<&ResourcePath, Change> = BTreeMap::new();
    for change in changes {
        merged
            .entry(&change.path)
            .and_modify(|earlier| earlier.after.clone_from(&change.after))
            .or_insert_with(|| change.clone());
    }
    merged
        .into_values()
        .filter(|change| change.before.is_some() || change.after.is_some())
        .collect()
}

/// Responds to jobs of which it is not known whether they were stored.
fn fail(jobs: Vec<Job>, error: &StoreError) -> Vec<Job> {
    tracing::error!("cannot write resources: {error}");
    for job in jobs {
        let message = format!("cannot write: {error}");
        let failed = ApiError::new(ErrorCode::ServiceUnavailable, message);
        // The caller may have gone.
        let _caller_is_gone = job.response.send(Err(failed));
    }
    Vec::new()
}
