//! A client that behaves like Envoy, and checks every promise while it does so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::super::*;

/// A client that applies what it is told as Envoy does, and checks every promise while it does so.
pub(super) struct Client {
    protocol: XdsProtocol,
    /// Which resources it refuses, by a digit of their version: about one in `refuses` where that is not 0.
    refuses: u8,
    names_culprits: bool,
    has: BTreeMap<ResourceType, BTreeMap<String, Arc<Resource>>>,
    /// Clusters that wait for their endpoints.
    warming: BTreeSet<String>,
    subscribed: BTreeMap<ResourceType, BTreeSet<String>>,
    nonces: BTreeMap<ResourceType, String>,
    /// The answer about clusters that is held back until none of them waits for its endpoints.
    held_back: Option<Option<String>>,
    pub(super) outbox: VecDeque<(ResourceType, ClientRequest)>,
}

#[derive(Debug)]
pub(super) enum ClientRequest {
    MeshState(SotwRequest),
    Delta(DeltaRequest),
}

impl Client {
    pub(super) fn new(protocol: XdsProtocol, refuses: u8, names_culprits: bool) -> Self {
        let mut client = Self {
            protocol,
            refuses,
            names_culprits,
            has: BTreeMap::new(),
            warming: BTreeSet::new(),
            subscribed: BTreeMap::new(),
            nonces: BTreeMap::new(),
            held_back: None,
            outbox: VecDeque::new(),
        };
        client.say(ResourceType::Cluster, None, Vec::new(), Vec::new());
        client.say(ResourceType::Listener, None, Vec::new(), Vec::new());
        client
    }

    pub(super) fn refuses(&self, resource: &Resource) -> bool {
        self.refuses > 0
            && resource
                .body
                .value
                .iter()
                .fold(0_u8, |sum, byte| sum.wrapping_add(*byte))
                % self.refuses
                == 0
    }

    pub(super) fn has(&self, kind: ResourceType, name: &str) -> Option<&Arc<Resource>> {
        self.has.get(&kind)?.get(name)
    }

    /// Opens a new stream, as Envoy does when the control plane has gone away: it says what it has.
    pub(super) fn come_back(&mut self) {
        self.outbox.clear();
        self.nonces.clear();
        self.held_back = None;
        // Envoy gives up on endpoints that it had been told before and that do not come once more.
        self.warming.clear();
        for kind in ResourceType::IN_ORDER.iter().copied() {
            let names = self.subscribed.get(&kind).into_iter().flatten().cloned().collect();
            let initial_versions = self
                .has
                .get(&kind)
                .into_iter()
                .flatten()
                .map(|(name, resource)| (name.clone(), resource.version.clone()))
                .collect();
            let request = DeltaRequest {
                subscribe: names,
                initial_versions,
                ..DeltaRequest::default()
            };
            self.outbox.push_back((kind, ClientRequest::Delta(request)));
        }
    }

    pub(super) fn say(
        &mut self,
        kind: ResourceType,
        error: Option<String>,
        subscribe: Vec<String>,
        unsubscribe: Vec<String>,
    ) {
        let answer = self.nonces.get(&kind).map(|nonce| Answer {
            nonce: nonce.clone(),
            error,
        });
        let request = match self.protocol {
            XdsProtocol::Sotw => ClientRequest::MeshState(SotwRequest {
                names: self.subscribed.get(&kind).into_iter().flatten().cloned().collect(),
                answer,
            }),
            XdsProtocol::Delta => ClientRequest::Delta(DeltaRequest {
                subscribe,
                unsubscribe,
                initial_versions: Vec::new(),
                answer,
            }),
        };
        self.outbox.push_back((kind, request));
    }

    pub(super) fn on_push(&mut self, push: &Push) {
        let kind = push.kind;
        self.nonces.insert(kind, push.nonce.clone());
        let told = match self.protocol {
            XdsProtocol::Sotw => &push.resources,
            XdsProtocol::Delta => &push.set,
        };
        let gone: Vec<String> = match self.protocol {
            XdsProtocol::Delta => push.removed.clone(),
            XdsProtocol::Sotw if kind.is_wildcard_type() => {
                let named: BTreeSet<&String> = told.iter().map(|resource| &resource.name).collect();
                let names = self.has.get(&kind).into_iter().flat_map(BTreeMap::keys);
                names.filter(|name| !named.contains(name)).cloned().collect()
            }
            XdsProtocol::Sotw => Vec::new(),
        };
        let mut errors = Vec::new();
        for resource in told {
            if self.refuses(resource) {
                let named = if self.names_culprits {
                    resource.name.as_str()
                } else {
                    "something"
                };
                errors.push(format!("cannot use {named}"));
                // Refused or not, they are no longer waited for.
                self.warming.remove(&resource.name);
            } else {
                self.take(resource);
            }
        }
        for name in &gone {
            self.give_up(kind, name);
        }
        // Envoy asks for what a new resource refers to before it answers the message that brought it.
        self.follow(ResourceType::Cluster, ResourceType::Endpoint);
        self.follow(ResourceType::Listener, ResourceType::Route);
        let error = (!errors.is_empty()).then(|| errors.join("; "));
        if kind == ResourceType::Cluster {
            self.held_back = Some(error);
        } else {
            self.say(kind, error, Vec::new(), Vec::new());
        }
        if self.warming.is_empty()
            && let Some(error) = self.held_back.take()
        {
            self.say(ResourceType::Cluster, error, Vec::new(), Vec::new());
        }
    }

    pub(super) fn take(&mut self, resource: &Arc<Resource>) {
        let kind = resource.kind;
        if !kind.is_wildcard_type()
            && !self
                .subscribed
                .get(&kind)
                .is_some_and(|names| names.contains(&resource.name))
        {
            // It was asked for and then no longer, while the answer was on its way.
            return;
        }
        let same = self
            .has(kind, &resource.name)
            .is_some_and(|has| has.version == resource.version);
        // After a refusal nobody knows what else of that message was applied, and it is told again to be sure.
        if same && self.protocol == XdsProtocol::Delta && self.refuses == 0 {
            assert_eq!(
                kind,
                ResourceType::Endpoint,
                "{} was told although it has not changed",
                resource.name
            );
            assert!(
                self.warming.contains(&resource.name),
                "{} was told twice",
                resource.name
            );
        }
        match kind {
            ResourceType::Cluster if !same => drop(self.warming.insert(resource.name.clone())),
            ResourceType::Endpoint => drop(self.warming.remove(&resource.name)),
            ResourceType::Route => self.check_clusters(resource),
            _ => {}
        }
        self.has
            .entry(kind)
            .or_default()
            .insert(resource.name.clone(), Arc::clone(resource));
    }

    /// Make before break: routes lead to clusters that are there and have their endpoints.
    pub(super) fn check_clusters(&self, routes: &Resource) {
        if self.refuses > 0 {
            return;
        }
        for reference in &routes.references {
            assert!(
                self.has(ResourceType::Cluster, &reference.name).is_some(),
                "{} leads to {}, which is not there yet",
                routes.name,
                reference.name
            );
            assert!(
                !self.warming.contains(&reference.name),
                "{} leads to {}, which has no endpoints yet",
                routes.name,
                reference.name
            );
        }
    }

    /// Nothing is taken away that something else still refers to.
    pub(super) fn give_up(&mut self, kind: ResourceType, name: &str) {
        for (user_kind, users) in &self.has {
            for user in users.values() {
                assert!(
                    !user
                        .references
                        .iter()
                        .any(|used| used.kind == kind && used.name == name),
                    "{kind} {name} was taken from under {user_kind} {}",
                    user.name
                );
            }
        }
        self.warming.remove(name);
        if let Some(has) = self.has.get_mut(&kind) {
            has.remove(name);
        }
    }

    /// Subscribes to what the resources of `kind` refer to, and forgets what they no longer do.
    pub(super) fn follow(&mut self, kind: ResourceType, referred: ResourceType) {
        let names: BTreeSet<String> = self
            .has
            .get(&kind)
            .into_iter()
            .flat_map(BTreeMap::values)
            .flat_map(|resource| &resource.references)
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
        // A request of its own: it answers nothing, so it must not carry a nonce that is yet to be answered.
        let nonce = if self.protocol == XdsProtocol::Delta {
            self.nonces.remove(&referred)
        } else {
            None
        };
        self.say(referred, None, added, dropped);
        if let Some(nonce) = nonce {
            self.nonces.insert(referred, nonce);
        }
    }

    pub(super) fn check_arrived(&self, target: &Snapshot) {
        for kind in ResourceType::IN_ORDER.iter().copied() {
            for wanted in target.of_type(kind) {
                if self.refuses(wanted) {
                    continue;
                }
                let asked_for = kind.is_wildcard_type()
                    || self
                        .subscribed
                        .get(&kind)
                        .is_some_and(|names| names.contains(&wanted.name));
                if asked_for {
                    let has = self.has(kind, &wanted.name).map(|has| &has.version);
                    assert_eq!(has, Some(&wanted.version), "{kind} {} did not arrive", wanted.name);
                }
            }
            if self.refuses == 0 {
                let names = self.has.get(&kind).into_iter().flat_map(BTreeMap::keys);
                for name in names {
                    assert!(target.get(kind, name).is_some(), "{kind} {name} was never taken away");
                }
            }
        }
        if self.refuses == 0 {
            assert!(self.warming.is_empty(), "{:?} still wait for endpoints", self.warming);
        }
    }
}
