//! Whether a control plane may look for endpoints wherever its mesh has them.
//!
//! A namespace that its role says nothing of is one in which it finds nobody, and calls to nodes there fail.

use std::collections::{BTreeMap, BTreeSet};

use mesh_model::Problems;
use mesh_model::app_mesh::Topology;
use mesh_model::app_mesh::virtual_node::ServiceDiscovery;
use serde_json::Value as Json;

use crate::cfn::ecs;
use crate::constructs::{CONTROL_PLANE_ROLE, ROLE_LABEL};
use crate::participant::referred;
use crate::template::Template;
use crate::value::Value;

/// Narrows what a role may ask of Cloud Map.
const NAMESPACES: &str = "servicediscovery:NamespaceName";

pub(super) fn check(template: &Template, meshes: &BTreeMap<String, Topology>, problems: &mut Problems) {
    let tasks = template.resources_of::<ecs::TaskDefinition>();
    for (_, task) in tasks.filter_map(|(id, task)| Some((id, task.ok()?))) {
        let is_control_plane = |container: &&ecs::ContainerDefinition| {
            container.docker_labels.get(ROLE_LABEL) == Some(&Value::from(CONTROL_PLANE_ROLE))
        };
        let Some(container) = task.container_definitions.iter().find(is_control_plane) else {
            continue;
        };
        let Some((role, properties)) = task.task_role_arn.as_ref().and_then(|arn| referred(template, arn)) else {
            continue;
        };
        let Some(allowed) = allowed(&properties.properties) else {
            continue;
        };
        for mesh in served(container).iter().filter_map(|name| meshes.get(*name)) {
            for (node, namespace) in looked_into(mesh).filter(|(_, namespace)| !allowed.contains(namespace)) {
                problems.add(
                    format!("Resources.{role}.Properties.Policies"),
                    format!(
                        "do not let the control plane look into the namespace `{namespace}`, where virtual node `{node}` \
                         is found; say ControlPlane::with_namespace"
                    ),
                );
            }
        }
    }
}

/// The meshes that it is told to serve.
fn served(container: &ecs::ContainerDefinition) -> Vec<&str> {
    let words = container
        .command
        .as_ref()
        .and_then(Value::known_items)
        .unwrap_or_default();
    let pairs = words.iter().zip(words.iter().skip(1));
    pairs
        .filter(|(word, _)| **word == "--mesh")
        .map(|(_, mesh)| *mesh)
        .collect()
}

/// The namespaces that the role names. `None` if it names none, and so all are allowed or nobody knows.
fn allowed(role: &Json) -> Option<BTreeSet<&str>> {
    let policies = role.get("Policies")?.as_array()?.iter();
    let statements = policies.filter_map(|policy| policy.pointer("/PolicyDocument/Statement")?.as_array());
    let mut named = BTreeSet::new();
    for statement in statements.flatten() {
        match statement
            .get("Condition")
            .and_then(|condition| condition.get("StringEquals")?.get(NAMESPACES))
        {
            Some(Json::Array(names)) => named.extend(names.iter().filter_map(Json::as_str)),
            Some(Json::String(name)) => {
                named.insert(name);
            }
            _ => {}
        }
    }
    (!named.is_empty()).then_some(named)
}

/// The virtual nodes whose tasks are found in Cloud Map, and where.
fn looked_into(mesh: &Topology) -> impl Iterator<Item = (&str, &str)> {
    mesh.virtual_nodes
        .iter()
        .filter_map(|(name, node)| match node.service_discovery.as_ref()? {
            ServiceDiscovery::AwsCloudMap(found) => Some((name.as_str(), found.namespace_name.as_str())),
            ServiceDiscovery::Dns(_) => None,
        })
}
