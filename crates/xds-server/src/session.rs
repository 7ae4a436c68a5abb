//! One Envoy's stream: four subscriptions, and the order in which they are served. Pure: no I/O, no clock.
//!
//! # Make before break
//!
//! An Envoy that is told of a route before it knows the cluster behind it answers 503. So additions travel in
//! the order clusters, endpoints, listeners, routes:
//!
//! | what is new or changed | waits until |
//! |---|---|
//! | clusters | nothing |
//! | endpoints | clusters are sent |
//! | listeners | clusters and endpoints are answered, and every cluster has its endpoints |
//! | routes | the same, and listeners are answered |
//!
//! "Answered" means accepted or rejected: one bad resource does not hold up the others for ever.
//!
//! Taking away goes the opposite way, by what is in use: as long as the client has, or is about to have, any
//! resource that refers to another, that other one stays. A route that keeps its old version because the
//! new one was refused keeps its clusters, too.
//!
//! # Endpoints follow their cluster
//!
//! An Envoy that is told a changed cluster starts with an empty one and waits for its endpoints, even if they
//! are the same as before. It uses the old cluster meanwhile, and answers the message about clusters only when all
//! that is new in it has endpoints. Endpoints are therefore told again whenever their cluster was sent, without
//! waiting for an answer: that would take until Envoy gives up on them, which is 15 s. For the same reason they
//! are told even if they and their cluster have ceased to be true since it was sent. Source: Envoy,
//! `ClusterManagerImpl::updateClusterCounts` (read 2026-11-23); observed with 1.40.

use std::sync::Arc;

use crate::protocol::XdsProtocol;
use serde::Serialize;

use crate::dependencies::InUse;
use crate::snapshot::{Reference, Resource, ResourceType, Snapshot, version_of};
use crate::subscription::{Changes, Subscription};

/// What one Envoy was told on one stream, and what it said to that.
#[derive(Debug)]
pub(crate) struct Session {
    protocol: XdsProtocol,
    /// What is true now.
    latest: Arc<Snapshot>,
    /// What the client is to have next: the same, and the endpoints of clusters on their way.
    target: Arc<Snapshot>,
    subscriptions: [Subscription; 4],
    last_nonce: u64,
}

/// The client's answer to the push with this nonce.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) nonce: String,
    /// The client's words if it refuses.
    pub(crate) error: Option<String>,
}

/// A state-of-the-world request, without its node.
#[derive(Debug, Clone, Default)]
pub(crate) struct SotwRequest {
    pub(crate) names: Vec<String>,
    pub(crate) answer: Option<Answer>,
}

/// A delta request, without its node.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeltaRequest {
    pub(crate) subscribe: Vec<String>,
    pub(crate) unsubscribe: Vec<String>,
    pub(crate) initial_versions: Vec<(String, String)>,
    pub(crate) answer: Option<Answer>,
}

/// One answer to be sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Push {
    pub(crate) kind: ResourceType,
    pub(crate) nonce: String,
    /// A hash of all that the client will have of this type.
    pub(crate) version: String,
    /// What a state-of-the-world answer holds: all there is for clusters and listeners, what changed otherwise.
    pub(crate) resources: Vec<Arc<Resource>>,
    /// What changed.
    pub(crate) set: Vec<Arc<Resource>>,
    /// What is gone.
    pub(crate) removed: Vec<String>,
}

/// A refusal by the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The resources that are certainly at fault. Empty if more than one was sent: they are tried one by one.
    pub(crate) resources: Vec<String>,
    /// The client's own words.
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

    /// What the client should have from now on.
    pub(crate) fn set_target(&mut self, target: Arc<Snapshot>) {
        self.latest = target;
        self.choose_target();
        for subscription in &mut self.subscriptions {
            subscription.recognise(&self.target);
        }
    }

    fn choose_target(&mut self) {
        let awaited = self
            .of(ResourceType::Cluster)
            .on_their_way()
            .flat_map(|cluster| &cluster.references)
            .filter(|reference| self.latest.get(reference.kind, &reference.name).is_none())
            .filter_map(|reference| self.target.get(reference.kind, &reference.name))
            .fold(None, |snapshot: Option<Snapshot>, endpoints| {
                let snapshot = snapshot.unwrap_or_else(|| (*self.latest).clone());
                Some(snapshot.with_shared(Arc::clone(endpoints)))
            });
        self.target = awaited.map_or_else(|| Arc::clone(&self.latest), Arc::new);
    }

    /// Takes in a state-of-the-world request.
    ///
    /// A request with another nonce than the latest was written before the client saw the latest answer; it
    /// says nothing that the client will not say again when it has.
    pub(crate) fn on_sotw_request(&mut self, kind: ResourceType, request: &SotwRequest) -> Option<Refusal> {
        let refusal = match &request.answer {
            Some(answer) if self.of(kind).awaits(&answer.nonce) => self.on_answer(kind, answer),
            Some(answer) if self.of(kind).is_latest(&answer.nonce) => None,
            Some(_) => return None,
            None => None,
        };
        let subscription = self.of_mut(kind);
        let all = request.names.is_empty() && (subscription.wants_all() || subscription.is_untouched());
        if kind.is_wildcard_type() && (all || request.names.iter().any(|name| name == "*")) {
            subscription.want_all();
        } else {
            subscription.want_exactly(&request.names);
        }
        refusal
    }

    /// Takes in a delta request.
    pub(crate) fn on_delta_request(&mut self, kind: ResourceType, request: &DeltaRequest) -> Option<Refusal> {
        let refusal = match &request.answer {
            Some(answer) if self.of(kind).awaits(&answer.nonce) => self.on_answer(kind, answer),
            _ => None,
        };
        let target = Arc::clone(&self.target);
        let subscription = self.of_mut(kind);
        let first = subscription.is_untouched();
        for (name, version) in &request.initial_versions {
            subscription.brings(name.clone(), version.clone());
        }
        subscription.recognise(&target);
        let brought = |name: &String| request.initial_versions.iter().any(|(brought, _)| brought == name);
        if first && kind.is_wildcard_type() && request.subscribe.is_empty() {
            subscription.want_all();
        }
        for name in &request.subscribe {
            match name.as_str() {
                "*" => subscription.want_all(),
                _ if brought(name) => {}
                name => subscription.want(name),
            }
        }
        for name in &request.unsubscribe {
            match name.as_str() {
                "*" => subscription.drop_interest_in_all(),
                name => subscription.drop_interest(name),
            }
        }
        refusal
    }

    fn on_answer(&mut self, kind: ResourceType, answer: &Answer) -> Option<Refusal> {
        let subscription = self.of_mut(kind);
        let refusal = match &answer.error {
            Some(message) => Some(Refusal {
                resources: subscription.refused(message),
                message: message.clone(),
            }),
            None => {
                subscription.accepted();
                None
            }
        };
        self.choose_target();
        refusal
    }

    /// The next answer to send, if one may be sent now. To be called until it gives `None`.
    pub(crate) fn next_push(&mut self) -> Option<Push> {
        ResourceType::IN_ORDER
            .iter()
            .copied()
            .find_map(|kind| self.next_of(kind))
    }

    fn next_of(&mut self, kind: ResourceType) -> Option<Push> {
        let (may_set, in_use) = (self.may_set(kind), self.in_use(kind));
        // The state of the world has no word for "gone" but leaving a name out of a complete answer. Of the
        // types whose answers are not complete, Envoy concludes it from what refers to the resource.
        let wordless = self.protocol == XdsProtocol::Sotw && !kind.is_wildcard_type();
        let target = Arc::clone(&self.target);
        let subscription = self.of_mut(kind);
        let mut changes = subscription.next(&target, may_set, &in_use)?;
        if wordless {
            subscription.drop_silently(&mut changes);
            if changes.set.is_empty() {
                return None;
            }
        }
        self.last_nonce += 1;
        let nonce = format!("{kind}-{}", self.last_nonce);
        let subscription = self.of_mut(kind);
        let whole = subscription.whole(&changes);
        subscription.sent(&nonce, changes.clone());
        let Changes { set, removed } = changes;
        if kind == ResourceType::Cluster {
            self.resend_endpoints(&set, &whole);
        }
        let version = version_of(
            whole
                .iter()
                .flat_map(|resource| [resource.name.as_bytes(), resource.version.as_bytes()]),
        );
        Some(Push {
            kind,
            nonce,
            version,
            resources: if kind.is_wildcard_type() { whole } else { set.clone() },
            set,
            removed,
        })
    }

    /// Clusters that change start without endpoints. After a refusal, a complete answer may also take the client
    /// back to an earlier version of a cluster.
    fn resend_endpoints(&mut self, set: &[Arc<Resource>], whole: &[Arc<Resource>]) {
        let clusters = self.of(ResourceType::Cluster);
        let complete = self.protocol == XdsProtocol::Sotw;
        let taken_back = whole
            .iter()
            .filter(|cluster| complete && clusters.is_unsure(&cluster.name));
        let references: Vec<Reference> = set
            .iter()
            .chain(taken_back)
            .flat_map(|cluster| &cluster.references)
            .filter(|reference| reference.kind == ResourceType::Endpoint)
            .cloned()
            .collect();
        for reference in references {
            self.of_mut(ResourceType::Endpoint).resend(&reference.name);
        }
    }

    fn may_set(&self, kind: ResourceType) -> bool {
        let mut earlier = ResourceType::IN_ORDER
            .iter()
            .copied()
            .take_while(|earlier| *earlier != kind);
        match kind {
            // Endpoints are looked at after clusters, so those that could be sent are on their way.
            ResourceType::Cluster | ResourceType::Endpoint => true,
            ResourceType::Listener | ResourceType::Route => {
                earlier.all(|earlier| self.of(earlier).additions_are_settled(&self.target))
                    && self.every_cluster_has_its_endpoints()
            }
        }
    }

    /// False while the client knows a cluster whose endpoints it has not asked for yet.
    fn every_cluster_has_its_endpoints(&self) -> bool {
        let endpoints = self.of(ResourceType::Endpoint);
        self.of(ResourceType::Cluster)
            .accepted_names()
            .filter_map(|name| self.target.get(ResourceType::Cluster, name))
            .flat_map(|cluster| &cluster.references)
            .all(|reference| endpoints.has_been_told(&reference.name, &self.target))
    }

    /// What must not be taken away yet.
    fn in_use(&self, kind: ResourceType) -> InUse {
        let users: &[ResourceType] = match kind {
            ResourceType::Listener => &[],
            ResourceType::Route => &[ResourceType::Listener],
            ResourceType::Cluster => &[ResourceType::Listener, ResourceType::Route],
            ResourceType::Endpoint => &[ResourceType::Cluster],
        };
        let mut in_use = InUse::default();
        for user in users {
            self.of(*user).add_uses(kind, &mut in_use);
        }
        in_use
    }

    /// True if the client has, or has refused, everything it was to have.
    pub(crate) fn is_settled(&self) -> bool {
        self.subscriptions
            .iter()
            .all(|subscription| subscription.additions_are_settled(&self.target))
    }

    /// What a reader of the status page wants to know of one type.
    pub(crate) fn report(&self, kind: ResourceType) -> TypeReport {
        let subscription = self.of(kind);
        TypeReport {
            accepted: subscription.accepted_count(),
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

    fn of(&self, kind: ResourceType) -> &Subscription {
        &self.subscriptions[index(kind)]
    }

    fn of_mut(&mut self, kind: ResourceType) -> &mut Subscription {
        &mut self.subscriptions[index(kind)]
    }
}

/// How far one Envoy is with one resource type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TypeReport {
    /// How many resources it has accepted.
    pub accepted: usize,
    /// How many it has yet to accept.
    pub pending: usize,
    /// What it refused. The version it had before, if any, stays in force.
    pub rejected: Vec<RejectedResource>,
}

/// A resource that an Envoy refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedResource {
    /// The resource's name.
    pub name: String,
    /// The version that was refused.
    pub version: String,
    /// Envoy's own words.
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
