//! Updates a running mesh to a new plan without losing requests.
//!
//! The order is that of expand–contract, and of an ECS deployment with a minimum healthy percentage of 100:
//!
//! 1. expand: Envoys receive everything new and no changes, as no route may point to tasks that are not registered;
//! 2. new tasks start, and register when they are ready; if one fails, all new ones are removed;
//! 3. switch: Envoys receive all changes, but keep their old listeners;
//! 4. replaced and removed tasks deregister, complete their requests and end;
//! 5. contract: everything outside the new plan is removed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::difference::{Change, changes};
use super::{LocalMesh, SYNC_TIMEOUT};
use crate::mesh_state::{contract, expand, switch};
use crate::network::AddressesExhausted;
use crate::plan::{Plan, ServicePlan};

/// The result of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// The started tasks, in plan order.
    pub started: Vec<String>,
    /// The stopped tasks.
    pub stopped: Vec<String>,
    /// Time from pushing the changes until every connected Envoy had sent its ACK or NACK.
    pub settled_after: Duration,
    /// False if an Envoy has sent neither ACK nor NACK within ten seconds. It still receives the changes if it can; see
    /// the status page.
    pub settled: bool,
    /// Those Envoys, by node id and task.
    pub unsettled: Vec<String>,
}

impl Applied {
    /// An update that changed nothing yet.
    pub(super) fn nothing() -> Self {
        Self {
            started: Vec::new(),
            stopped: Vec::new(),
            settled_after: Duration::ZERO,
            settled: true,
            unsettled: Vec::new(),
        }
    }
}

/// Why an update failed. The mesh is unchanged then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// A new task was never running.
    #[error("{0}")]
    Task(String),
    /// The slot of a new task could not be created.
    #[error("cannot create a task slot")]
    Machine(#[source] std::io::Error),
    /// A certificate could not be made.
    #[error("cannot make a certificate")]
    Certificate(#[source] std::io::Error),
    /// There are more names than addresses.
    #[error(transparent)]
    NoAddress(AddressesExhausted),
}

impl LocalMesh {
    /// Updates the mesh to `plan`: replaces the tasks of changed services, scales the others, and pushes all changes to
    /// the Envoys. A plan in which only meshes change restarts no task. [`LocalMesh::status`] reports NACKs.
    ///
    /// Cancelling this leaves new tasks beside those that they replace; [`LocalMesh::shutdown`] stops all of them.
    ///
    /// # Errors
    ///
    /// See [`ApplyError`]: the mesh is unchanged.
    pub async fn apply(&mut self, plan: Plan) -> Result<Applied, ApplyError> {
        let mut changes = changes(&self.plan, &plan);
        // Their tasks start again.
        for service in self.task_set.failed_services() {
            if plan.task_services().any(|wanted| wanted.name == service) {
                changes.entry(service.to_owned()).or_insert(Change::Replaced);
            }
        }
        let leaving = self.leaving(&changes, &plan);
        if let Some(network) = &self.network {
            network.add_names(&plan).map_err(ApplyError::NoAddress)?;
        }
        self.provide_certificates(&plan)?;
        let mut new = Vec::new();
        if changes.values().any(|change| *change != Change::Gone) {
            self.control.update(|state| expand(state, &plan));
            let started = self.start_new(&changes, &plan, &mut new).await;
            if let Err(error) = started {
                self.task_set.abandon(&new).await;
                self.contract_to_plan();
                return Err(error);
            }
            // Envoys that are slow are waited for below.
            self.settled().await;
        }
        let pushed = Instant::now();
        self.control.update(|state| switch(state, &plan));
        self.plan = plan;
        let mut settled = self.settled().await;
        let settled_after = pushed.elapsed();
        if !leaving.is_empty() {
            self.task_set.remove(&leaving).await;
        }
        self.contract_to_plan();
        if !changes.is_empty() {
            settled &= self.settled().await;
        }
        Ok(Applied {
            started: new,
            stopped: leaving,
            settled_after,
            settled,
            unsettled: if settled { Vec::new() } else { self.control.unsettled() },
        })
    }

    /// Removes everything outside the current plan.
    fn contract_to_plan(&self) {
        self.control.update(|state| contract(state, &self.plan));
        if let Some(network) = &self.network {
            network.retain_names(&self.plan);
            self.task_set.publish();
        }
    }

    /// The current tasks that are to end; the newest ones where a service is scaled in.
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

    /// Starts missing tasks, and waits until all are running. `new` receives their names, also on failure.
    async fn start_new(
        &mut self,
        changes: &BTreeMap<String, Change>,
        plan: &Plan,
        new: &mut Vec<String>,
    ) -> Result<(), ApplyError> {
        let missing = |current: usize, service: &ServicePlan| match changes.get(&service.name) {
            None | Some(Change::Gone) => 0,
            Some(Change::New | Change::Replaced) => service.desired_count,
            Some(Change::Scaled) => service
                .desired_count
                .saturating_sub(current.try_into().unwrap_or(u32::MAX)),
        };
        for service in plan.task_services() {
            let current = self.task_set.tasks_of(&service.name).len();
            self.task_set.expect(&service.name, missing(current, service));
        }
        for service in plan.task_services() {
            let current = self.task_set.tasks_of(&service.name);
            let missing = missing(current.len(), service);
            let shared: Arc<ServicePlan> = Arc::new(service.clone());
            let added = self.task_set.add(&shared, missing, &plan.namespaces);
            let all = self.task_set.tasks_of(&service.name).into_iter();
            new.extend(all.skip(current.len()));
            added.map_err(ApplyError::Machine)?;
        }
        self.task_set.ready().await.map_err(ApplyError::Task)
    }

    /// Waits until every connected Envoy has sent an ACK or NACK for the current state; false on timeout. An Envoy that
    /// is restarting receives the state when it connects.
    pub(super) async fn settled(&self) -> bool {
        let settled = tokio::time::timeout(SYNC_TIMEOUT, self.control.settled(0));
        settled.await.is_ok()
    }
}

fn count_of(plan: &Plan, service: &str) -> usize {
    let service = plan.task_services().find(|found| found.name == service);
    service.map_or(0, |service| service.desired_count.try_into().unwrap_or(usize::MAX))
}
