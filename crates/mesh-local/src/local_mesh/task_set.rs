//! The tasks of a mesh: started, awaited and removed by service.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use mesh_model::namespace::Namespace;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use super::service_start::{ServiceStart, wait_for_all};
use crate::event::Event;
use crate::mesh_state::registrations;
use crate::plan::ServicePlan;
use crate::slot::{Slot, SlotContext};
use crate::supervisor::keep_running;
use crate::task::{StopRequest, Task, TaskContext};

/// The tasks of a mesh. Dropping it kills them all at once.
pub(super) struct TaskSet {
    context: Arc<TaskContext>,
    tasks: Vec<Supervised>,
    /// Deregistered tasks that DNS clients may still call.
    lingering: Vec<Supervised>,
    /// The last task number of each service. Numbers are not reused, so that logs keep their names.
    numbers: BTreeMap<String, u32>,
    slots_made: usize,
    waiting: JoinSet<Result<(), String>>,
    /// The start of each service's latest tasks.
    starts: BTreeMap<String, Arc<ServiceStart>>,
    /// Of tasks that were waited for.
    failures: Vec<String>,
}

/// A supervised task.
struct Supervised {
    slot: Arc<Slot>,
    stop: StopRequest,
    /// The time that it serves after its deregistration.
    lingers: Duration,
    supervisor: AbortOnDropHandle<()>,
}

impl TaskSet {
    pub(super) fn new(context: Arc<TaskContext>) -> Self {
        Self {
            context,
            tasks: Vec::new(),
            lingering: Vec::new(),
            numbers: BTreeMap::new(),
            slots_made: 0,
            waiting: JoinSet::new(),
            starts: BTreeMap::new(),
            failures: Vec::new(),
        }
    }

    /// Announces `count` more tasks of a service, for which the services that depend on it wait. Before any of them is
    /// added.
    pub(super) fn expect(&mut self, service: &str, count: u32) {
        self.starts.insert(service.to_owned(), ServiceStart::new(count));
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
        let slot = Slot::new(plan, *number, self.slots_made, namespace, site)?;
        if slot.is_load_balancer() {
            self.context.load_balancer_sockets.add(slot.admin_socket());
        }
        Ok(slot)
    }

    fn supervise(&mut self, slot: Arc<Slot>, plan: &Arc<ServicePlan>, namespaces: &[Namespace]) {
        let (first, running) = oneshot::channel();
        let stop = StopRequest::default();
        let registrations = registrations(&slot, plan, namespaces);
        let start = self.starts.get(&plan.name).map(Arc::clone);
        let dependencies = plan.depends_on.iter();
        let dependencies = dependencies.filter_map(|name| Some((name.clone(), self.starts.get(name)?.clone())));
        let dependencies: Vec<(String, Arc<ServiceStart>)> = dependencies.collect();
        let lingers = Task {
            context: &self.context,
            plan,
            slot: &slot,
            registrations: &registrations,
        }
        .dns_ttl();
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
                let on_wait = |service: &str| {
                    (context.on_event)(Event::Waiting {
                        task: slot.name.clone(),
                        what: format!("the service {service}"),
                    });
                };
                if let Err(failed) = wait_for_all(&dependencies, &slot.name, &stop, on_wait).await {
                    // The receiver may have been dropped.
                    let _gone = first.send(Err(failed));
                    return;
                }
                keep_running(&task, &stop, first).await;
            }
        };
        self.tasks.push(Supervised {
            slot,
            stop,
            lingers,
            supervisor: AbortOnDropHandle::new(tokio::spawn(supervising)),
        });
        self.waiting.spawn(async move {
            let ended = || Err("the task ended before it was running".to_owned());
            let outcome = running.await.unwrap_or_else(|_| ended());
            if let Some(start) = start {
                start.note(outcome.is_ok());
            }
            outcome
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

    /// Waits until every task has been running once or has failed; returns the failures. Cancelling this loses nothing.
    pub(super) async fn failures(&mut self) -> Vec<String> {
        while let Some(joined) = self.waiting.join_next().await {
            if let Err(failure) = joined.unwrap_or_else(|panic| Err(panic.to_string())) {
                self.failures.push(failure);
            }
        }
        std::mem::take(&mut self.failures)
    }

    /// The slots of tasks that are running or being restarted. One that failed before it was ever running is not.
    pub(super) fn running(&self) -> impl Iterator<Item = &Slot> {
        let running = self.tasks.iter().filter(|task| !task.supervisor.is_finished());
        running.map(|task| task.slot.as_ref())
    }

    /// The services with a task that failed before it was ever running.
    pub(super) fn failed_services(&self) -> impl Iterator<Item = &str> {
        let failed = self.tasks.iter().filter(|task| task.supervisor.is_finished());
        failed.map(|task| task.slot.service.service.as_str())
    }

    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.tasks.iter().map(|task| task.slot.as_ref())
    }

    /// The names of a service's tasks, oldest first.
    pub(super) fn tasks_of(&self, service: &str) -> Vec<String> {
        let of_service = self.slots().filter(|slot| slot.service.service == service);
        of_service.map(|slot| slot.name.clone()).collect()
    }

    /// Reports an event of the mesh.
    pub(super) fn emit(&self, event: Event) {
        (self.context.on_event)(event);
    }

    /// Updates DNS to the registered tasks.
    pub(super) fn publish(&self) {
        self.context.cloud_map.publish_now();
    }

    /// Deregisters these tasks, lets them complete their requests, and ends them. Those that DNS clients may still call
    /// serve until the time to live of their records is over, which is not waited for. Cancelling this kills the rest.
    pub(super) async fn remove(&mut self, tasks: &[String]) {
        let leaving = self.tasks.extract_if(.., |task| tasks.contains(&task.slot.name));
        let (lingering, leaving): (Vec<Supervised>, Vec<Supervised>) =
            leaving.partition(|task| !task.lingers.is_zero());
        for task in &lingering {
            task.stop.leave.cancel();
        }
        self.lingering.retain(|task| !task.supervisor.is_finished());
        self.lingering.extend(lingering);
        stop_all(leaving).await;
    }

    /// Removes tasks that were never running, and stops waiting for them.
    pub(super) async fn abandon(&mut self, tasks: &[String]) {
        self.waiting.shutdown().await;
        let unused = self.tasks.extract_if(.., |task| tasks.contains(&task.slot.name));
        let unused: Vec<Supervised> = unused.collect();
        stop_all(unused).await;
    }

    /// Removes all tasks.
    pub(super) async fn shutdown(self) {
        stop_all(self.tasks.into_iter().chain(self.lingering).collect()).await;
    }
}

async fn stop_all(tasks: Vec<Supervised>) {
    for task in &tasks {
        task.stop.now.cancel();
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
