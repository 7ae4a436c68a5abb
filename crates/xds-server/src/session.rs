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
//! # Endpoints follow their cluster
//!
//! A changed cluster is *warming* until its endpoints arrive, even if they are the same as before. Envoy uses the old
//! cluster meanwhile, and ACKs the response about clusters only when every new cluster has its endpoints. Endpoints are
//! therefore resent whenever their cluster was sent, without waiting for an ACK: that would take until Envoy's timeout of
//! 15 s. For the same reason they are pushed even if they and their cluster were removed since it was sent. Source: Envoy,
//! `ClusterManagerImpl::updateClusterCounts` (read 2026-11-23); observed with 1.40.

use std::sync::Arc;

use crate::protocol::XdsProtocol;
use serde::Serialize;

use crate::dependencies::Dependencies;
use crate::snapshot::{Reference, Resource, ResourceType, Snapshot, version_of};
use crate::subscription::{Changes, Subscription};

/// The state of one stream.
#[derive(Debug)]
pub(crate) struct Session {
    protocol: XdsProtocol,
    /// The source's latest snapshot.
    latest: Arc<Snapshot>,
    /// The snapshot to push: the latest, and the endpoints of clusters in flight.
    target: Arc<Snapshot>,
    subscriptions: [Subscription; 4],
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
    /// A hash of all resources of this type that the client will have.
    pub(crate) version: String,
    /// The content of a SotW response: all resources for clusters and listeners, else those that changed.
    pub(crate) resources: Vec<Arc<Resource>>,
    /// Added and changed resources, the content of a delta response.
    pub(crate) set: Vec<Arc<Resource>>,
    /// Removed names.
    pub(crate) removed: Vec<String>,
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
    pub(crate) fn new(protocol: XdsProtocol, target: Arc<Snapshot>) -> Self {
        Self {
            protocol,
            latest: Arc::clone(&target),
            target,
            subscriptions: [
                ResourceType::Cluster,
                ResourceType::Endpoint,
                ResourceType::Listener,
                ResourceType::Route,
            ]
            .map(Subscription::new),
            last_nonce: 0,
        }
    }

    pub(crate) fn protocol(&self) -> XdsProtocol {
        self.protocol
    }

    /// Replaces the snapshot.
    pub(crate) fn set_target(&mut self, target: Arc<Snapshot>) {
        self.latest = target;
        self.update_target();
        for subscription in &mut self.subscriptions {
            subscription.match_initial_versions(&self.target);
        }
    }

    fn update_target(&mut self) {
        let with_endpoints = self
            .subscription(ResourceType::Cluster)
            .in_flight()
            .flat_map(|cluster| &cluster.references)
            .filter(|reference| self.latest.get(reference.kind, &reference.name).is_none())
            .filter_map(|reference| self.target.get(reference.kind, &reference.name))
            .fold(None, |snapshot: Option<Snapshot>, endpoints| {
                let snapshot = snapshot.unwrap_or_else(|| (*self.latest).clone());
                Some(snapshot.with_shared(Arc::clone(endpoints)))
            });
        self.target = with_endpoints.map_or_else(|| Arc::clone(&self.latest), Arc::new);
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
            subscription.subscribe_exactly(&request.names);
        }
        nack
    }

    /// Applies a delta request.
    pub(crate) fn on_delta_request(&mut self, kind: ResourceType, request: &DeltaRequest) -> Option<Nack> {
        let nack = match &request.ack {
            Some(ack) if self.subscription(kind).awaits(&ack.nonce) => self.on_ack(kind, ack),
            _ => None,
        };
        let target = Arc::clone(&self.target);
        let subscription = self.subscription_mut(kind);
        let first = subscription.is_untouched();
        for (name, version) in &request.initial_versions {
            subscription.initial_version(name.clone(), version.clone());
        }
        subscription.match_initial_versions(&target);
        let has_initial_version = |name: &String| request.initial_versions.iter().any(|(initial, _)| initial == name);
        if first && kind.is_wildcard_type() && request.subscribe.is_empty() {
            subscription.subscribe_all();
        }
        for name in &request.subscribe {
            match name.as_str() {
                "*" => subscription.subscribe_all(),
                _ if has_initial_version(name) => {}
                name => subscription.subscribe(name),
            }
        }
        for name in &request.unsubscribe {
            match name.as_str() {
                "*" => subscription.unsubscribe_all(),
                name => subscription.unsubscribe(name),
            }
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
                subscription.ack();
                None
            }
        };
        self.update_target();
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
        let (may_set, dependencies) = (self.may_set(kind), self.dependencies(kind));
        // SotW expresses removal only by leaving a name out of a complete response. For the other types, Envoy concludes it
        // from the resources that refer to the name.
        let removes_silently = self.protocol == XdsProtocol::Sotw && !kind.is_wildcard_type();
        let target = Arc::clone(&self.target);
        let subscription = self.subscription_mut(kind);
        let mut changes = subscription.next(&target, may_set, &dependencies)?;
        if removes_silently {
            subscription.drop_silently(&mut changes);
            if changes.set.is_empty() {
                return None;
            }
        }
        self.last_nonce += 1;
        let nonce = format!("{kind}-{}", self.last_nonce);
        let subscription = self.subscription_mut(kind);
        let full = subscription.full_state(&changes);
        subscription.sent(&nonce, changes.clone());
        let Changes { set, removed } = changes;
        if kind == ResourceType::Cluster {
            self.resend_endpoints(&set, &full);
        }
        let version = version_of(
            full.iter()
                .flat_map(|resource| [resource.name.as_bytes(), resource.version.as_bytes()]),
        );
        Some(Push {
            kind,
            nonce,
            version,
            resources: if kind.is_wildcard_type() { full } else { set.clone() },
            set,
            removed,
        })
    }

    /// Changed clusters start without endpoints. After a NACK, a complete response may also revert a cluster to an earlier
    /// version.
    fn resend_endpoints(&mut self, set: &[Arc<Resource>], full: &[Arc<Resource>]) {
        let clusters = self.subscription(ResourceType::Cluster);
        let complete = self.protocol == XdsProtocol::Sotw;
        let reverted = full
            .iter()
            .filter(|cluster| complete && clusters.is_uncertain(&cluster.name));
        let references: Vec<Reference> = set
            .iter()
            .chain(reverted)
            .flat_map(|cluster| &cluster.references)
            .filter(|reference| reference.kind == ResourceType::Endpoint)
            .cloned()
            .collect();
        for reference in references {
            self.subscription_mut(ResourceType::Endpoint).resend(&reference.name);
        }
    }

    fn may_set(&self, kind: ResourceType) -> bool {
        let mut earlier = ResourceType::IN_ORDER
            .iter()
            .copied()
            .take_while(|earlier| *earlier != kind);
        match kind {
            // Clusters come first, so those that could be sent are in flight.
            ResourceType::Cluster | ResourceType::Endpoint => true,
            ResourceType::Listener | ResourceType::Route => {
                earlier.all(|earlier| self.subscription(earlier).additions_are_settled(&self.target))
                    && self.every_cluster_has_its_endpoints()
            }
        }
    }

    /// False while the client has a cluster without having subscribed to its endpoints.
    fn every_cluster_has_its_endpoints(&self) -> bool {
        let endpoints = self.subscription(ResourceType::Endpoint);
        self.subscription(ResourceType::Cluster)
            .acked_names()
            .filter_map(|name| self.target.get(ResourceType::Cluster, name))
            .flat_map(|cluster| &cluster.references)
            .all(|reference| endpoints.has_responded(&reference.name, &self.target))
    }

    /// The names that must not be removed yet.
    fn dependencies(&self, kind: ResourceType) -> Dependencies {
        let dependents: &[ResourceType] = match kind {
            ResourceType::Listener => &[],
            ResourceType::Route => &[ResourceType::Listener],
            ResourceType::Cluster => &[ResourceType::Listener, ResourceType::Route],
            ResourceType::Endpoint => &[ResourceType::Cluster],
        };
        let mut dependencies = Dependencies::default();
        for dependent in dependents {
            self.subscription(*dependent).add_dependencies(kind, &mut dependencies);
        }
        dependencies
    }

    /// True if the client has ACKed or NACKed everything.
    pub(crate) fn is_settled(&self) -> bool {
        self.subscriptions
            .iter()
            .all(|subscription| subscription.additions_are_settled(&self.target))
    }

    /// The status of one type.
    pub(crate) fn report(&self, kind: ResourceType) -> TypeReport {
        let subscription = self.subscription(kind);
        TypeReport {
            accepted: subscription.acked_count(),
            pending: subscription.pending(&self.target).set.len(),
            rejected: subscription
                .rejected(&self.target)
                .map(|(name, rejection)| RejectedResource {
                    name: name.clone(),
                    version: rejection.version.clone(),
                    message: rejection.message.clone(),
                })
                .collect(),
        }
    }

    fn subscription(&self, kind: ResourceType) -> &Subscription {
        &self.subscriptions[index(kind)]
    }

    fn subscription_mut(&mut self, kind: ResourceType) -> &mut Subscription {
        &mut self.subscriptions[index(kind)]
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

fn index(kind: ResourceType) -> usize {
    match kind {
        ResourceType::Cluster => 0,
        ResourceType::Endpoint => 1,
        ResourceType::Listener => 2,
        ResourceType::Route => 3,
    }
}

#[cfg(test)]
mod tests;
