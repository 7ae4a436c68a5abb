//! The task that writes: applies waiting writes, commits their changes together, publishes, responds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mesh_model::app_mesh::ResourcePath;
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot, watch};
use uuid::Uuid;

use super::{now, unavailable};
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
/// Jobs that fail one after another, when they are committed one by one, before those behind them fail, too.
const MAX_FAILURES: u32 = 3;
/// Failed commits that are remembered for the audit log, while the store accepts none.
const MAX_UNDECIDED: usize = 256;
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

/// Changes of a commit that failed. They may be stored nevertheless, now or later: until another commit has made the next
/// revision.
pub(super) struct Undecided {
    /// The revision on which the commit was based.
    base: u64,
    changes: Vec<Attributed>,
}

/// Changes with their origin, for the audit log.
struct Attributed {
    caller: String,
    origin: Origin,
    operation: String,
    span: tracing::Span,
    changes: Vec<Change>,
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
    /// The number of jobs that are committed one by one, because they failed together.
    pub(super) one_by_one: usize,
    /// The number of them that failed one after another.
    pub(super) failures: u32,
    pub(super) undecided: Vec<Undecided>,
}

impl Writer {
    /// Runs until all senders of jobs are dropped.
    pub(super) async fn run(mut self, mut waiting: mpsc::Receiver<Job>) {
        // Jobs that did not fit into the commit before.
        let mut jobs: Vec<Job> = Vec::new();
        loop {
            if jobs.is_empty() {
                self.one_by_one = 0;
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
            let mut rest = jobs.split_off(outcomes.len());
            let changes = merged(outcomes.iter().flat_map(|outcome| &outcome.changes));
            if changes.is_empty() {
                // A commit would have failed if another process had written; without one, that has to be asked.
                match self.is_current().await {
                    Ok(true) => {
                        self.respond(jobs, outcomes).await;
                        return rest;
                    }
                    Ok(false) => {
                        jobs.append(&mut rest);
                        continue;
                    }
                    Err(error) => {
                        fail(jobs, &error);
                        self.one_by_one = self.one_by_one.saturating_sub(1);
                        return rest;
                    }
                }
            }
            match self.store.commit(self.revision, &changes).await {
                Ok(revision) => {
                    self.revision = revision;
                    // What was based on the revision before was not stored.
                    self.undecided.clear();
                    self.registry.send_replace(Arc::new(registry));
                    self.respond(jobs, outcomes).await;
                    return rest;
                }
                Err(CommitError::Conflict) => {
                    jobs.append(&mut rest);
                    if let Err(error) = self.reload().await {
                        return fail(jobs, &error);
                    }
                    tokio::time::sleep(pause).await;
                    pause *= 2;
                }
                Err(CommitError::Failed(error)) => {
                    self.is_stale = true;
                    self.undecided.truncate(MAX_UNDECIDED - 1);
                    self.undecided.push(Undecided {
                        base: self.revision,
                        changes: attributed(&jobs, &outcomes),
                    });
                    if let Err(reload) = self.reload().await {
                        tracing::error!("cannot read the resources after a failed write: {reload}");
                        fail(jobs, &error);
                        return rest;
                    }
                    return self.after_failure(jobs, outcomes, rest, &error);
                }
            }
        }
        fail(jobs, &StoreError::new("other processes write all the time; try again"))
    }

    /// Responds to jobs whose commit failed, or repeats them one by one, so that one that cannot be stored does not make the
    /// others fail. Returns the jobs that wait.
    fn after_failure(
        &mut self,
        jobs: Vec<Job>,
        outcomes: Vec<Outcome>,
        mut rest: Vec<Job>,
        error: &StoreError,
    ) -> Vec<Job> {
        if jobs.len() == 1 {
            fail(jobs, error);
            self.one_by_one = self.one_by_one.saturating_sub(1);
            self.failures += 1;
            if self.failures >= MAX_FAILURES {
                let others: Vec<Job> = rest.drain(..self.one_by_one.min(rest.len())).collect();
                self.one_by_one = 0;
                fail(others, error);
            }
            return rest;
        }
        // Not those that seem to be stored: a file that could not be synced shows them, and may lose them.
        let registry = Arc::clone(&self.registry.borrow());
        let is_stored = |outcome: &Outcome| {
            let is_stored = |change: &Change| registry.get(&change.path) == change.after.as_ref();
            !outcome.changes.is_empty() && outcome.changes.iter().all(is_stored)
        };
        let (stored, again): (Vec<_>, Vec<_>) = jobs
            .into_iter()
            .zip(outcomes)
            .partition(|(_, outcome)| is_stored(outcome));
        fail(stored.into_iter().map(|(job, _)| job).collect(), error);
        if !again.is_empty() {
            tracing::warn!(
                "cannot write {} changes together, and writes them one by one: {error}",
                again.len()
            );
        }
        (self.one_by_one, self.failures) = (again.len(), 0);
        again.into_iter().map(|(job, _)| job).chain(rest).collect()
    }

    /// True if the registry is that of the store's newest revision. Otherwise it is read.
    async fn is_current(&mut self) -> Result<bool, StoreError> {
        if self.store.is_current(self.revision).await? {
            return Ok(true);
        }
        self.reload().await?;
        Ok(false)
    }

    /// Applies jobs one after another, until their changes fill a commit.
    fn apply(&self, base: Arc<Registry>, jobs: &[Job]) -> (Registry, Vec<Outcome>) {
        let mut registry = Registry::clone(&base);
        let mut outcomes = Vec::with_capacity(jobs.len());
        let (mut count, mut bytes) = (0, 0);
        let (max_count, max_bytes) = (self.store.max_changes(), self.store.max_commit_bytes());
        let now = now();
        for job in jobs {
            count += job.writes.len();
            if count > max_count && !outcomes.is_empty() {
                break;
            }
            let (next, outcome) = apply_job(&registry, job, &self.settings, now);
            if max_bytes < usize::MAX {
                bytes += outcome.changes.iter().map(stored_bytes).sum::<usize>();
            }
            if bytes > max_bytes && !outcomes.is_empty() {
                break;
            }
            registry = next;
            outcomes.push(outcome);
            if self.one_by_one > 0 {
                break;
            }
        }
        (registry, outcomes)
    }

    async fn respond(&mut self, jobs: Vec<Job>, outcomes: Vec<Outcome>) {
        self.audit(&attributed(&jobs, &outcomes), |_| true).await;
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            // The caller may have gone.
            let _caller_is_gone = job.response.send(outcome.result);
        }
        self.one_by_one = self.one_by_one.saturating_sub(1);
        self.failures = 0;
    }

    /// Logs changes, those that are selected.
    async fn audit(&self, attributed: &[Attributed], is_selected: impl Fn(&Change) -> bool) {
        let now = OffsetDateTime::now_utc();
        let mut lines = String::new();
        for Attributed {
            caller,
            origin,
            operation,
            span,
            changes,
        } in attributed
        {
            for change in changes.iter().filter(|change| is_selected(change)) {
                span.in_scope(|| super::audit(caller, operation, change, &self.settings));
                if self.audit_log.is_some() {
                    lines += &audit::line(now, caller, origin, operation, change, &self.settings);
                }
            }
        }
        if let Some(log) = self.audit_log.as_ref().filter(|_| !lines.is_empty()) {
            log.write(lines).await;
        }
    }

    /// Logs changes of failed commits that are in the store nevertheless, once a newer revision shows them. They were not
    /// reported as successes: a file that could not be synced shows them, and may lose them.
    async fn audit_undecided(&mut self) {
        let is_decided = |undecided: &mut Undecided| undecided.base < self.revision;
        let decided: Vec<Undecided> = self.undecided.extract_if(.., is_decided).collect();
        let registry = Arc::clone(&self.registry.borrow());
        let is_stored = |change: &Change| registry.get(&change.path) == change.after.as_ref();
        for Undecided { changes, .. } in &decided {
            self.audit(changes, is_stored).await;
        }
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
                self.adopt(registry, delta.revision).await;
                return Ok(());
            }
        }
        let loaded = self.store.load().await?;
        let registry = Registry::from_records(loaded.records)
            .map_err(|path| StoreError::new(format!("the store is inconsistent: the mesh of {path} is missing")))?;
        self.adopt(registry, loaded.revision).await;
        Ok(())
    }

    async fn adopt(&mut self, registry: Registry, revision: u64) {
        self.revision = revision;
        self.registry.send_replace(Arc::new(registry));
        self.is_stale = false;
        self.audit_undecided().await;
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

fn attributed(jobs: &[Job], outcomes: &[Outcome]) -> Vec<Attributed> {
    let of_job = |(job, outcome): (&Job, &Outcome)| Attributed {
        caller: job.caller.clone(),
        origin: job.origin.clone(),
        operation: job.operation.clone(),
        span: job.span.clone(),
        changes: outcome.changes.clone(),
    };
    jobs.iter().zip(outcomes).map(of_job).collect()
}

/// What a change adds to a commit.
fn stored_bytes(change: &Change) -> usize {
    match &change.after {
        Some(record) => record.stored_bytes(),
        None => change.path.to_string().len(),
    }
}

/// Responds to jobs of which it is not known whether they were stored.
fn fail(jobs: Vec<Job>, error: &StoreError) -> Vec<Job> {
    for job in jobs {
        job.span
            .in_scope(|| tracing::error!(operation = job.operation, "cannot write resources: {error}"));
        let failed = unavailable(job.origin.request_id.as_deref());
        // The caller may have gone.
        let _caller_is_gone = job.response.send(Err(failed));
    }
    Vec::new()
}
