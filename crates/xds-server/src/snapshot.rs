//! The resources of one Envoy: named, versioned, consistent with each other.
//!
//! A snapshot is built from Envoy's own messages. Names, versions (hashes of the content) and references are derived
//! here; [`Snapshot::check`] finds listeners without their routes and routes to missing clusters.

mod interner;
mod references;
mod resource;
mod set;

use std::fmt;
use std::sync::Arc;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;

pub use interner::Interner;
pub use resource::{Reference, Resource, ResourceType};
pub(crate) use resource::{encode_header, field_len, version_of};
pub(crate) use set::ResourceSet;

/// All resources of one Envoy. A clone shares them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// By type, in the order of [`ResourceType::IN_ORDER`].
    sets: [Arc<ResourceSet>; 4],
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
        self.with(Resource::new(ResourceType::Cluster, &cluster.name, cluster))
    }

    /// Adds a cluster that is discovered on demand ([`Resource::on_demand_cluster`]).
    #[must_use]
    pub fn with_on_demand_cluster(self, cluster: &Cluster) -> Self {
        self.with(Resource::on_demand_cluster(cluster))
    }

    /// Adds the endpoints of a cluster.
    #[must_use]
    pub fn with_endpoints(self, endpoints: &ClusterLoadAssignment) -> Self {
        self.with(Resource::endpoints(endpoints))
    }

    /// Adds a listener.
    #[must_use]
    pub fn with_listener(self, listener: &Listener) -> Self {
        self.with(Resource::new(ResourceType::Listener, &listener.name, listener))
    }

    /// Adds a route configuration.
    #[must_use]
    pub fn with_routes(self, routes: &RouteConfiguration) -> Self {
        self.with(Resource::new(ResourceType::Route, &routes.name, routes))
    }

    pub(crate) fn with(self, resource: Resource) -> Self {
        self.with_resource(Arc::new(resource))
    }

    /// Adds a resource.
    #[must_use]
    pub fn with_resource(mut self, resource: Arc<Resource>) -> Self {
        Arc::make_mut(&mut self.sets[resource.kind().index()]).put(resource);
        self
    }

    /// All resources of both. Of two resources with the same type and name, that of `other`. What only one of them has is
    /// shared with it.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            sets: std::array::from_fn(|kind| ResourceSet::union(&self.sets[kind], &other.sets[kind])),
        }
    }

    /// The union of all `parts`, as [`Self::union`]. `before` is an earlier union with its parts: sets of resources that
    /// have not changed since are taken from it.
    #[must_use]
    pub fn union_of(parts: &[&Self], before: Option<(&[&Self], &Self)>) -> Self {
        let union = |kind: usize| {
            let sets = || parts.iter().map(|part| &part.sets[kind]);
            if let Some((before, union)) = before
                && before.len() == parts.len()
                && sets()
                    .zip(before)
                    .all(|(set, before)| Arc::ptr_eq(set, &before.sets[kind]))
            {
                return Arc::clone(&union.sets[kind]);
            }
            sets().fold(Arc::default(), |union, set| ResourceSet::union(&union, set))
        };
        Self {
            sets: std::array::from_fn(union),
        }
    }

    /// The same snapshot, of resources that `interner` knows already where they are equal.
    #[must_use]
    pub fn intern(&self, interner: &Interner) -> Self {
        interner.intern(self)
    }

    fn map(&self, mut replace: impl FnMut(&Arc<Resource>) -> Arc<Resource>) -> Self {
        Self {
            sets: std::array::from_fn(|kind| Arc::new(self.sets[kind].map(&mut replace))),
        }
    }

    pub(crate) fn set(&self, kind: ResourceType) -> &Arc<ResourceSet> {
        &self.sets[kind.index()]
    }

    /// The resources of one type, by name.
    pub fn of_type(&self, kind: ResourceType) -> impl Iterator<Item = &Arc<Resource>> {
        self.set(kind).iter()
    }

    /// One resource.
    #[must_use]
    pub fn get(&self, kind: ResourceType, name: &str) -> Option<&Arc<Resource>> {
        self.set(kind).get(name)
    }

    /// Checks that every resource that another one refers to exists.
    ///
    /// # Errors
    ///
    /// Every dangling reference, with the resource that holds it.
    pub fn check(&self) -> Result<(), InconsistentSnapshot> {
        let mut dangling = Vec::new();
        for resource in self.sets.iter().flat_map(|set| set.iter()) {
            let missing = resource
                .references()
                .iter()
                .filter(|reference| self.get(reference.kind, &reference.name).is_none());
            dangling.extend(missing.map(|reference| DanglingReference {
                kind: resource.kind(),
                name: resource.name().to_owned(),
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
        Resource::with_references(kind, name, &RouteConfiguration::default(), references.collect())
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

    fn routes(name: &str, timeout: i64) -> RouteConfiguration {
        RouteConfiguration {
            name: name.to_owned(),
            response_headers_to_remove: vec![timeout.to_string()],
            ..RouteConfiguration::default()
        }
    }

    #[test]
    fn equal_resources_are_interned() {
        let interner = Interner::default();
        let snapshot = |contents: [i64; 2]| {
            Snapshot::new()
                .with_routes(&routes("a", contents[0]))
                .with_routes(&routes("b", contents[1]))
                .intern(&interner)
        };
        let (one, two) = (snapshot([1, 1]), snapshot([1, 2]));
        let same = |name| {
            let of = |snapshot: &Snapshot| Arc::as_ptr(snapshot.get(ResourceType::Route, name).expect("routes"));
            of(&one) == of(&two)
        };
        assert!(same("a"));
        assert!(!same("b"));
        assert_ne!(one, two);
        assert_eq!(one, snapshot([1, 1]));
    }

    #[test]
    fn a_union_shares_what_only_one_side_has() {
        let (one, two) = (
            Snapshot::new()
                .with_routes(&routes("a", 1))
                .with_routes(&routes("c", 1)),
            Snapshot::new()
                .with_routes(&routes("b", 2))
                .with_routes(&routes("c", 2)),
        );
        let union = one.union(&two);
        let expected = [("a", 1), ("b", 2), ("c", 2)].into_iter();
        let expected = expected.fold(Snapshot::new(), |all, (name, content)| {
            all.with_routes(&routes(name, content))
        });
        assert_eq!(union, expected);
        assert!(Arc::ptr_eq(
            one.union(&Snapshot::new()).set(ResourceType::Route),
            one.set(ResourceType::Route)
        ));
    }

    #[test]
    fn changed_names_are_those_added_removed_and_replaced() {
        let before = Snapshot::new()
            .with_routes(&routes("a", 1))
            .with_routes(&routes("b", 1))
            .with_routes(&routes("c", 1));
        let after = Snapshot::new()
            .with_routes(&routes("b", 1))
            .with_routes(&routes("c", 2))
            .with_routes(&routes("d", 1));
        let kind = ResourceType::Route;
        let changed = ResourceSet::changed_names(before.set(kind), after.set(kind));
        assert_eq!(changed.iter().map(|name| &**name).collect::<Vec<_>>(), ["a", "c", "d"]);
        assert!(ResourceSet::changed_names(before.set(kind), before.set(kind)).is_empty());
    }
}
