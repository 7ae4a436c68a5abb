//! Operations of an operator on single services, tasks and routes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;

use cfn::closest;
use mesh_model::app_mesh::route::WeightedTarget;
use mesh_model::app_mesh::{Kind, ResourcePath, RouteSpec};
use rustix::process::Signal;

use super::{Applied, ApplyError, LocalMesh};
use crate::description::TaskStatus;
use crate::plan::ContainerPlan;
use crate::process::signal_group;
use crate::slot::Slot;

/// Limit on the tasks of one service; the plan has one on all of them.
const MAX_TASKS: u32 = 100;

/// Why an operation is not possible.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperationError {
    /// There is no such object.
    #[error("there is no {kind} `{name}`{hint}")]
    Unknown {
        /// What was looked for.
        kind: &'static str,
        /// The given name.
        name: String,
        /// The known names, as the end of the message.
        hint: String,
    },
    /// The object exists, but the operation is not possible on it.
    #[error("{0}")]
    Impossible(String),
    /// The mesh could not be changed.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

impl LocalMesh {
    /// Replaces tasks one by one: each replacement is running before the task that it replaces is deregistered,
    /// completes its requests and ends. `name` is a task, or a service for all of its tasks.
    ///
    /// # Errors
    ///
    /// If there is no such task or service, or a replacement was never running: the tasks that are left keep running.
    pub async fn restart(&mut self, name: &str) -> Result<Applied, OperationError> {
        let tasks = self.tasks_named(name)?;
        let mut applied = Applied::nothing();
        for task in tasks {
            let started = self.replace(&task).await?;
            applied.started.extend(started);
            applied.stopped.push(task);
        }
        applied.settled = self.settled().await;
        applied.unsettled = if applied.settled {
            Vec::new()
        } else {
            self.control.unsettled()
        };
        Ok(applied)
    }

    /// Starts a replacement of a task, and removes the task. Returns the replacement.
    async fn replace(&mut self, task: &str) -> Result<Vec<String>, OperationError> {
        let service = task.rsplit_once('/').map_or(task, |(service, _)| service);
        let Some(plan) = self.plan.task_services().find(|plan| plan.name == service) else {
            return Err(self.unknown_task(task));
        };
        let plan = Arc::new(plan.clone());
        let before = self.task_set.tasks_of(service);
        self.task_set.expect(service, 1);
        let added = self.task_set.add(&plan, 1, &self.plan.namespaces);
        added.map_err(ApplyError::Machine)?;
        let mut new = self.task_set.tasks_of(service);
        new.retain(|task| !before.contains(task));
        if let Err(failure) = self.task_set.ready().await {
            self.task_set.abandon(&new).await;
            return Err(ApplyError::Task(failure).into());
        }
        // Envoys call the new task before the old one leaves.
        self.settled().await;
        self.task_set.remove(&[task.to_owned()]).await;
        Ok(new)
    }

    /// Sends SIGKILL to the containers of a task, or to one of them, as a crash would end it: the task is restarted.
    /// Returns the processes.
    ///
    /// # Errors
    ///
    /// If there is no such task or container, or the task is not running.
    pub fn kill(&self, task: &str, container: Option<&str>) -> Result<Vec<u32>, OperationError> {
        let slot = self.slot_named(task)?;
        let state = slot.state().get();
        if state.status != TaskStatus::Running {
            return Err(OperationError::Impossible(format!("{task} is not running")));
        }
        let processes = state.processes.iter();
        let chosen: Vec<u32> = match container {
            Some(container) => {
                let chosen = processes.filter(|(name, _)| name == container);
                chosen.map(|(_, pid)| *pid).collect()
            }
            None => {
                let containers = processes.filter(|(name, _)| !is_envoy(name));
                containers.map(|(_, pid)| *pid).collect()
            }
        };
        if chosen.is_empty() {
            let names = state.processes.iter().map(|(name, _)| name.as_str());
            return Err(unknown("container", container.unwrap_or_default(), names));
        }
        for pid in &chosen {
            signal_group(*pid, Signal::KILL);
        }
        Ok(chosen)
    }

    /// Starts or stops tasks until a service has `count` of them, until the plan changes. The newest ones end.
    ///
    /// # Errors
    ///
    /// If there is no such service, or a new task was never running.
    pub async fn scale(&mut self, service: &str, count: u32) -> Result<Applied, OperationError> {
        if count > MAX_TASKS {
            let message = format!("{count} tasks of {service} are more than {MAX_TASKS}");
            return Err(OperationError::Impossible(message));
        }
        let mut plan = self.plan.clone();
        let Some(found) = plan.services.iter_mut().find(|found| found.name == service) else {
            return Err(self.unknown_service(service));
        };
        found.desired_count = count;
        Ok(self.apply(plan).await?)
    }

    /// Sets the weights of a route's targets by virtual node, until the plan changes. `route` is the path of the route, or
    /// its name, or that of its virtual router if only one has it. Returns the path of the route and the weights before.
    ///
    /// # Errors
    ///
    /// If there is no such route or target, or a weight is above 100.
    pub async fn set_weights(
        &mut self,
        route: &str,
        weights: &BTreeMap<String, u32>,
    ) -> Result<(ResourcePath, BTreeMap<String, u32>), OperationError> {
        let path = self.route_named(route)?;
        let mut meshes = self.plan.meshes.clone();
        let spec = meshes
            .get_mut(&path.mesh)
            .and_then(|mesh| mesh.virtual_routers.get_mut(path.parent.as_deref()?))
            .and_then(|router| router.routes.get_mut(&path.name));
        let targets = spec
            .and_then(targets_mut)
            .ok_or_else(|| OperationError::Impossible(format!("{} has no targets", path.description())))?;
        let before = targets
            .iter()
            .map(|target| (target.virtual_node.clone(), target.weight));
        let before: BTreeMap<String, u32> = before.collect();
        for (node, weight) in weights {
            if *weight > 100 {
                let message = format!("the weight {weight} of {node} is above 100");
                return Err(OperationError::Impossible(message));
            }
            let mut named = targets
                .iter_mut()
                .filter(|target| target.virtual_node == *node)
                .peekable();
            if named.peek().is_none() {
                return Err(unknown("target", node, before.keys().map(String::as_str)));
            }
            named.for_each(|target| target.weight = *weight);
        }
        self.set_meshes(meshes).await?;
        self.settled().await;
        Ok((path, before))
    }

    /// The environment of a container of a task, as its process has it; without `container`, of the first one.
    ///
    /// # Errors
    ///
    /// If there is no such task or container.
    pub fn environment(&self, task: &str, container: Option<&str>) -> Result<Vec<(String, OsString)>, OperationError> {
        let slot = self.slot_named(task)?;
        let plan = self.plan.services.iter().find(|plan| plan.name == slot.service.service);
        let containers: &[ContainerPlan] = plan.map_or(&[], |plan| &plan.containers);
        let found = match container {
            Some(name) => containers.iter().find(|found| found.name == name),
            None => containers.iter().find(|found| found.essential).or(containers.first()),
        };
        let found = found.ok_or_else(|| {
            let names = containers.iter().map(|container| container.name.as_str());
            unknown("container", container.unwrap_or_default(), names)
        })?;
        Ok(slot.environment_of(found))
    }

    /// Waits until every connected Envoy has acknowledged or rejected the current state, for at most ten seconds. Returns
    /// those that have not.
    pub async fn wait_until_settled(&self) -> Vec<String> {
        match self.settled().await {
            true => Vec::new(),
            false => self.control.unsettled(),
        }
    }

    /// The routes with this path, name or virtual router.
    fn route_named(&self, name: &str) -> Result<ResourcePath, OperationError> {
        let mut all = Vec::new();
        for (mesh, topology) in &self.plan.meshes {
            for (router, found) in &topology.virtual_routers {
                let routes = found.routes.keys();
                all.extend(routes.map(|route| ResourcePath::within(mesh, router, Kind::Route, route)));
            }
        }
        let is_named = |path: &&ResourcePath| {
            path.to_string() == name || path.name == name || path.parent.as_deref() == Some(name)
        };
        let found: Vec<&ResourcePath> = all.iter().filter(is_named).collect();
        match found.as_slice() {
            [only] => Ok((*only).clone()),
            [] => {
                let routes = all.iter().map(|path| path.name.as_str());
                let routers = all.iter().filter_map(|path| path.parent.as_deref());
                Err(unknown("route", name, routes.chain(routers)))
            }
            several => {
                let paths: Vec<String> = several.iter().map(ToString::to_string).collect();
                Err(OperationError::Impossible(format!(
                    "several routes are named `{name}`: {}; give the path of one",
                    paths.join(", ")
                )))
            }
        }
    }

    /// The tasks of this name, or of the service of this name.
    fn tasks_named(&self, name: &str) -> Result<Vec<String>, OperationError> {
        let is_service = self.plan.task_services().any(|plan| plan.name == name);
        if is_service {
            return Ok(self.task_set.tasks_of(name));
        }
        Ok(vec![self.slot_named(name)?.name.clone()])
    }

    fn slot_named(&self, name: &str) -> Result<&Slot, OperationError> {
        let mut slots = self.task_set.slots();
        slots
            .find(|slot| slot.name == name)
            .ok_or_else(|| self.unknown_task(name))
    }

    fn unknown_task(&self, name: &str) -> OperationError {
        unknown("task", name, self.task_set.slots().map(|slot| slot.name.as_str()))
    }

    fn unknown_service(&self, name: &str) -> OperationError {
        let services = self.plan.task_services();
        unknown("service", name, services.map(|plan| plan.name.as_str()))
    }
}

/// Whether a process of a task is an Envoy.
fn is_envoy(name: &str) -> bool {
    matches!(name, "envoy" | "entrance")
}

fn targets_mut(route: &mut RouteSpec) -> Option<&mut Vec<WeightedTarget>> {
    let http = route.http_route.as_mut().or(route.http2_route.as_mut());
    let http = http.map(|route| &mut route.action.weighted_targets);
    let grpc = route
        .grpc_route
        .as_mut()
        .map(|route| &mut route.action.weighted_targets);
    let tcp = route.tcp_route.as_mut().map(|route| &mut route.action.weighted_targets);
    http.or(grpc).or(tcp)
}

fn unknown<'n>(kind: &'static str, name: &str, known: impl Iterator<Item = &'n str>) -> OperationError {
    let known: Vec<&str> = known.collect();
    let hint = match closest(name, known.iter().copied()) {
        Some(meant) => format!("; did you mean `{meant}`?"),
        None => {
            let names = &known[..known.len().min(20)];
            match names {
                [] => String::new(),
                names => format!("; there are {}", names.join(", ")),
            }
        }
    };
    OperationError::Unknown {
        kind,
        name: name.to_owned(),
        hint,
    }
}
