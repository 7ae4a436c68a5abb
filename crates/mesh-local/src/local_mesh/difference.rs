//! Compares plans: which services of a running mesh a new plan changes. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mesh_model::namespace::ServiceConnectService;
use sidecar_contract::MeshSuffixes;

use crate::plan::{Plan, ServicePlan};

/// The change of a service's tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The service is new.
    New,
    /// The service is removed.
    Gone,
    /// All tasks are replaced.
    Replaced,
    /// Only the number of tasks changes.
    Scaled,
}

/// The changed services, by name.
pub(super) fn changes(running: &Plan, wanted: &Plan) -> BTreeMap<String, Change> {
    let (before, after) = (by_name(running), by_name(wanted));
    let mut changes = BTreeMap::new();
    for (name, service) in &before {
        let change = match after.get(name) {
            None => Some(Change::Gone),
            Some(other) if !is_same_task(service, other) || connected(running, service) != connected(wanted, other) => {
                Some(Change::Replaced)
            }
            Some(other) if service.desired_count != other.desired_count => Some(Change::Scaled),
            Some(_) => None,
        };
        changes.extend(change.map(|change| ((*name).to_owned(), change)));
    }
    let new = after.keys().filter(|name| !before.contains_key(*name));
    changes.extend(new.map(|name| ((*name).to_owned(), Change::New)));
    changes
}

/// Whether two services differ only in their number of tasks, the services that they wait for, and their grace period.
fn is_same_task(running: &ServicePlan, wanted: &ServicePlan) -> bool {
    // The order matters only while tasks start.
    let of_any_number = |service: &ServicePlan| ServicePlan {
        desired_count: 0,
        depends_on: BTreeSet::new(),
        health_check_grace: Duration::ZERO,
        ..service.clone()
    };
    of_any_number(running) == of_any_number(wanted)
}

/// The endpoints that a service's tasks depend on from their start: those that they provide, TCP endpoints, which have
/// a listener each, and those with names outside the namespace's domain.
fn connected<'a>(plan: &'a Plan, service: &ServicePlan) -> Vec<&'a ServiceConnectService> {
    let own = service.membership.namespace();
    let namespace = plan
        .namespaces
        .iter()
        .find(|namespace| Some(namespace.name.as_str()) == own);
    let endpoints = namespace.into_iter().flat_map(|namespace| {
        let inside = MeshSuffixes::new([&namespace.name]);
        namespace.services.iter().filter(move |endpoint| {
            let is_plain = endpoint.protocol.is_http_family() && inside.contains(&endpoint.dns_name);
            endpoint.service == service.name || !is_plain
        })
    });
    endpoints.collect()
}

fn by_name(plan: &Plan) -> BTreeMap<&str, &ServicePlan> {
    plan.task_services()
        .map(|service| (service.name.as_str(), service))
        .collect()
}

#[cfg(test)]
mod tests;
