//! What in Cloud Map belongs to a stack though it is no resource of it, because Service Connect created it. Pure.
//!
//! ECS creates a namespace if a cluster or a service names one that does not exist, and a service in it per endpoint.
//! It tags what it creates `AmazonECSManaged`, may delete services that have this tag, and deletes no namespace (AWS
//! managed policy reference, `AmazonECSServiceRolePolicy`: `CloudMapResourceCreation`, `CloudMapResourceDeletion`; ECS
//! API reference, `ClusterServiceConnectDefaultsRequest`; read 2026-11-23).

use std::collections::{BTreeMap, BTreeSet};

use cfn::Template;
use indexmap::IndexMap;
use serde_json::Value as Json;

/// The tag of what ECS created.
const MANAGED: &str = "AmazonECSManaged";
/// What the tags begin with that CloudFormation gives its resources.
const OF_A_STACK: &str = "aws:cloudformation:";

/// What a template may have made ECS create.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OwnedNames {
    /// Namespaces, by the names that were given to Service Connect.
    pub(crate) namespaces: BTreeSet<String>,
    /// Services in them, by the names under which endpoints are discovered.
    pub(crate) services: BTreeSet<String>,
}

/// A namespace as it was found.
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

/// A service in a namespace as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundService {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) tags: BTreeMap<String, String>,
    /// How many instances are registered.
    pub(crate) instances: usize,
}

/// What is to become of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NamespaceAction {
    /// It was created for the stack and nothing of others is in it.
    Delete,
    /// So it was, but instances are registered still.
    DeleteOnceEmpty,
    /// It stays, because of this.
    Keep(String),
}

/// What a template, with these parameters, may have made ECS create.
pub(crate) fn owned(template: &Template, parameters: &IndexMap<String, String>) -> OwnedNames {
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
        // One that is given by its ARN was there before.
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
    /// Why a service is not claimed.
    pub(crate) fn why_not(&self, service: &FoundService) -> Option<String> {
        if !service.tags.contains_key(MANAGED) {
            return Some(format!("service `{}` was not created by Service Connect", service.name));
        }
        if !self.services.contains(&service.name) {
            return Some(format!("service `{}` is no endpoint of this stack", service.name));
        }
        None
    }
}

/// What is to become of a namespace that a stack owned; `created` is when that stack was, `owner` the stack that the
/// namespace is a resource of.
pub(crate) fn verdict(
    namespace: &FoundNamespace,
    owner: Option<&str>,
    services: &[FoundService],
    owned: &OwnedNames,
    created: i64,
) -> NamespaceAction {
    if namespace.kind != "HTTP" {
        return NamespaceAction::Keep(format!(
            "it is of type {}, and Service Connect creates HTTP namespaces",
            namespace.kind
        ));
    }
    if let Some(owner) = owner {
        return NamespaceAction::Keep(format!("it belongs to stack `{owner}`"));
    }
    if let Some(tag) = namespace.tags.keys().find(|tag| tag.starts_with(OF_A_STACK)) {
        return NamespaceAction::Keep(format!("it belongs to a stack, as its tag `{tag}` says"));
    }
    let strange = namespace
        .tags
        .keys()
        .next()
        .filter(|_| !namespace.tags.contains_key(MANAGED));
    if let Some(tag) = strange {
        return NamespaceAction::Keep(format!(
            "somebody tagged it `{tag}`, so it was not created by Service Connect"
        ));
    }
    if namespace.created < created {
        return NamespaceAction::Keep(format!(
            "it is older than the stack, so it was not created for it; if nothing needs it, `aws servicediscovery \
             delete-namespace --id {}` deletes it once it is empty",
            namespace.id
        ));
    }
    if let Some(why) = services.iter().find_map(|service| owned.why_not(service)) {
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
    fn namespaces_are_claimed_by_name_and_services_by_the_names_of_endpoints() {
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
        let found = owned(&template, &parameters);
        assert_eq!(found.namespaces.into_iter().collect::<Vec<_>>(), ["given", "shop"]);
        assert_eq!(found.services.into_iter().collect::<Vec<_>>(), ["admin", "blue"]);
    }

    fn tags(keys: &[&str]) -> BTreeMap<String, String> {
        keys.iter().map(|key| ((*key).to_owned(), "true".to_owned())).collect()
    }

    #[test]
    fn a_namespace_goes_only_if_all_in_it_was_created_for_the_stack() {
        const MINE: &[&str] = &[MANAGED];
        const OLDER: &str = "it is older than the stack, so it was not created for it; if nothing needs it, `aws \
                             servicediscovery delete-namespace --id ns-1` deletes it once it is empty";
        let service = |name: &str, tags_: &[&str], instances| FoundService {
            id: String::new(),
            name: name.to_owned(),
            tags: tags(tags_),
            instances,
        };
        let blue = || vec![service("blue", MINE, 0)];
        let stays = |why: &str| NamespaceAction::Keep(why.to_owned());
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
            ("HTTP", &[], 99, None, blue(), stays(OLDER)),
            ("HTTP", MINE, 99, None, blue(), stays(OLDER)),
            (
                "HTTP",
                &["Team"],
                100,
                None,
                blue(),
                stays("somebody tagged it `Team`, so it was not created by Service Connect"),
            ),
            (
                "HTTP",
                MINE,
                100,
                Some("other"),
                blue(),
                stays("it belongs to stack `other`"),
            ),
            (
                "HTTP",
                &["aws:cloudformation:stack-name"],
                100,
                None,
                blue(),
                stays("it belongs to a stack, as its tag `aws:cloudformation:stack-name` says"),
            ),
            (
                "DNS_PRIVATE",
                MINE,
                100,
                None,
                blue(),
                stays("it is of type DNS_PRIVATE, and Service Connect creates HTTP namespaces"),
            ),
            (
                "HTTP",
                MINE,
                100,
                None,
                vec![service("blue", &[], 0)],
                stays("service `blue` was not created by Service Connect"),
            ),
            (
                "HTTP",
                MINE,
                100,
                None,
                vec![service("red", MINE, 0)],
                stays("service `red` is no endpoint of this stack"),
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
            let found = verdict(&namespace, owner, &services, &owned, 100);
            assert_eq!(found, expected, "{kind} {tags_:?} {created} {owner:?}");
        }
    }
}
