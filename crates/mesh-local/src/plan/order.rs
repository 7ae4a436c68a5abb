//! An order in which a task's containers can be started: each after those it depends on.

use std::collections::BTreeSet;

use sidecar_contract::Diagnostics;

use super::container::ContainerDraft;
use super::parts::{Condition, ContainerPlan};

/// Puts the containers that are started in order, and notes dependencies that cannot be met.
///
/// Nobody waits for those that are not started: the Envoy is ready before any of the others starts, and what the
/// others have nothing to wait for here is as good as there.
pub(super) fn in_start_order(
    containers: Vec<ContainerDraft>,
    path: &str,
    diagnostics: &mut Diagnostics,
) -> Vec<ContainerPlan> {
    check(&containers, path, diagnostics);
    let (started, left_out): (Vec<ContainerDraft>, Vec<ContainerDraft>) =
        containers.into_iter().partition(|container| container.is_started);
    let left_out: BTreeSet<String> = left_out.into_iter().map(|container| container.plan.name).collect();
    let mut waiting: Vec<ContainerPlan> = started.into_iter().map(ContainerDraft::into_plan).collect();
    for container in &mut waiting {
        container.depends_on.retain(|(name, _)| !left_out.contains(name));
    }
    let mut ordered: Vec<ContainerPlan> = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_free = |container: &ContainerPlan| {
            container
                .depends_on
                .iter()
                // A container whose name is not known may be any, so nobody waits for it.
                .all(|(name, _)| name.is_empty() || !waiting.iter().any(|other| other.name == *name))
        };
        let Some(position) = waiting.iter().position(is_free) else {
            let names: Vec<&str> = waiting.iter().map(|container| container.name.as_str()).collect();
            diagnostics.add(path, format!("the containers {} wait for each other", names.join(", ")));
            return ordered;
        };
        ordered.push(waiting.remove(position));
    }
    ordered
}

fn check(containers: &[ContainerDraft], path: &str, diagnostics: &mut Diagnostics) {
    let plans = || containers.iter().map(|container| &container.plan);
    for (index, container) in plans().enumerate() {
        for (number, (name, condition)) in container.depends_on.iter().enumerate() {
            let path = format!("{path}[{index}].DependsOn[{number}]");
            let found = plans().find(|other| !name.is_empty() && other.name == *name);
            let Some(other) = found else {
                // It may be meant where a name is not known.
                if !name.is_empty() && plans().all(|other| !other.name.is_empty()) {
                    diagnostics.add(path, format!("`{name}` is no container of this task definition"));
                }
                continue;
            };
            if *condition == Condition::Healthy && other.health_check.is_none() {
                diagnostics.add(
                    &path,
                    format!("waits for `{name}` to be HEALTHY, but it has no HealthCheck"),
                );
            }
            if matches!(condition, Condition::Complete | Condition::Success) && other.essential {
                diagnostics.add(
                    path,
                    format!("waits for `{name}` to end, but it is essential: the whole task would end with it"),
                );
            }
        }
    }
}
