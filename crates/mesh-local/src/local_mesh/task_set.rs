//! The tasks of a mesh: started, awaited and removed by service.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use futures_util::future::join_all;
use mesh_model::namespace::Namespace;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::mesh_state::registrations;
use crate::plan::ServicePlan;
use crate::slot::{Slot, SlotContext};
use crate::supervisor::keep_running;
use crate::task::{Task, TaskContext};

/// The tasks of a mesh. Dropping it kills them all at once.
pub(super) struct TaskSet {
    context: Arc<TaskContext>,
    tasks: Vec<Supervised>,
    /// The last task number of each service. Numbers are not reused, so that logs keep their names.
    numbers: BTreeMap<String, u32>,
    slots_made: usize,
    waiting: JoinSet<Result<(), String>>,
}

/// A supervised task.
struct Supervised {
    slot: Arc<Slot>,
    stop: CancellationToken,
    supervisor: AbortOnDropHandle<()>,
}

impl TaskSet {
    pub(super) fn new(context: Arc<TaskContext>) -> Self {
        Self {
            context,
            tasks: Vec::new(),
            numbers: BTreeMap::new(),
            slots_made: 0,
            waiting: JoinSet::new(),
        }
    }

    /// Starts `count` more tasks of a service. [`TaskSet::ready`] waits for them.
    ///
    /// # Errors
    ///
    /// If a task slot cannot be created. Earlier ones are already starting.
    pub(super) fn add(&mut self, plan: &Arc<ServicePlan>, count: u32, namespaces: &[Namespace]) -> io::Result<()> {
        for _ in 0..count {
            let slot = Arc::new(self.slot(plan, namespaces)?);
            self.supervise(slot, plan, namespaces);
        }
        Ok(())
    }

    fn slot(&mut self, plan: &ServicePlan, namespaces: &[Namespace]) -> io::Result<Slot> {
        let own = plan.membership.namespace();
        let namespace = own.and_then(|name| namespaces.iter().find(|namespace| namespace.name == name));
        let number = self.numbers.entry(plan.name.clone()).or_default();
        *number += 1;
        self.slots_made += 1;
        let site = SlotContext {
            run_dir: self.context.run_dir.path(),
            network: self.context.network.as_deref(),
            collector: self.context.collector,
        };
        Slot::new(plan, *number, self.slots_made, namespace, site)
    }

    fn supervise(&mut self, slot: Arc<Slot>, plan: &Arc<ServicePlan>, namespaces: &[Namespace]) {
        let (first, running) = oneshot::channel();
        let stop = CancellationToken::new();
        let registrations = registrations(&slot, plan, namespaces);
        let (context, plan) = (Arc::clone(&self.context), Arc::clone(plan));
        let supervising = {
            let (slot, stop) = (Arc::clone(&slot), stop.clone());
            async move {
                let task = Task {
                    context: &context,
                    plan: &plan,
                    slot: &slot,
                    registrations: &registrations,
                };
                keep_running(&task, &stop, first).await;
            }
        };
        self.tasks.push(Supervised {
            slot,
            stop,
            supervisor: AbortOnDropHandle::new(tokio::spawn(supervising)),
        });
        self.waiting.spawn(async move {
            let ended = || Err("the task ended before it was running".to_owned());
            running.await.unwrap_or_else(|_| ended())
        });
    }

    /// Waits until every task has been running once. Cancelling this loses nothing.
    ///
    /// # Errors
    ///
    /// The first task that failed before it was ever running, with the end of its log. The other tasks keep running.
    pub(super) async fn ready(&mut self) -> Result<(), String> {
        while let Some(joined) = self.waiting.join_next().await {
            joined.unwrap_or_else(|panic| Err(panic.to_string()))?;
        }
        Ok(())
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.tasks.iter().map(|task| task.slot.as_ref())
    }

    /// The names of a service's tasks, oldest first.
    pub(super) fn tasks_of(&self, service: &str) -> Vec<String> {
        let of_service = self.slots().filter(|slot| slot.service.service == service);
        of_service.map(|slot| slot.name.clone()).collect()
    }

    /// Updates DNS to the registered tasks.
    pub(super) fn publish(&self) {
        self.context.cloud_map.publish_now();
    }

    /// Deregisters these tasks, lets them complete their requests, and ends them. Cancelling this kills the rest.
    pub(super) async fn remove(&mut self, tasks: &[String]) {
        let leaving = self.tasks.extract_if(.., |task| tasks.contains(&task.slot.name));
        let leaving: Vec<Supervised> = leaving.collect();
        stop_all(leaving).await;
    }

    /// Removes tasks that were never running, and stops waiting for them.
    pub(super) async fn abandon(&mut self, tasks: &[String]) {
        self.waiting.shutdown().await;
        self.remove(tasks).await;
    }

    /// Removes all tasks.
    pub(super) async fn shutdown(self) {
        stop_all(self.tasks).await;
    }
}

async fn stop_all(tasks: Vec<Supervised>) {
    for task in &tasks {
        task.stop.cancel();
    }
    // If a supervisor panicked, it has dropped and so killed its task.
    let _ended = join_all(tasks.into_iter().map(|task| task.supervisor)).await;
}

impl std::fmt::Debug for TaskSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.slots().map(|slot| slot.name.as_str());
        f.debug_set().entries(names).finish()
    }
}
