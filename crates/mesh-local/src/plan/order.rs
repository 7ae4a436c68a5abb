//! Container start order: each after its dependencies.

use std::collections::BTreeSet;

use sidecar_contract::Diagnostics;

use super::draft::ContainerDraft;
use super::parts::{Condition, ContainerPlan};

/// Sorts containers into start order, and reports dependencies that cannot be met.
///
/// Dependencies on containers that are not started are removed: the Envoy is ready before any of the others starts,
/// and other omitted containers count as complete.
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
                // An unknown name may be any container, so it is not waited for.
                .all(|(name, _)| name.is_empty() || !waiting.iter().any(|other| other.name == *name))
        };
        let Some(position) = waiting.iter().position(is_free) else {
            let names: Vec<&str> = waiting.iter().map(|container| container.name.as_str()).collect();
            diagnostics.add(path, format!("has a dependency cycle: {}", names.join(", ")));
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
                // It may be a container with an unknown name.
                if !name.is_empty() && plans().all(|other| !other.name.is_empty()) {
                    diagnostics.add(path, format!("`{name}` is not a container of this task definition"));
                }
                continue;
            };
            if *condition == Condition::Healthy && other.health_check.is_none() {
                diagnostics.add(
                    &path,
                    format!("waits for `{name}` to be HEALTHY, but `{name}` has no HealthCheck"),
                );
            }
            if matches!(condition, Condition::Complete | Condition::Success) && other.essential {
                diagnostics.add(
                    path,
                    format!("waits for `{name}` to end, but `{name}` is essential and ends the whole task"),
                );
            }
        }
    }
}
