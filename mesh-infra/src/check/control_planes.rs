//! Whether a control plane may look for endpoints wherever its mesh has them.
//!
//! A namespace that its role says nothing of is one in which it finds nobody, and calls to nodes there fail.

use std::collections::BTreeMap;

use cfn::{Template, Value, ecs};
use mesh_model::app_mesh::Topology;
use mesh_model::app_mesh::virtual_node::ServiceDiscovery;
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use crate::labels;
use crate::participant::referred;

/// Narrows what a role may ask of Cloud Map.
const NAMESPACES: &str = "servicediscovery:NamespaceName";

pub(super) fn check(template: &Template, meshes: &BTreeMap<String, Topology>, diagnostics: &mut Diagnostics) {
    let tasks = template.resources_of::<ecs::TaskDefinition>();
    for (_, task) in tasks.filter_map(|(id, task)| Some((id, task.ok()?))) {
        let is_control_plane = |container: &&ecs::ContainerDefinition| {
            container.docker_labels.get(labels::ROLE) == Some(&Value::from(labels::ROLE_CONTROL_PLANE))
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
            let is_allowed = |namespace: &str| allowed.iter().any(|allowed| allowed.is_met_by(namespace));
            for (node, namespace) in looked_into(mesh).filter(|(_, namespace)| !is_allowed(namespace)) {
                diagnostics.add(
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
    let words = container.command.as_ref().and_then(Value::known);
    // Other words may be late.
    let words = words.into_iter().flatten().map(|word| word.known().map(String::as_str));
    let words: Vec<Option<&str>> = words.collect();
    let pairs = words.iter().zip(words.iter().skip(1));
    pairs
        .filter(|(word, _)| **word == Some("--mesh"))
        .filter_map(|(_, mesh)| *mesh)
        .collect()
}

/// What a condition lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Allowed<'r> {
    /// This name.
    Name(&'r str),
    /// What looks like this: `*` is any text, `?` any one letter (IAM user guide, "IAM JSON policy elements: Condition
    /// operators", `StringLike`, read 2026-11-23).
    Pattern(&'r str),
}

impl Allowed<'_> {
    fn is_met_by(self, name: &str) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Pattern(pattern) => is_like(name, pattern),
        }
    }
}

fn is_like(text: &str, pattern: &str) -> bool {
    let mut letters = text.chars();
    let mut further = pattern.chars();
    match further.next() {
        None => text.is_empty(),
        Some('*') => {
            is_like(text, further.as_str()) || (letters.next().is_some() && is_like(letters.as_str(), pattern))
        }
        Some(letter) => letters
            .next()
            .is_some_and(|own| (letter == '?' || letter == own) && is_like(letters.as_str(), further.as_str())),
    }
}

/// The namespaces that the role names. `None` if it names none, and so all are allowed or nobody knows.
fn allowed(role: &Json) -> Option<Vec<Allowed<'_>>> {
    let policies = role.get("Policies")?.as_array()?.iter();
    let statements = policies.filter_map(|policy| policy.pointer("/PolicyDocument/Statement")?.as_array());
    let conditions = statements.flatten().filter_map(|statement| statement.get("Condition"));
    let mut named = Vec::new();
    for condition in conditions {
        let names = |operator| match condition.get(operator).and_then(|names| names.get(NAMESPACES)) {
            Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
            Some(Json::String(name)) => vec![name.as_str()],
            _ => Vec::new(),
        };
        named.extend(names("StringEquals").into_iter().map(Allowed::Name));
        named.extend(names("StringLike").into_iter().map(Allowed::Pattern));
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_role_names_namespaces_or_what_they_look_like() {
        let role = |operator: &str, names: Json| {
            let mut statement = json!({"Effect": "Allow", "Condition": {}});
            statement["Condition"][operator] = json!({NAMESPACES: names});
            json!({"Policies": [{"PolicyDocument": {"Statement": [{"Effect": "Allow"}, statement]}}]})
        };
        let lets = |role: &Json, name: &str| {
            let allowed = allowed(role).expect("names");
            allowed.iter().any(|allowed| allowed.is_met_by(name))
        };
        let like = role("StringLike", json!(["legacy", "*appmesh*"]));
        for name in ["legacy", "appmesh", "appmesh-1a2b", "x.appmesh"] {
            assert!(lets(&like, name), "{name}");
        }
        for name in ["legacy-2", "mesh", ""] {
            assert!(!lets(&like, name), "{name}");
        }
        assert!(lets(&role("StringLike", json!("a?c*")), "abc"));
        assert!(!lets(&role("StringLike", json!("a?c")), "ac"));
        let equal = role("StringEquals", json!("*"));
        assert!(lets(&equal, "*") && !lets(&equal, "appmesh"));
        assert_eq!(allowed(&role("StringNotEquals", json!(["x"]))), None);
    }
}
