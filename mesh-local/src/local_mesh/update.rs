//! Changing the meshes of a running mesh: routes, weights, timeouts and whatever else Envoys can be told.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mesh_model::Problems;

use super::{LocalMesh, SETTLED_WITHIN};
use crate::plan::{Member, Membership, Plan, ServicePlan};

/// Why a running mesh did not become what a new plan says.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// Something else changed than what Envoys can be told. Nothing was changed.
    #[error("{0}")]
    NeedsRestart(Problems),
    /// Some Envoy neither accepted nor refused it in time. The others have it, and it will get it, too, if it still can.
    #[error("some Envoy has neither accepted nor refused the change after {} s; the status page says which", .0.as_secs())]
    NotSettled(Duration),
}

impl LocalMesh {
    /// Makes the meshes what `plan` says, waits until every connected Envoy has accepted or refused it, and says how
    /// long that took. [`LocalMesh::status`] says what was refused.
    ///
    /// The change is made at once, whether or not this is awaited to its end.
    ///
    /// # Errors
    ///
    /// If more changed than Envoys can be told while tasks run: services, containers, Cloud Map, Service Connect, the
    /// ports of virtual nodes and gateways that tasks belong to, or the names by which applications know that they call
    /// into the mesh. Says all of it, by service. Also if an Envoy has not answered after ten seconds.
    pub async fn update_meshes(&self, plan: &Plan) -> Result<Duration, UpdateError> {
        needs_restart(&self.plan, plan)
            .or(())
            .map_err(UpdateError::NeedsRestart)?;
        let beginning = Instant::now();
        self.control.update(|world| world.meshes.clone_from(&plan.meshes));
        // An Envoy that is being started again just now is told when it comes.
        let settled = tokio::time::timeout(SETTLED_WITHIN, self.control.settled(0));
        match settled.await {
            Ok(()) => Ok(beginning.elapsed()),
            Err(_) => Err(UpdateError::NotSettled(SETTLED_WITHIN)),
        }
    }
}

/// What differs between two plans, other than what Envoys can be told.
fn needs_restart(running: &Plan, wanted: &Plan) -> Problems {
    let mut problems = Problems::none();
    let (before, after) = (by_name(running), by_name(wanted));
    for (name, service) in &before {
        match after.get(name) {
            None => problems.add(*name, "is gone: its tasks would have to be stopped"),
            Some(wanted) => compare(service, wanted, &mut problems),
        }
    }
    for name in after.keys().filter(|name| !before.contains_key(*name)) {
        problems.add(*name, "is new: its tasks would have to be started");
    }
    if running.namespaces != wanted.namespaces && problems.is_empty() {
        problems.add(
            "Service Connect",
            "changed: its endpoints are a matter of the tasks' ports",
        );
    }
    if running.cloud_map != wanted.cloud_map {
        problems.add("Cloud Map", "has other services: tasks register when they start");
    }
    problems
}

fn by_name(plan: &Plan) -> BTreeMap<&str, &ServicePlan> {
    let services = plan.services.iter();
    services.map(|service| (service.name.as_str(), service)).collect()
}

fn compare(running: &ServicePlan, wanted: &ServicePlan, problems: &mut Problems) {
    let name = running.name.as_str();
    if let (Membership::Mesh(before), Membership::Mesh(after)) = (&running.membership, &wanted.membership)
        && before.path == after.path
    {
        compare_members(name, before, after, problems);
    } else if running.membership != wanted.membership {
        problems.add(
            name,
            "belongs to something else, and its Envoys to what they were started for",
        );
    }
    if running.desired_count != wanted.desired_count {
        let (before, after) = (running.desired_count, wanted.desired_count);
        problems.add(name, format!("is to have {after} tasks and has {before}"));
    }
    let rest = |service: &ServicePlan| ServicePlan {
        membership: Membership::None,
        desired_count: 0,
        ..service.clone()
    };
    if rest(running) != rest(wanted) {
        problems.add(name, "has other containers, or is registered elsewhere");
    }
}

fn compare_members(name: &str, running: &Member, wanted: &Member, problems: &mut Problems) {
    let path = &running.path;
    if running.listeners != wanted.listeners {
        let ports = |member: &Member| {
            let ports = member.listeners.iter();
            let ports: Vec<String> = ports.map(|(port, protocol)| format!("{port} ({protocol})")).collect();
            if ports.is_empty() {
                "none".to_owned()
            } else {
                ports.join(", ")
            }
        };
        let (before, after) = (ports(running), ports(wanted));
        problems.add(name, format!("{path} has other listeners: {after}, and had {before}"));
    }
    if running.tcp_backends != wanted.tcp_backends {
        let message = format!("{path} calls other TCP ports, and each has a listener that applications know");
        problems.add(name, message);
    }
    if running.suffixes != wanted.suffixes {
        problems.add(
            name,
            format!("{path} is in a mesh with other names to be called, which applications know"),
        );
    }
    if (&running.container, &running.sds) != (&wanted.container, &wanted.sds) {
        problems.add(
            name,
            "has another container as its Envoy, or another secret discovery service beside it",
        );
    }
}

#[cfg(test)]
mod tests;
