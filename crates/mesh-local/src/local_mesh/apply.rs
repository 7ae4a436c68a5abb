//! Making a running mesh what a new plan says, without losing a request.
//!
//! The order is that of a deployment that keeps everything it replaces until the new is there, as ECS's with a minimum of
//! 100 % healthy tasks:
//!
//! 1. everybody is told of what is new, and nothing of what changes: a route must not lead to tasks that are not there;
//! 2. new tasks start, and are registered as they become ready; if one fails, all new ones are taken away again;
//! 3. everybody is told of all that changes, but goes on listening where it did;
//! 4. tasks that are replaced or gone leave, finish their requests and end;
//! 5. what is no more is forgotten.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::difference::{Change, changes};
use super::{LocalMesh, SETTLED_WITHIN};
use crate::mesh_state::{contract, expand, switch};
use crate::network::AddressesExhausted;
use crate::plan::{Plan, ServicePlan};

/// What a new plan changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The tasks that were started, in the order of the plan.
    pub started: Vec<String>,
    /// The tasks that were stopped.
    pub stopped: Vec<String>,
    /// From telling the Envoys of what changes until every connected one had accepted or refused it.
    pub settled_after: Duration,
    /// False if some Envoy has neither accepted nor refused everything within ten seconds. It will get it, too, if it
    /// still can; the status page says which it is.
    pub settled: bool,
}

/// Why a running mesh did not become what a new plan says.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A new task was never running. The mesh is as it was.
    #[error("{0}")]
    Task(String),
    /// The machine has no place for a new task. The mesh is as it was.
    #[error("making a place for a task")]
    Machine(#[source] std::io::Error),
    /// There are more names than addresses for them. The mesh is as it was.
    #[error("{0}")]
    NoAddress(AddressesExhausted),
}

impl LocalMesh {
    /// Makes the mesh what `plan` says: replaces the tasks of services whose description changed, starts and stops what
    /// there is to be more or less of, and tells every Envoy what changes. A plan that changes nothing else than meshes
    /// touches no task. [`LocalMesh::status`] says what Envoys refused.
    ///
    /// Cancelling it leaves new tasks beside those that they were to replace; [`LocalMesh::shutdown`] stops all of them.
    ///
    /// # Errors
    ///
    /// See [`ApplyError`]: the mesh is as it was then.
    pub async fn apply(&mut self, plan: Plan) -> Result<Applied, ApplyError> {
        let changes = changes(&self.plan, &plan);
        let before = self.leaving(&changes, &plan);
        if let Some(network) = &self.network {
            network.name_new(&plan).map_err(ApplyError::NoAddress)?;
        }
        let mut new = Vec::new();
        if changes.values().any(|change| *change != Change::Gone) {
            self.control.update(|world| expand(world, &plan));
            let started = self.start_new(&changes, &plan, &mut new).await;
            if let Err(error) = started {
                self.task_set.give_up(&new).await;
                self.forget_others();
                return Err(error);
            }
            // Told, those that are slow are waited for below.
            self.settled().await;
        }
        let telling = Instant::now();
        self.control.update(|world| switch(world, &plan));
        self.plan = plan;
        let mut settled = self.settled().await;
        let settled_after = telling.elapsed();
        if !before.is_empty() {
            self.task_set.remove(&before).await;
        }
        self.forget_others();
        if !changes.is_empty() {
            settled &= self.settled().await;
        }
        Ok(Applied {
            started: new,
            stopped: before,
            settled_after,
            settled,
        })
    }

    /// Makes what everybody is told no more than what the plan says.
    fn forget_others(&self) {
        self.control.update(|world| contract(world, &self.plan));
        if let Some(network) = &self.network {
            network.name_only(&self.plan);
            self.task_set.publish();
        }
    }

    /// The tasks that are there now and are to leave, the youngest first where there are to be fewer.
    fn leaving(&self, changes: &BTreeMap<String, Change>, plan: &Plan) -> Vec<String> {
        let mut leaving = Vec::new();
        for (service, change) in changes {
            let mut tasks = self.task_set.tasks_of(service);
            match change {
                Change::New => {}
                Change::Gone | Change::Replaced => leaving.append(&mut tasks),
                Change::Scaled => leaving.extend(tasks.drain(..).skip(count_of(plan, service))),
            }
        }
        leaving
    }

    /// Starts the tasks that are not there yet, and waits until all of them are running. `new` are their names, also if it
    /// fails.
    async fn start_new(
        &mut self,
        changes: &BTreeMap<String, Change>,
        plan: &Plan,
        new: &mut Vec<String>,
    ) -> Result<(), ApplyError> {
        for service in &plan.services {
            let there = self.task_set.tasks_of(&service.name);
            let missing = match changes.get(&service.name) {
                None | Some(Change::Gone) => 0,
                Some(Change::New | Change::Replaced) => service.desired_count,
                Some(Change::Scaled) => service
                    .desired_count
                    .saturating_sub(there.len().try_into().unwrap_or(u32::MAX)),
            };
            let shared: Arc<ServicePlan> = Arc::new(service.clone());
            let added = self.task_set.add(&shared, missing, &plan.namespaces);
            let all = self.task_set.tasks_of(&service.name).into_iter();
            new.extend(all.skip(there.len()));
            added.map_err(ApplyError::Machine)?;
        }
        self.task_set.ready().await.map_err(ApplyError::Task)
    }

    /// Waits until every connected Envoy has answered to everything that is true now; false if one has not in time. One
    /// that is being started again just now is told when it comes.
    async fn settled(&self) -> bool {
        let settled = tokio::time::timeout(SETTLED_WITHIN, self.control.settled(0));
        settled.await.is_ok()
    }
}

fn count_of(plan: &Plan, service: &str) -> usize {
    let service = plan.services.iter().find(|found| found.name == service);
    service.map_or(0, |service| service.desired_count.try_into().unwrap_or(usize::MAX))
}
