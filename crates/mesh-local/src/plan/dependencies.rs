//! `DependsOn` between services: the order in which CloudFormation creates them, each once the others are stable.

use std::collections::{BTreeMap, BTreeSet};

use mesh_infra::cfn::closest;
use sidecar_contract::Diagnostics;

use super::DescribedService;
use crate::evaluate::Resource;

/// Sets what each service waits for, also through resources between them. Reports names that are no resource, and
/// services that wait for each other.
pub(super) fn set(services: &mut [DescribedService], resources: &[Resource<'_>], diagnostics: &mut Diagnostics) {
    let by_path: BTreeMap<String, Resource<'_>> =
        resources.iter().map(|resource| (resource.path(), *resource)).collect();
    let names: BTreeMap<String, String> = services
        .iter()
        .map(DescribedService::resource_path)
        .map(|(name, path)| (path, name))
        .collect();
    for service in services {
        let (own, path) = service.resource_path();
        let Some(resource) = by_path.get(&path) else { continue };
        report_unknown(*resource, &path, diagnostics);
        let mut found = BTreeSet::new();
        let mut reached = BTreeSet::new();
        let mut pending: Vec<String> = dependencies(*resource);
        while let Some(next) = pending.pop() {
            if !reached.insert(next.clone()) {
                continue;
            }
            if next == path {
                diagnostics.add(
                    format!("{path}.DependsOn"),
                    "depends on itself, directly or through other resources; CloudFormation rejects circular dependencies",
                );
                break;
            }
            match (names.get(&next), by_path.get(&next)) {
                (Some(name), resource) => {
                    found.insert(name.clone());
                    // What it waits for itself is followed to find cycles.
                    pending.extend(resource.map(|resource| dependencies(*resource)).unwrap_or_default());
                }
                (None, Some(resource)) => pending.extend(dependencies(*resource)),
                // Its condition is false.
                (None, None) => {}
            }
        }
        found.remove(&own);
        service.plan.depends_on = found;
    }
}

/// The paths of the resources that one depends on.
fn dependencies(resource: Resource<'_>) -> Vec<String> {
    let path = resource.path();
    let prefix = path.strip_suffix(resource.id).unwrap_or_default();
    let ids = resource.declared().depends_on.iter();
    ids.map(|id| format!("{prefix}{id}")).collect()
}

fn report_unknown(resource: Resource<'_>, path: &str, diagnostics: &mut Diagnostics) {
    for id in &resource.declared().depends_on {
        let known = resource.siblings();
        if known.clone().all(|known| known != id) {
            let hint = closest(id, known).map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
            diagnostics.add(format!("{path}.DependsOn"), format!("`{id}` is not a resource{hint}"));
        }
    }
}
