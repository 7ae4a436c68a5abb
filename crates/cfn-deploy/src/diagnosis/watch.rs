//! Watches the ECS services of a stack while an operation works on them, and keeps why their tasks stopped.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::causes::remedies;
use super::read::ServiceId;
use super::service_events::failures;
use super::task::{StoppedTask, defined_container};
use super::{ServiceDiagnosis, StoppedTasks};
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, Observer};

/// The type of an ECS service.
const SERVICE: &str = "AWS::ECS::Service";
/// The time between two looks at the services.
const INTERVAL: Duration = Duration::from_secs(15);
/// The distinct reasons that are kept of a service, with the logs of one task each.
const MAX_GROUPS: usize = 3;
/// How much earlier than its operation a task may be created: clocks of services differ.
const CLOCK_TOLERANCE: i64 = 5_000;

/// The ECS services that an operation works on.
#[derive(Debug, Default)]
pub(crate) struct ServiceWatch {
    /// When the operation started, in milliseconds since 1970.
    since: i64,
    services: IndexMap<String, Watched>,
    definitions: BTreeMap<String, Json>,
    /// When the services were looked at, on the clock of the wait.
    last_look: Duration,
    /// Whether a service failed, or the rollback began, after the last look.
    is_urgent: bool,
    /// Whether the rollback began: what follows are tasks that ECS stops on purpose.
    is_rollback: bool,
    /// Whether the last look was taken.
    is_over: bool,
    /// Whether the caller may not read; without the permission there is one message and no further call.
    is_denied: bool,
}

#[derive(Debug, Default)]
struct Watched {
    id: Option<ServiceId>,
    /// Whether CloudFormation works on it, or its operation failed.
    is_active: bool,
    seen: BTreeSet<String>,
    diagnosis: ServiceDiagnosis,
    /// The number of stopped tasks in the last message.
    reported: usize,
}

impl ServiceWatch {
    /// Records a stack event.
    pub(crate) fn record(&mut self, event: &Event) {
        if event.is_start() && self.since == 0 {
            self.since = event.time;
        }
        if event.is_rollback() {
            self.is_urgent = true;
            self.is_rollback = true;
        }
        if event.kind != SERVICE || self.is_rollback {
            return;
        }
        let watched = self.services.entry(event.logical_id.clone()).or_default();
        watched.diagnosis.logical_id.clone_from(&event.logical_id);
        if let Some(id) = ServiceId::from_physical_id(&event.physical_id) {
            watched.diagnosis.service.clone_from(&id.name);
            watched.id = Some(id);
        }
        watched.is_active = !event.status.ends_with("_COMPLETE");
        self.is_urgent |= event.is_failure();
    }

    /// Looks at the services if it is time to, or if one has failed; once more after the start of a rollback. `now` is
    /// the time since the start of the wait.
    pub(crate) async fn look(&mut self, environment: &Environment, now: Duration, observer: &mut dyn Observer) {
        let is_due = self.is_urgent || now.saturating_sub(self.last_look) >= INTERVAL;
        if self.is_over || self.is_denied || !is_due {
            return;
        }
        self.last_look = now;
        self.is_urgent = false;
        self.is_over = self.is_rollback;
        let Self {
            services,
            definitions,
            since,
            ..
        } = self;
        let active = services.values_mut().filter(|watched| watched.is_active);
        for watched in active {
            let Err(error) = watched.look(environment, *since - CLOCK_TOLERANCE, definitions).await else {
                watched.report(observer);
                continue;
            };
            // The reasons are an addition: the operation goes on without them.
            if error.kind() == ErrorKind::AccessDenied {
                observer.note(&format!("reasons of stopped tasks are not shown: {error}"));
                self.is_denied = true;
            }
            watched.diagnosis.unread = vec![error.to_string()];
            if self.is_denied {
                break;
            }
        }
    }

    /// What was found about services that CloudFormation did not complete.
    pub(crate) fn into_diagnoses(self) -> Vec<ServiceDiagnosis> {
        let found = self.services.into_values().filter(|watched| watched.is_active);
        let diagnoses = found.map(|watched| watched.diagnosis);
        diagnoses.filter(|diagnosis| !diagnosis.is_empty()).collect()
    }
}

impl Watched {
    async fn look(
        &mut self,
        environment: &Environment,
        since: i64,
        definitions: &mut BTreeMap<String, Json>,
    ) -> Result<(), Error> {
        // Without a physical id, ECS has no service yet.
        let Some(id) = self.id.clone() else { return Ok(()) };
        let stopped = environment.stopped_tasks(&id).await?;
        let new: Vec<_> = stopped.into_iter().filter(|task| !self.seen.contains(task)).collect();
        if !new.is_empty() {
            let mut tasks = environment.failed_tasks(&id, &new).await?;
            self.seen.extend(new);
            tasks.retain(|task| task.created == 0 || task.created >= since);
            tasks.sort_by_key(|task| task.created);
            for task in tasks {
                self.add(task, environment, definitions).await?;
            }
        }
        let service = environment.described_service(&id).await?;
        let events = failures(&service, since);
        if !events.is_empty() {
            self.diagnosis.events = events;
        }
        self.diagnosis.unread.clear();
        self.diagnosis.remedies = remedies(&self.diagnosis.groups, &self.diagnosis.events);
        Ok(())
    }

    /// Counts a task, and reads its logs if it is the first with its reason.
    async fn add(
        &mut self,
        task: StoppedTask,
        environment: &Environment,
        definitions: &mut BTreeMap<String, Json>,
    ) -> Result<(), Error> {
        self.diagnosis.stopped += 1;
        let arn = task.definition.clone();
        if !arn.is_empty() && !definitions.contains_key(&arn) {
            definitions.insert(arn.clone(), environment.task_definition(&arn).await?);
        }
        let nothing = Json::Null;
        let definition = definitions.get(&arn).unwrap_or(&nothing);
        let mut group = task.into_group(|name| defined_container(definition, name));
        if let Some(known) = self.diagnosis.groups.iter_mut().find(|known| known.is_like(&group)) {
            known.count += 1;
            return Ok(());
        }
        if self.diagnosis.groups.len() < MAX_GROUPS {
            read_logs(&mut group, definition, environment).await;
            self.diagnosis.groups.push(group);
        }
        Ok(())
    }

    /// Reports stopped tasks when there are twice as many as in the last message.
    fn report(&mut self, observer: &mut dyn Observer) {
        let stopped = self.diagnosis.stopped;
        if stopped == 0 || stopped < 2 * self.reported {
            return;
        }
        self.reported = stopped;
        if let Some(summary) = self.diagnosis.summary() {
            observer.note(&summary);
        }
    }
}

/// Reads the logs of a task's containers. A log that cannot be read has the reason in place of its lines.
async fn read_logs(group: &mut StoppedTasks, definition: &Json, environment: &Environment) {
    let task = group.task.clone();
    for container in &mut group.containers {
        let Some((log_group, prefix)) = defined_container(definition, &container.name).log else {
            continue;
        };
        if container.exit_code.is_none() {
            // It never ran, so it logged nothing.
            continue;
        }
        let stream = format!("{prefix}/{}/{task}", container.name);
        container.log_location = Some(format!("log group `{log_group}`, stream `{stream}`"));
        match environment.log_lines(&log_group, &stream).await {
            Ok(lines) => container.log = lines,
            Err(error) => container.log_error = Some(error.to_string()),
        }
    }
}
