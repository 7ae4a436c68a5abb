//! Ownership of Cloud Map objects that Service Connect created for a stack, and that are no resources of it. Pure.
//!
//! ECS creates a namespace if a cluster or service refers to one that does not exist, and a service in it per endpoint.
//! It tags them `AmazonECSManaged`, may delete services with this tag, and never deletes a namespace (AWS
//! managed policy reference, `AmazonECSServiceRolePolicy`: `CloudMapResourceCreation`, `CloudMapResourceDeletion`; ECS
//! API reference, `ClusterServiceConnectDefaultsRequest`; read 2026-11-23).

use std::collections::{BTreeMap, BTreeSet};

use cfn::Template;
use indexmap::IndexMap;
use serde_json::Value as Json;

/// The tag of objects that ECS created.
const MANAGED: &str = "AmazonECSManaged";
/// The prefix of tags that CloudFormation sets on its resources.
const CLOUDFORMATION_TAG: &str = "aws:cloudformation:";

/// Names of Cloud Map objects that ECS may have created for a template.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OwnedNames {
    /// Names of namespaces in Service Connect configurations.
    pub(crate) namespaces: BTreeSet<String>,
    /// Discovery names of Service Connect services.
    pub(crate) services: BTreeSet<String>,
}

/// A namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundNamespace {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `HTTP`, `DNS_PRIVATE` or `DNS_PUBLIC`.
    pub(crate) kind: String,
    /// In seconds since 1970.
    pub(crate) created: i64,
    pub(crate) tags: BTreeMap<String, String>,
}

/// A service in a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundService {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) tags: BTreeMap<String, String>,
    /// The number of registered instances.
    pub(crate) instances: usize,
}

/// What to do with a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NamespaceAction {
    /// Delete it: it was created for the stack, and so were all services in it.
    Delete,
    /// The same, but instances are still registered.
    DeleteOnceEmpty,
    /// Keep it, for this reason.
    Keep(String),
}

/// The names of objects that ECS may have created for a template with these parameters.
pub(crate) fn owned_names(template: &Template, parameters: &IndexMap<String, String>) -> OwnedNames {
    let text = |value: &Json| match value {
        Json::String(text) => Some(text.clone()),
        value => parameters.get(value.get("Ref")?.as_str()?).cloned(),
    };
    let mut owned = OwnedNames::default();
    for resource in template.resources.values() {
        let namespace = match resource.kind.as_str() {
            "AWS::ECS::Cluster" => resource.properties.pointer("/ServiceConnectDefaults/Namespace"),
            "AWS::ECS::Service" => resource.properties.pointer("/ServiceConnectConfiguration/Namespace"),
            _ => continue,
        };
        // A namespace with an ARN existed before the stack.
        let name = namespace
            .and_then(text)
            .filter(|name| !name.is_empty() && !name.starts_with("arn:"));
        owned.namespaces.extend(name);
        let services = resource.properties.pointer("/ServiceConnectConfiguration/Services");
        for service in services.and_then(Json::as_array).into_iter().flatten() {
            let name = service.get("DiscoveryName").or_else(|| service.get("PortName"));
            owned.services.extend(name.and_then(text));
        }
    }
    owned
}

impl OwnedNames {
    /// Why a service is not owned by the stack, if it is not.
    pub(crate) fn foreign_reason(&self, service: &FoundService) -> Option<String> {
        if !service.tags.contains_key(MANAGED) {
            return Some(format!("service `{}` was not created by Service Connect", service.name));
        }
        if !self.services.contains(&service.name) {
            return Some(format!("service `{}` is not an endpoint of this stack", service.name));
        }
        None
    }
}

/// Decides about a namespace with a name of [`OwnedNames`]. `created` is the creation time of the stack, `owner` the stack
/// of which the namespace is a resource.
pub(crate) fn namespace_action(
    namespace: &FoundNamespace,
    owner: Option<&str>,
    services: &[FoundService],
    owned: &OwnedNames,
    created: i64,
) -> NamespaceAction {
    if namespace.kind != "HTTP" {
        return NamespaceAction::Keep(format!(
            "it has type {}, but Service Connect creates HTTP namespaces",
            namespace.kind
        ));
    }
    if let Some(owner) = owner {
        return NamespaceAction::Keep(format!("it belongs to stack `{owner}`"));
    }
    if let Some(tag) = namespace.tags.keys().find(|tag| tag.starts_with(CLOUDFORMATION_TAG)) {
        return NamespaceAction::Keep(format!("it belongs to a stack, according to its tag `{tag}`"));
    }
    let other_tag = namespace
        .tags
        .keys()
        .next()
        .filter(|_| !namespace.tags.contains_key(MANAGED));
    if let Some(tag) = other_tag {
        return NamespaceAction::Keep(format!(
            "it has the tag `{tag}`, so it was not created by Service Connect"
        ));
    }
    if namespace.created < created {
        return NamespaceAction::Keep(format!(
            "it is older than the stack, so it was not created for it; if it is unused, `aws servicediscovery \
             delete-namespace --id {}` deletes it once it is empty",
            namespace.id
        ));
    }
    if let Some(why) = services.iter().find_map(|service| owned.foreign_reason(service)) {
        return NamespaceAction::Keep(why);
    }
    if services.iter().any(|service| service.instances > 0) {
        return NamespaceAction::DeleteOnceEmpty;
    }
    NamespaceAction::Delete
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_come_from_service_connect_configurations() {
        let document = json!({
            "Parameters": {"Ns": {"Type": "String"}},
            "Resources": {
                "Cluster": {"Type": "AWS::ECS::Cluster", "Properties": {"ServiceConnectDefaults": {"Namespace": "shop"}}},
                "Blue": {"Type": "AWS::ECS::Service", "Properties": {"ServiceConnectConfiguration": {
                    "Namespace": {"Ref": "Ns"}, "Services": [{"PortName": "http", "DiscoveryName": "blue"}, {"PortName": "admin"}]}}},
                "Own": {"Type": "AWS::ServiceDiscovery::HttpNamespace", "Properties": {"Name": "own"}},
                "Green": {"Type": "AWS::ECS::Service", "Properties": {"ServiceConnectConfiguration": {"Namespace": {"Ref": "Own"}}}},
                "Red": {"Type": "AWS::ECS::Service", "Properties": {"ServiceConnectConfiguration": {"Namespace": "arn:aws:x"}}},
            },
        });
        let template = Template::from_json(&document.to_string()).expect("a template");
        let parameters = IndexMap::from([("Ns".to_owned(), "given".to_owned())]);
        let found = owned_names(&template, &parameters);
        assert_eq!(found.namespaces.into_iter().collect::<Vec<_>>(), ["given", "shop"]);
        assert_eq!(found.services.into_iter().collect::<Vec<_>>(), ["admin", "blue"]);
    }

    fn tags(keys: &[&str]) -> BTreeMap<String, String> {
        keys.iter().map(|key| ((*key).to_owned(), "true".to_owned())).collect()
    }

    #[test]
    fn a_namespace_is_deleted_only_if_all_of_it_was_created_for_the_stack() {
        const MINE: &[&str] = &[MANAGED];
        const OLDER: &str = "it is older than the stack, so it was not created for it; if it is unused, `aws \
                             servicediscovery delete-namespace --id ns-1` deletes it once it is empty";
        let service = |name: &str, tags_: &[&str], instances| FoundService {
            id: String::new(),
            name: name.to_owned(),
            tags: tags(tags_),
            instances,
        };
        let blue = || vec![service("blue", MINE, 0)];
        let keep = |why: &str| NamespaceAction::Keep(why.to_owned());
        /// The namespace's type, its tags, when it was created (the stack: at 100), its stack, what is in it.
        type Row = (
            &'static str,
            &'static [&'static str],
            i64,
            Option<&'static str>,
            Vec<FoundService>,
            NamespaceAction,
        );
        let rows: [Row; 12] = [
            ("HTTP", MINE, 100, None, vec![], NamespaceAction::Delete),
            ("HTTP", MINE, 100, None, blue(), NamespaceAction::Delete),
            ("HTTP", &[], 100, None, blue(), NamespaceAction::Delete),
            (
                "HTTP",
                MINE,
                100,
                None,
                vec![service("blue", MINE, 2)],
                NamespaceAction::DeleteOnceEmpty,
            ),
            ("HTTP", &[], 99, None, blue(), keep(OLDER)),
            ("HTTP", MINE, 99, None, blue(), keep(OLDER)),
            (
                "HTTP",
                &["Team"],
                100,
                None,
                blue(),
                keep("it has the tag `Team`, so it was not created by Service Connect"),
            ),
            (
                "HTTP",
                MINE,
                100,
                Some("other"),
                blue(),
                keep("it belongs to stack `other`"),
            ),
            (
                "HTTP",
                &["aws:cloudformation:stack-name"],
                100,
                None,
                blue(),
                keep("it belongs to a stack, according to its tag `aws:cloudformation:stack-name`"),
            ),
            (
                "DNS_PRIVATE",
                MINE,
                100,
                None,
                blue(),
                keep("it has type DNS_PRIVATE, but Service Connect creates HTTP namespaces"),
            ),
            (
                "HTTP",
                MINE,
                100,
                None,
                vec![service("blue", &[], 0)],
                keep("service `blue` was not created by Service Connect"),
            ),
            (
                "HTTP",
                MINE,
                100,
                None,
                vec![service("red", MINE, 0)],
                keep("service `red` is not an endpoint of this stack"),
            ),
        ];
        let owned = OwnedNames {
            namespaces: BTreeSet::new(),
            services: BTreeSet::from(["blue".to_owned()]),
        };
        for (kind, tags_, created, owner, services, expected) in rows {
            let namespace = FoundNamespace {
                id: "ns-1".to_owned(),
                name: "shop".to_owned(),
                kind: kind.to_owned(),
                created,
                tags: tags(tags_),
            };
            let found = namespace_action(&namespace, owner, &services, &owned, 100);
            assert_eq!(found, expected, "{kind} {tags_:?} {created} {owner:?}");
        }
    }
}
