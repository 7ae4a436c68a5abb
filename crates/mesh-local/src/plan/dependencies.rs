//! `DependsOn` between services: the order in which CloudFormation creates them, each once the others are stable.

use std::collections::{BTreeMap, BTreeSet};

use mesh_infra::cfn::closest;
use sidecar_contract::Diagnostics;

use super::DescribedService;
use crate::evaluate::Resource;

/// Sets what each service waits for, also through resources between them and through nested stacks. Reports names that are
/// no resource, and services that wait for each other.
pub(super) fn set(services: &mut [DescribedService], resources: &[Resource<'_>], diagnostics: &mut Diagnostics) {
    let graph = Graph::new(services, resources);
    for service in services {
        let (own, path) = service.resource_path();
        if let Some(resource) = graph.resources.get(&path) {
            report_unknown(*resource, &path, diagnostics);
        }
        match graph.services_before(&path) {
            Some(mut found) => {
                found.remove(&own);
                service.plan.depends_on = found;
            }
            None => diagnostics.add(
                format!("{path}.DependsOn"),
                "depends on itself, directly or through other resources; CloudFormation rejects circular dependencies",
            ),
        }
    }
}

/// The resources of all stacks.
struct Graph<'s> {
    /// By path.
    resources: BTreeMap<String, Resource<'s>>,
    /// The names of services, by the path of their resource.
    services: BTreeMap<String, String>,
    /// The paths of the resources that are nested stacks, by the name of the nested stack.
    nested: BTreeMap<String, String>,
}

impl<'s> Graph<'s> {
    fn new(services: &[DescribedService], resources: &[Resource<'s>]) -> Self {
        let by_path = resources.iter().map(|resource| (resource.path(), *resource));
        let services = services.iter().map(DescribedService::resource_path);
        let nested = resources.iter().filter(|resource| resource.is_nested_stack());
        Self {
            resources: by_path.collect(),
            services: services.map(|(name, path)| (path, name)).collect(),
            nested: nested
                .map(|resource| {
                    let path = resource.path();
                    (format!("{}-{}", stack_of(&path), resource.id), path)
                })
                .collect(),
        }
    }

    /// The services that are created before the resource at `path`. `None` if it is among what it depends on.
    fn services_before(&self, path: &str) -> Option<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        let mut reached = BTreeSet::new();
        let mut pending = self.dependencies(path);
        while let Some(next) = pending.pop() {
            if next == path {
                return None;
            }
            if !reached.insert(next.clone()) {
                continue;
            }
            found.extend(self.services.get(&next).cloned());
            pending.extend(self.dependencies(&next));
            // All resources of a nested stack.
            let stack = self.nested.iter().find(|(_, parent)| **parent == next);
            if let Some((stack, _)) = stack {
                let parts = self.resources.keys().filter(|path| stack_of(path) == stack);
                pending.extend(parts.cloned());
            }
        }
        Some(found)
    }

    /// The paths of the resources that one depends on: those that it names, and those that the stack around it names.
    fn dependencies(&self, path: &str) -> Vec<String> {
        let mut dependencies = Vec::new();
        let mut next = Some(path);
        while let Some(resource) = next.and_then(|path| self.resources.get(path)) {
            let path = resource.path();
            let prefix = path.strip_suffix(resource.id).unwrap_or_default();
            let ids = resource.declared().depends_on.iter();
            dependencies.extend(ids.map(|id| format!("{prefix}{id}")));
            next = self.nested.get(stack_of(&path)).map(String::as_str);
        }
        dependencies
    }
}

/// The name of the stack in a path; empty if there is only one.
fn stack_of(path: &str) -> &str {
    path.split_once('/').map_or("", |(stack, _)| stack)
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
