//! The role of a control plane: whether it allows all Cloud Map namespaces in which the mesh has virtual nodes.
//!
//! A control plane finds no endpoints in a namespace that its role does not allow, and calls to nodes there fail.

use cfn::{Value, ecs};
use mesh_model::app_mesh::Topology;
use mesh_model::app_mesh::virtual_node::ServiceDiscovery;
use serde_json::Value as Json;
use sidecar_contract::Diagnostics;

use crate::labels;
use crate::model::TemplateModel;

/// The condition key that restricts a role to namespaces of Cloud Map.
const NAMESPACES: &str = "servicediscovery:NamespaceName";

pub(super) fn check(model: &TemplateModel<'_>, diagnostics: &mut Diagnostics) {
    for task in model.task_definitions() {
        let is_control_plane = |container: &&ecs::ContainerDefinition| {
            container.docker_labels.get(labels::ROLE) == Some(&Value::from(labels::ROLE_CONTROL_PLANE))
        };
        let Some(container) = task.value.container_definitions.iter().find(is_control_plane) else {
            continue;
        };
        let role = task.value.task_role_arn.as_ref();
        let Some(role) = role.and_then(|arn| model.referenced(arn)) else {
            continue;
        };
        let Some(patterns) = namespace_patterns(&role.properties) else {
            continue;
        };
        let meshes = served_meshes(container).into_iter();
        for mesh in meshes.filter_map(|name| model.topologies().get(name)) {
            for (node, namespace) in cloud_map_namespaces(mesh) {
                if !patterns.iter().any(|pattern| pattern.matches(namespace)) {
                    diagnostics.add(
                        format!("{}.Policies", role.properties_path()),
                        format!(
                            "do not allow the namespace `{namespace}`, where the control plane looks for virtual node \
                             `{node}`; add ControlPlane::with_namespace"
                        ),
                    );
                }
            }
        }
    }
}

/// The meshes that the command line names.
fn served_meshes(container: &ecs::ContainerDefinition) -> Vec<&str> {
    let arguments = container.command.as_ref().and_then(Value::known);
    let arguments = arguments.into_iter().flatten();
    let arguments: Vec<Option<&str>> = arguments.map(|argument| argument.known().map(String::as_str)).collect();
    let pairs = arguments.iter().zip(arguments.iter().skip(1));
    pairs
        .filter(|(option, _)| **option == Some("--mesh"))
        .filter_map(|(_, mesh)| *mesh)
        .collect()
}

/// What a condition on the namespace allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pattern<'r> {
    /// One name: `StringEquals`.
    Exact(&'r str),
    /// `StringLike`: `*` matches any text, `?` any character (IAM user guide, "IAM JSON policy elements: Condition
    /// operators", read 2026-11-23).
    Wildcard(&'r str),
}

impl Pattern<'_> {
    fn matches(self, name: &str) -> bool {
        match self {
            Self::Exact(allowed) => allowed == name,
            Self::Wildcard(pattern) => matches_wildcard(name, pattern),
        }
    }
}

fn matches_wildcard(text: &str, pattern: &str) -> bool {
    let mut chars = text.chars();
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => {
            matches_wildcard(text, rest.as_str())
                || (chars.next().is_some() && matches_wildcard(chars.as_str(), pattern))
        }
        Some(expected) => chars.next().is_some_and(|char| {
            (expected == '?' || expected == char) && matches_wildcard(chars.as_str(), rest.as_str())
        }),
    }
}

/// The namespaces that a role is restricted to. `None` without a restriction that can be read.
fn namespace_patterns(role: &Json) -> Option<Vec<Pattern<'_>>> {
    let policies = role.get("Policies")?.as_array()?.iter();
    let statements = policies.filter_map(|policy| policy.pointer("/PolicyDocument/Statement")?.as_array());
    let conditions = statements.flatten().filter_map(|statement| statement.get("Condition"));
    let mut patterns = Vec::new();
    for condition in conditions {
        let values = |operator| match condition.get(operator).and_then(|values| values.get(NAMESPACES)) {
            Some(Json::Array(values)) => values.iter().filter_map(Json::as_str).collect(),
            Some(Json::String(value)) => vec![value.as_str()],
            _ => Vec::new(),
        };
        patterns.extend(values("StringEquals").into_iter().map(Pattern::Exact));
        patterns.extend(values("StringLike").into_iter().map(Pattern::Wildcard));
    }
    (!patterns.is_empty()).then_some(patterns)
}

/// The virtual nodes that are discovered by Cloud Map, and their namespaces.
fn cloud_map_namespaces(mesh: &Topology) -> impl Iterator<Item = (&str, &str)> {
    let nodes = mesh.virtual_nodes.iter();
    nodes.filter_map(|(name, node)| match node.service_discovery.as_ref()? {
        ServiceDiscovery::AwsCloudMap(cloud_map) => Some((name.as_str(), cloud_map.namespace_name.as_str())),
        ServiceDiscovery::Dns(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn roles_restrict_namespaces_by_name_or_wildcard() {
        let role = |operator: &str, names: Json| {
            let mut statement = json!({"Effect": "Allow", "Condition": {}});
            statement["Condition"][operator] = json!({NAMESPACES: names});
            json!({"Policies": [{"PolicyDocument": {"Statement": [{"Effect": "Allow"}, statement]}}]})
        };
        let allows = |role: &Json, name: &str| {
            let patterns = namespace_patterns(role).expect("patterns");
            patterns.iter().any(|pattern| pattern.matches(name))
        };
        let like = role("StringLike", json!(["legacy", "*appmesh*"]));
        for name in ["legacy", "appmesh", "appmesh-1a2b", "x.appmesh"] {
            assert!(allows(&like, name), "{name}");
        }
        for name in ["legacy-2", "mesh", ""] {
            assert!(!allows(&like, name), "{name}");
        }
        assert!(allows(&role("StringLike", json!("a?c*")), "abc"));
        assert!(!allows(&role("StringLike", json!("a?c")), "ac"));
        let equal = role("StringEquals", json!("*"));
        assert!(allows(&equal, "*") && !allows(&equal, "appmesh"));
        assert_eq!(namespace_patterns(&role("StringNotEquals", json!(["x"]))), None);
    }
}
