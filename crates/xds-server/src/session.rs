//! The session of one Envoy: four subscriptions, and the order of pushes. Pure: no I/O, no clock.
//!
//! # Make before break
//!
//! An Envoy with a route to an unknown cluster responds 503. So additions are pushed in the order clusters, endpoints,
//! listeners, routes:
//!
//! | new or changed | waits until |
//! |---|---|
//! | clusters | nothing |
//! | endpoints | clusters are sent |
//! | listeners | clusters and endpoints are ACKed or NACKed, and every cluster has its endpoints |
//! | routes | the same, and listeners are ACKed or NACKed |
//!
//! A NACK counts: one invalid resource does not block the others.
//!
//! Removals follow the dependencies in the opposite direction: a resource stays as long as the client has, or is about to
//! have, another one that refers to it. A route that keeps its old version because the new one was NACKed keeps its
//! clusters, too.
//!
//! # On demand
//!
//! A cluster on demand ([`Resource::on_demand_cluster`]) counts for nothing until the client subscribes to it by name: a
//! route may refer to it before, because Envoy discovers it at the first request. From then on it is as any other.
//!
//! # Endpoints follow their cluster
//!
//! A changed cluster is *warming* until its endpoints arrive, even if they are the same as before. Envoy uses the old
//! cluster meanwhile, and ACKs the response about clusters only when every new cluster has its endpoints. Endpoints are
//! therefore resent whenever their cluster was sent, without waiting for an ACK: that would take until Envoy's timeout of
//! 15 s. For the same reason they are pushed even if they and their cluster were removed since it was sent. Source: Envoy,
//! `ClusterManagerImpl::updateClusterCounts` (read 2026-11-23); observed with 1.40.

mod endpoint_coverage;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use self::endpoint_coverage::EndpointCoverage;
use crate::dependencies::Dependencies;
use crate::protocol::XdsProtocol;
use crate::snapshot::{Resource, ResourceSet, ResourceType, Snapshot, version_of};
use crate::subscription::{Changes, Subscription};

/// The state of one stream.
///
/// The target of each subscription is that of the latest snapshot; endpoints have those of clusters in flight besides.
#[derive(Debug)]
pub(crate) struct Session {
    protocol: XdsProtocol,
    /// The source's latest snapshot.
    latest: Arc<Snapshot>,
    subscriptions: [Subscription; 4],
    coverage: EndpointCoverage,
    last_nonce: u64,
}

/// The client's ACK or NACK of the push with this nonce.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ack {
    pub(crate) nonce: String,
    /// The error message of a NACK.
    pub(crate) error: Option<String>,
}

/// A SotW request, without its node.
#[derive(Debug, Clone, Default)]
pub(crate) struct SotwRequest {
    pub(crate) names: Vec<String>,
    pub(crate) ack: Option<Ack>,
}

/// A delta request, without its node.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeltaRequest {
    pub(crate) subscribe: Vec<String>,
    pub(crate) unsubscribe: Vec<String>,
    pub(crate) initial_versions: Vec<(String, String)>,
    pub(crate) ack: Option<Ack>,
}

/// One response to be sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Push {
    pub(crate) kind: ResourceType,
    pub(crate) nonce: String,
    /// A hash of all resources of this type that the client will have; with delta, of those that it should have.
    pub(crate) version: String,
    /// The content of a SotW response: all resources for clusters and listeners, else those that changed. Empty with delta.
    pub(crate) resources: Vec<Arc<Resource>>,
    /// Added and changed resources, the content of a delta response.
    pub(crate) set: Vec<Arc<Resource>>,
    /// Removed names.
    pub(crate) removed: Vec<Arc<str>>,
}

/// A NACK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Nack {
    /// The resources that are certainly rejected. Empty if more than one was sent: they are then pushed one by one.
    pub(crate) resources: Vec<String>,
    /// Envoy's error message.
    pub(crate) message: String,
}

impl Session {
    pub(crate) fn new(protocol: XdsProtocol, latest: Arc<Snapshot>) -> Self {
        let subscription = |kind: ResourceType| Subscription::new(protocol, kind, Arc::clone(latest.set(kind)));
        let subscriptions = [
            ResourceType::Cluster,
            ResourceType::Endpoint,
            ResourceType::Listener,
            ResourceType::Route,
        ]
        .map(subscription);
        Self {
            protocol,
            latest,
            subscriptions,
            coverage: EndpointCoverage::default(),
            last_nonce: 0,
        }
    }

    pub(crate) fn protocol(&self) -> XdsProtocol {
        self.protocol
    }

    /// Replaces the snapshot.
    pub(crate) fn set_target(&mut self, target: Arc<Snapshot>) {
        self.latest = target;
        self.update_targets();
    }

    fn update_targets(&mut self) {
        let endpoints = self.target_endpoints();
        for kind in ResourceType::IN_ORDER.iter().copied() {
            let target = match kind {
                ResourceType::Endpoint => Arc::clone(&endpoints),
                other => Arc::clone(self.latest.set(other)),
            };
            let changed = self.subscription_mut(kind).set_target(&target);
            match kind {
                ResourceType::Cluster => self.coverage.add_clusters(changed),
                ResourceType::Endpoint => self.uncover_endpoints(&changed),
                ResourceType::Listener | ResourceType::Route => {}
            }
        }
    }

    /// The endpoints of the latest snapshot, and those of clusters in flight.
    fn target_endpoints(&self) -> Arc<ResourceSet> {
        let latest = self.latest.set(ResourceType::Endpoint);
        let current = self.subscription(ResourceType::Endpoint).target();
        let references = self
            .subscription(ResourceType::Cluster)
            .in_flight()
            .flat_map(|cluster| cluster.references());
        let kept = references
            .filter(|reference| reference.kind == ResourceType::Endpoint && latest.get(&reference.name).is_none())
            .filter_map(|reference| current.get(&reference.name));
        ResourceSet::with_all(latest, kept)
    }

    /// Clusters whose endpoints changed must be checked again, unless the client has subscribed to these endpoints: then
    /// they are pushed before anything that waits for them.
    fn uncover_endpoints(&mut self, changed: &[Arc<str>]) {
        let endpoints = self.subscription(ResourceType::Endpoint);
        let unsubscribed = changed.iter().filter(|name| !endpoints.is_subscribed(name));
        let unsubscribed: BTreeSet<Arc<str>> = unsubscribed.cloned().collect();
        if unsubscribed.is_empty() {
            return;
        }
        let clusters = self.subscription(ResourceType::Cluster).target();
        let uses = |cluster: &&Arc<Resource>| {
            let mut references = cluster.references().iter();
            references.any(|reference| unsubscribed.contains(reference.name.as_str()))
        };
        let names = clusters
            .iter()
            .filter(uses)
            .map(|cluster| Arc::clone(cluster.shared_name()));
        let names: Vec<Arc<str>> = names.collect();
        self.coverage.add_clusters(names);
    }

    /// Applies a SotW request.
    ///
    /// A request with an older nonce was sent before the client had received the latest response; the client repeats it
    /// once it has.
    pub(crate) fn on_sotw_request(&mut self, kind: ResourceType, request: &SotwRequest) -> Option<Nack> {
        let nack = match &request.ack {
            Some(ack) if self.subscription(kind).awaits(&ack.nonce) => self.on_ack(kind, ack),
            Some(ack) if self.subscription(kind).is_latest(&ack.nonce) => None,
            Some(_) => return None,
            None => None,
        };
        let subscription = self.subscription_mut(kind);
        let all = request.names.is_empty() && (subscription.wildcard() || subscription.is_untouched());
        if kind.is_wildcard_type() && (all || request.names.iter().any(|name| name == "*")) {
            subscription.subscribe_all();
        } else {
            let dropped = subscription.subscribe_exactly(&request.names);
            if kind == ResourceType::Endpoint {
                self.uncover_endpoints(&dropped);
            }
        }
        nack
    }

    /// Applies a delta request.
    pub(crate) fn on_delta_request(&mut self, kind: ResourceType, request: &DeltaRequest) -> Option<Nack> {
        let nack = match &request.ack {
            Some(ack) if self.subscription(kind).awaits(&ack.nonce) => self.on_ack(kind, ack),
            _ => None,
        };
        let subscription = self.subscription_mut(kind);
        let first = subscription.is_untouched();
        let mut initial: BTreeSet<&str> = BTreeSet::new();
        for (name, version) in &request.initial_versions {
            subscription.initial_version(name, version);
            initial.insert(name);
        }
        if first && kind.is_wildcard_type() && request.subscribe.is_empty() {
            subscription.subscribe_all();
        }
        for name in &request.subscribe {
            match name.as_str() {
                "*" => subscription.subscribe_all(),
                name if initial.contains(name) => {}
                name => subscription.subscribe(name),
            }
        }
        let mut dropped = Vec::new();
        for name in &request.unsubscribe {
            match name.as_str() {
                "*" => dropped.extend(subscription.unsubscribe_all()),
                name => {
                    subscription.unsubscribe(name);
                    dropped.push(name.into());
                }
            }
        }
        match kind {
            ResourceType::Cluster => self.coverage.add_clusters(initial.into_iter().map(Arc::from)),
            ResourceType::Endpoint => self.uncover_endpoints(&dropped),
            ResourceType::Listener | ResourceType::Route => {}
        }
        nack
    }

    fn on_ack(&mut self, kind: ResourceType, ack: &Ack) -> Option<Nack> {
        let subscription = self.subscription_mut(kind);
        let nack = match &ack.error {
            Some(message) => Some(Nack {
                resources: subscription.nack(message),
                message: message.clone(),
            }),
            None => {
                let acked = subscription.ack();
                if kind == ResourceType::Cluster {
                    let names = acked.iter().map(|cluster| Arc::clone(cluster.shared_name()));
                    self.coverage.add_clusters(names);
                }
                None
            }
        };
        // Endpoints were kept for clusters in flight.
        if !Arc::ptr_eq(
            self.subscription(ResourceType::Endpoint).target(),
            self.latest.set(ResourceType::Endpoint),
        ) {
            self.update_targets();
        }
        nack
    }

    /// The next response to send, if one may be sent now. To be called until it returns `None`.
    pub(crate) fn next_push(&mut self) -> Option<Push> {
        ResourceType::IN_ORDER
            .iter()
            .copied()
            .find_map(|kind| self.next_of(kind))
    }

    fn next_of(&mut self, kind: ResourceType) -> Option<Push> {
        if !self.subscription(kind).has_work() {
            return None;
        }
        let may_set = self.subscription(kind).has_additions() && self.may_set(kind);
        let dependencies = self.dependencies(kind);
        let subscription = self.subscription_mut(kind);
        let mut changes = subscription.next(may_set, &dependencies)?;
        if subscription.removes_silently() {
            subscription.drop_silently(&mut changes);
            if changes.set.is_empty() {
                return None;
            }
        }
        self.last_nonce += 1;
        let nonce = format!("{kind}-{}", self.last_nonce);
        self.subscription_mut(kind).sent(&nonce, changes.clone());
        let Changes { set, removed } = changes;
        let (version, resources) = match self.protocol {
            XdsProtocol::Delta => (self.latest.set(kind).version().to_owned(), Vec::new()),
            XdsProtocol::Sotw => {
                let full = self.subscription(kind).full_state(&set, &removed);
                let version = version_of(
                    full.iter()
                        .flat_map(|resource| [resource.name().as_bytes(), resource.version().as_bytes()]),
                );
                (version, if kind.is_wildcard_type() { full } else { set.clone() })
            }
        };
        if kind == ResourceType::Cluster {
            self.resend_endpoints(&set, &resources);
        }
        Some(Push {
            kind,
            nonce,
            version,
            resources,
            set,
            removed,
        })
    }

    /// Changed clusters start without endpoints. After a NACK, a complete response may also revert a cluster to an earlier
    /// version.
    fn resend_endpoints(&mut self, set: &[Arc<Resource>], complete: &[Arc<Resource>]) {
        let clusters = self.subscription(ResourceType::Cluster);
        let reverted: Vec<&Arc<Resource>> = complete
            .iter()
            .filter(|cluster| clusters.is_uncertain(cluster.name()))
            .collect();
        let references = set
            .iter()
            .chain(reverted)
            .flat_map(|cluster| cluster.references())
            .filter(|reference| reference.kind == ResourceType::Endpoint);
        let endpoints = &mut self.subscriptions[ResourceType::Endpoint.index()];
        for reference in references {
            endpoints.resend(&reference.name);
        }
    }

    fn may_set(&mut self, kind: ResourceType) -> bool {
        match kind {
            // Clusters come first, so those that could be sent are in flight.
            ResourceType::Cluster | ResourceType::Endpoint => true,
            ResourceType::Listener | ResourceType::Route => {
                let mut earlier = self.subscriptions.iter().take(kind.index());
                earlier.all(Subscription::additions_are_settled) && self.every_cluster_has_its_endpoints()
            }
        }
    }

    /// False while the client has a cluster without having subscribed to its endpoints.
    fn every_cluster_has_its_endpoints(&mut self) -> bool {
        let [clusters, endpoints, ..] = &self.subscriptions;
        self.coverage.is_complete(clusters, endpoints)
    }

    /// The removed names that other resources still refer to, which stay until those are gone.
    fn dependencies(&self, kind: ResourceType) -> Dependencies {
        let mut dependencies = Dependencies::default();
        let removals = self.subscription(kind).removals();
        if removals.is_empty() {
            return dependencies;
        }
        let dependents: &[ResourceType] = match kind {
            ResourceType::Listener => &[],
            ResourceType::Route => &[ResourceType::Listener],
            ResourceType::Cluster => &[ResourceType::Listener, ResourceType::Route],
            ResourceType::Endpoint => &[ResourceType::Cluster],
        };
        for dependent in dependents {
            self.subscription(*dependent)
                .add_dependencies(kind, removals, &mut dependencies);
        }
        dependencies
    }

    /// True if the client has ACKed or NACKed everything.
    pub(crate) fn is_settled(&self) -> bool {
        self.subscriptions.iter().all(Subscription::additions_are_settled)
    }

    /// The snapshot, if the client has ACKed all of it that it subscribes to, and rejects nothing.
    pub(crate) fn accepted(&self) -> Option<&Arc<Snapshot>> {
        let is_subscribed = |kind| !self.subscription(kind).is_untouched();
        let rejects = self
            .subscriptions
            .iter()
            .any(|subscription| subscription.rejected().next().is_some());
        // A client that has just connected subscribes to one type after another.
        let is_complete = is_subscribed(ResourceType::Cluster)
            && is_subscribed(ResourceType::Listener)
            && self.latest.of_type(ResourceType::Listener).all(|listener| {
                let routes = listener
                    .references()
                    .iter()
                    .filter(|reference| reference.kind == ResourceType::Route);
                routes
                    .into_iter()
                    .all(|routes| self.subscription(ResourceType::Route).has_acked(&routes.name))
            });
        (self.is_settled() && !rejects && is_complete).then_some(&self.latest)
    }

    /// The number of names of one type at the client, or requested by it.
    pub(crate) fn names(&self, kind: ResourceType) -> usize {
        self.subscription(kind).names()
    }

    /// The number of resources of one type that the client should have.
    pub(crate) fn target_len(&self, kind: ResourceType) -> usize {
        self.subscription(kind).target().len()
    }

    /// The status of one type.
    pub(crate) fn report(&self, kind: ResourceType) -> TypeReport {
        let subscription = self.subscription(kind);
        TypeReport {
            accepted: subscription.acked_count(),
            pending: subscription.pending_count(),
            rejected: subscription
                .rejected()
                .map(|(name, rejection)| RejectedResource {
                    name: name.clone(),
                    version: rejection.version.clone(),
                    message: rejection.message.clone(),
                })
                .collect(),
        }
    }

    fn subscription(&self, kind: ResourceType) -> &Subscription {
        &self.subscriptions[kind.index()]
    }

    fn subscription_mut(&mut self, kind: ResourceType) -> &mut Subscription {
        &mut self.subscriptions[kind.index()]
    }
}

/// The status of one resource type at one Envoy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TypeReport {
    /// The number of ACKed resources.
    pub accepted: usize,
    /// The number of resources that are not ACKed yet.
    pub pending: usize,
    /// The rejected resources. The version that was ACKed before, if any, stays in use.
    pub rejected: Vec<RejectedResource>,
}

/// A resource that an Envoy rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedResource {
    /// The resource's name.
    pub name: String,
    /// The rejected version.
    pub version: String,
    /// Envoy's error message.
    pub message: String,
}

#[cfg(test)]
mod tests;
