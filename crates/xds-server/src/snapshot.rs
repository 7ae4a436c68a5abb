//! The resources of one Envoy: named, versioned, consistent with each other.
//!
//! A snapshot is built from Envoy's own messages. Names, versions (hashes of the content) and references are derived
//! here; [`Snapshot::check`] finds listeners without their routes and routes to missing clusters.

mod references;
mod resource;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;

pub(crate) use resource::version_of;
pub use resource::{Reference, Resource, ResourceType};

/// All resources of one Envoy.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    resources: BTreeMap<ResourceType, BTreeMap<String, Arc<Resource>>>,
}

impl Snapshot {
    /// An empty snapshot.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a cluster. A resource of the same type and name is replaced, here and below.
    #[must_use]
    pub fn with_cluster(self, cluster: &Cluster) -> Self {
        self.with(Resource::new(
            ResourceType::Cluster,
            &cluster.name,
            cluster,
            references::of_cluster(cluster),
        ))
    }

    /// Adds the endpoints of a cluster.
    #[must_use]
    pub fn with_endpoints(self, endpoints: &ClusterLoadAssignment) -> Self {
        self.with(Resource::new(
            ResourceType::Endpoint,
            &endpoints.cluster_name,
            endpoints,
            Vec::new(),
        ))
    }

    /// Adds a listener.
    #[must_use]
    pub fn with_listener(self, listener: &Listener) -> Self {
        self.with(Resource::new(
            ResourceType::Listener,
            &listener.name,
            listener,
            references::of_listener(listener),
        ))
    }

    /// Adds a route configuration.
    #[must_use]
    pub fn with_routes(self, routes: &RouteConfiguration) -> Self {
        self.with(Resource::new(
            ResourceType::Route,
            &routes.name,
            routes,
            references::of_routes(routes),
        ))
    }

    pub(crate) fn with(self, resource: Resource) -> Self {
        self.with_shared(Arc::new(resource))
    }

    pub(crate) fn with_shared(mut self, resource: Arc<Resource>) -> Self {
        self.resources
            .entry(resource.kind)
            .or_default()
            .insert(resource.name.clone(), resource);
        self
    }

    /// The resources of one type, by name.
    pub fn of_type(&self, kind: ResourceType) -> impl Iterator<Item = &Arc<Resource>> {
        self.resources.get(&kind).into_iter().flat_map(BTreeMap::values)
    }

    /// One resource.
    #[must_use]
    pub fn get(&self, kind: ResourceType, name: &str) -> Option<&Arc<Resource>> {
        self.resources.get(&kind)?.get(name)
    }

    /// Checks that every resource that another one refers to exists.
    ///
    /// # Errors
    ///
    /// Every dangling reference, with the resource that holds it.
    pub fn check(&self) -> Result<(), InconsistentSnapshot> {
        let mut dangling = Vec::new();
        for resource in self.resources.values().flat_map(BTreeMap::values) {
            let missing = resource
                .references
                .iter()
                .filter(|reference| self.get(reference.kind, &reference.name).is_none());
            dangling.extend(missing.map(|reference| DanglingReference {
                kind: resource.kind,
                name: resource.name.clone(),
                missing: reference.clone(),
            }));
        }
        if dangling.is_empty() {
            Ok(())
        } else {
            Err(InconsistentSnapshot { dangling })
        }
    }
}

/// A snapshot with resources that refer to missing ones. `Display` has one line for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InconsistentSnapshot {
    dangling: Vec<DanglingReference>,
}

impl InconsistentSnapshot {
    /// The dangling references; at least one.
    #[must_use]
    pub fn dangling(&self) -> &[DanglingReference] {
        &self.dangling
    }
}

impl fmt::Display for InconsistentSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, reference) in self.dangling.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            reference.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for InconsistentSnapshot {}

/// A reference to a resource that is not in the snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DanglingReference {
    /// The type of the resource that holds the reference.
    pub kind: ResourceType,
    /// The name of the resource that holds the reference.
    pub name: String,
    /// The missing resource.
    pub missing: Reference,
}

impl fmt::Display for DanglingReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, missing } = self;
        write!(
            f,
            "{kind} `{name}`: refers to the {} `{}`, which does not exist",
            missing.kind, missing.name
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(kind: ResourceType, name: &str, references: &[(ResourceType, &str)]) -> Resource {
        let references = references.iter().map(|(kind, name)| Reference {
            kind: *kind,
            name: (*name).to_owned(),
        });
        Resource::new(kind, name, &RouteConfiguration::default(), references.collect())
    }

    #[test]
    fn every_dangling_reference_is_named_with_its_holder() {
        let (cluster, endpoint) = (ResourceType::Cluster, ResourceType::Endpoint);
        let snapshot = Snapshot::new()
            .with(resource(cluster, "blue", &[(endpoint, "blue")]))
            .with(resource(
                ResourceType::Listener,
                "egress",
                &[(ResourceType::Route, "calls")],
            ))
            .with(resource(
                ResourceType::Route,
                "egress",
                &[(cluster, "blue"), (cluster, "green")],
            ));
        assert_eq!(
            snapshot.check().expect_err("three references dangle").to_string(),
            "cluster `blue`: refers to the endpoints `blue`, which does not exist\n\
             listener `egress`: refers to the routes `calls`, which does not exist\n\
             routes `egress`: refers to the cluster `green`, which does not exist"
        );
        let complete = snapshot
            .with(resource(endpoint, "blue", &[]))
            .with(resource(ResourceType::Route, "calls", &[]))
            .with(resource(cluster, "green", &[]));
        assert_eq!(complete.check(), Ok(()));
    }
}
