//! What is true for one Envoy: all its resources, consistent with each other, each with its version.
//!
//! A snapshot says nothing about how it is told; that is [`crate::ads`]. It is built from Envoy's own messages,
//! named and hashed here, and checked before anyone sees it: a listener whose routes are missing or a route to
//! a cluster that does not exist never leaves this file.

mod references;
mod resource;

use std::collections::BTreeMap;
use std::sync::Arc;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use sidecar_contract::{Diagnostics, ValidationErrors};

pub(crate) use resource::version_of;
pub use resource::{Reference, Resource, ResourceType};

/// All resources of one Envoy.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    resources: BTreeMap<ResourceType, BTreeMap<String, Arc<Resource>>>,
}

impl Snapshot {
    /// A snapshot without resources.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a cluster. A second one of the same name replaces the first, as for every kind of resource.
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

    /// Checks that everything a resource refers to is there too.
    ///
    /// # Errors
    ///
    /// Every dangling reference, with the resource that holds it.
    pub fn check(&self) -> Result<(), ValidationErrors> {
        let mut diagnostics = Diagnostics::new();
        for resource in self.resources.values().flat_map(BTreeMap::values) {
            for reference in &resource.references {
                if self.get(reference.kind, &reference.name).is_none() {
                    diagnostics.add(
                        format!("{} `{}`", resource.kind, resource.name),
                        format!(
                            "refers to the {} `{}`, which does not exist",
                            reference.kind, reference.name
                        ),
                    );
                }
            }
        }
        diagnostics.into_result(())
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
