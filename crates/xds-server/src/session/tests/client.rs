//! A client that behaves like Envoy, and checks the invariants of the session.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::super::*;
use super::ON_DEMAND;

/// A client that applies responses as Envoy does, and checks the invariants of the session.
pub(super) struct Client {
    protocol: XdsProtocol,
    /// Rejects about one resource in `rejects`, by its content; none for 0.
    rejects: u8,
    names_resources: bool,
    has: BTreeMap<ResourceType, BTreeMap<String, Arc<Resource>>>,
    /// Clusters without their endpoints.
    warming: BTreeSet<String>,
    subscribed: BTreeMap<ResourceType, BTreeSet<String>>,
    /// Clusters on demand that were asked for.
    discovered: BTreeSet<String>,
    nonces: BTreeMap<ResourceType, String>,
    /// The ACK or NACK of clusters, delayed until no cluster is warming.
    delayed_ack: Option<Option<String>>,
    pub(super) outbox: VecDeque<(ResourceType, ClientRequest)>,
}

#[derive(Debug)]
pub(super) enum ClientRequest {
    Sotw(SotwRequest),
    Delta(DeltaRequest),
}

impl Client {
    pub(super) fn new(protocol: XdsProtocol, rejects: u8, names_resources: bool) -> Self {
        let mut client = Self {
            protocol,
            rejects,
            names_resources,
            has: BTreeMap::new(),
            warming: BTreeSet::new(),
            subscribed: BTreeMap::new(),
            discovered: BTreeSet::new(),
            nonces: BTreeMap::new(),
            delayed_ack: None,
            outbox: VecDeque::new(),
        };
        client.send(ResourceType::Cluster, None, Vec::new(), Vec::new());
        client.send(ResourceType::Listener, None, Vec::new(), Vec::new());
        client
    }

    pub(super) fn rejects(&self, resource: &Resource) -> bool {
        self.rejects > 0
            && resource
                .message()
                .iter()
                .fold(0_u8, |sum, byte| sum.wrapping_add(*byte))
                % self.rejects
                == 0
    }

    pub(super) fn has(&self, kind: ResourceType, name: &str) -> Option<&Arc<Resource>> {
        self.has.get(&kind)?.get(name)
    }

    /// Opens a new stream, as Envoy does after a disconnect, with the versions it has.
    pub(super) fn reconnect(&mut self) {
        self.outbox.clear();
        self.nonces.clear();
        self.delayed_ack = None;
        // Envoy stops waiting for endpoints that it had before and that do not arrive again.
        self.warming.clear();
        for kind in ResourceType::IN_ORDER.iter().copied() {
            let mut names: Vec<String> = self.subscribed.get(&kind).into_iter().flatten().cloned().collect();
            if kind == ResourceType::Cluster && !self.discovered.is_empty() {
                names.extend(self.discovered.iter().cloned().chain(["*".to_owned()]));
            }
            let initial_versions = self
                .has
                .get(&kind)
                .into_iter()
                .flatten()
                .map(|(name, resource)| (name.clone(), resource.version().to_owned()))
                .collect();
            let request = DeltaRequest {
                subscribe: names,
                initial_versions,
                ..DeltaRequest::default()
            };
            self.outbox.push_back((kind, ClientRequest::Delta(request)));
        }
    }

    pub(super) fn send(
        &mut self,
        kind: ResourceType,
        error: Option<String>,
        subscribe: Vec<String>,
        unsubscribe: Vec<String>,
    ) {
        let ack = self.nonces.get(&kind).map(|nonce| Ack {
            nonce: nonce.clone(),
            error,
        });
        let request = match self.protocol {
            XdsProtocol::Sotw => ClientRequest::Sotw(SotwRequest {
                names: self.subscribed.get(&kind).into_iter().flatten().cloned().collect(),
                ack,
            }),
            XdsProtocol::Delta => ClientRequest::Delta(DeltaRequest {
                subscribe,
                unsubscribe,
                initial_versions: Vec::new(),
                ack,
            }),
        };
        self.outbox.push_back((kind, request));
    }

    pub(super) fn on_push(&mut self, push: &Push) {
        let kind = push.kind;
        self.nonces.insert(kind, push.nonce.clone());
        let resources = match self.protocol {
            XdsProtocol::Sotw => &push.resources,
            XdsProtocol::Delta => &push.set,
        };
        let removed: Vec<String> = match self.protocol {
            XdsProtocol::Delta => push.removed.iter().map(ToString::to_string).collect(),
            XdsProtocol::Sotw if kind.is_wildcard_type() => {
                let named: BTreeSet<&str> = resources.iter().map(|resource| resource.name()).collect();
                let names = self.has.get(&kind).into_iter().flat_map(BTreeMap::keys);
                names.filter(|name| !named.contains(name.as_str())).cloned().collect()
            }
            XdsProtocol::Sotw => Vec::new(),
        };
        let mut errors = Vec::new();
        for resource in resources {
            if self.rejects(resource) {
                let named = if self.names_resources {
                    resource.name()
                } else {
                    "something"
                };
                errors.push(format!("cannot use {named}"));
                // Rejected endpoints end warming, too.
                self.warming.remove(resource.name());
            } else {
                self.apply(resource);
            }
        }
        for name in &removed {
            self.remove(kind, name);
        }
        // Envoy subscribes to the references of a new resource before it ACKs the response.
        self.subscribe_references(ResourceType::Cluster, ResourceType::Endpoint);
        self.subscribe_references(ResourceType::Listener, ResourceType::Route);
        let error = (!errors.is_empty()).then(|| errors.join("; "));
        if kind == ResourceType::Cluster {
            self.delayed_ack = Some(error);
        } else {
            self.send(kind, error, Vec::new(), Vec::new());
        }
        if self.warming.is_empty()
            && let Some(error) = self.delayed_ack.take()
        {
            self.send(ResourceType::Cluster, error, Vec::new(), Vec::new());
        }
    }

    pub(super) fn apply(&mut self, resource: &Arc<Resource>) {
        let kind = resource.kind();
        if !kind.is_wildcard_type()
            && !self
                .subscribed
                .get(&kind)
                .is_some_and(|names| names.contains(resource.name()))
        {
            // It was unsubscribed while the response was in flight.
            return;
        }
        let same = self
            .has(kind, resource.name())
            .is_some_and(|has| has.version() == resource.version());
        // After a NACK it is uncertain which resources of the response were applied, so they are resent.
        if same && self.protocol == XdsProtocol::Delta && self.rejects == 0 {
            assert_eq!(
                kind,
                ResourceType::Endpoint,
                "{} was pushed although it has not changed",
                resource.name()
            );
            assert!(
                self.warming.contains(resource.name()),
                "{} was pushed twice",
                resource.name()
            );
        }
        match kind {
            ResourceType::Cluster if !same => drop(self.warming.insert(resource.name().to_owned())),
            ResourceType::Endpoint => drop(self.warming.remove(resource.name())),
            ResourceType::Route => self.check_clusters(resource),
            _ => {}
        }
        self.has
            .entry(kind)
            .or_default()
            .insert(resource.name().to_owned(), Arc::clone(resource));
    }

    /// True if the client must have this cluster: all but those on demand that it has not asked for.
    fn must_have(&self, name: &str) -> bool {
        self.protocol == XdsProtocol::Sotw || !self.is_on_demand(name) || self.discovered.contains(name)
    }

    fn is_on_demand(&self, name: &str) -> bool {
        name.strip_prefix('c')
            .is_some_and(|number| number.parse::<u8>().is_ok_and(|number| number >= ON_DEMAND))
    }

    /// A request arrives for each route: Envoy subscribes to the clusters on demand that it does not have.
    pub(super) fn discover_on_demand(&mut self) {
        if self.protocol == XdsProtocol::Sotw {
            return;
        }
        let routes = self
            .has
            .get(&ResourceType::Route)
            .into_iter()
            .flat_map(BTreeMap::values);
        let clusters = routes.flat_map(|routes| routes.references());
        let new: BTreeSet<String> = clusters
            .map(|reference| reference.name.clone())
            .filter(|name| self.is_on_demand(name) && !self.discovered.contains(name))
            .collect();
        if new.is_empty() {
            return;
        }
        self.discovered.extend(new.iter().cloned());
        // A request without an ACK must not carry the nonce of a response that is not ACKed yet.
        let nonce = self.nonces.remove(&ResourceType::Cluster);
        self.send(ResourceType::Cluster, None, new.into_iter().collect(), Vec::new());
        if let Some(nonce) = nonce {
            self.nonces.insert(ResourceType::Cluster, nonce);
        }
    }

    /// Make before break: the clusters of a route exist and have their endpoints.
    pub(super) fn check_clusters(&self, routes: &Resource) {
        if self.rejects > 0 {
            return;
        }
        // A cluster on demand may be on its way.
        let references = routes
            .references()
            .iter()
            .filter(|cluster| self.protocol == XdsProtocol::Sotw || !self.is_on_demand(&cluster.name));
        for reference in references {
            assert!(
                self.has(ResourceType::Cluster, &reference.name).is_some(),
                "{} routes to {}, which does not exist yet",
                routes.name(),
                reference.name
            );
            assert!(
                !self.warming.contains(&reference.name),
                "{} routes to {}, which has no endpoints yet",
                routes.name(),
                reference.name
            );
        }
    }

    /// No resource is removed while another one refers to it.
    pub(super) fn remove(&mut self, kind: ResourceType, name: &str) {
        for (user_kind, users) in &self.has {
            for user in users.values() {
                assert!(
                    !user
                        .references()
                        .iter()
                        .any(|used| used.kind == kind && used.name == name),
                    "{kind} {name} was removed while {user_kind} {} refers to it",
                    user.name()
                );
            }
        }
        self.warming.remove(name);
        if let Some(has) = self.has.get_mut(&kind) {
            has.remove(name);
        }
    }

    /// Subscribes to the references of the resources of `kind`, and unsubscribes from those that are gone.
    pub(super) fn subscribe_references(&mut self, kind: ResourceType, referred: ResourceType) {
        let names: BTreeSet<String> = self
            .has
            .get(&kind)
            .into_iter()
            .flat_map(BTreeMap::values)
            .flat_map(|resource| resource.references())
            .map(|reference| reference.name.clone())
            .collect();
        let before = self.subscribed.insert(referred, names.clone()).unwrap_or_default();
        if before == names {
            return;
        }
        let dropped: Vec<String> = before.difference(&names).cloned().collect();
        if let Some(has) = self.has.get_mut(&referred) {
            for name in &dropped {
                has.remove(name);
            }
        }
        let added = names.difference(&before).cloned().collect();
        // A request without an ACK must not carry the nonce of a response that is not ACKed yet.
        let nonce = if self.protocol == XdsProtocol::Delta {
            self.nonces.remove(&referred)
        } else {
            None
        };
        self.send(referred, None, added, dropped);
        if let Some(nonce) = nonce {
            self.nonces.insert(referred, nonce);
        }
    }

    pub(super) fn check_synced(&self, target: &Snapshot) {
        for kind in ResourceType::IN_ORDER.iter().copied() {
            for wanted in target.of_type(kind) {
                if self.rejects(wanted) {
                    continue;
                }
                let subscribed = (kind == ResourceType::Listener)
                    || (kind == ResourceType::Cluster && self.must_have(wanted.name()))
                    || self
                        .subscribed
                        .get(&kind)
                        .is_some_and(|names| names.contains(wanted.name()));
                if subscribed {
                    let has = self.has(kind, wanted.name()).map(|has| has.version());
                    assert_eq!(has, Some(wanted.version()), "{kind} {} did not arrive", wanted.name());
                }
            }
            if self.rejects == 0 {
                let names = self.has.get(&kind).into_iter().flat_map(BTreeMap::keys);
                for name in names {
                    assert!(target.get(kind, name).is_some(), "{kind} {name} was not removed");
                }
            }
        }
        if self.rejects == 0 {
            assert!(self.warming.is_empty(), "{:?} are still warming", self.warming);
        }
    }
}
