//! The subscription of one Envoy to one resource type: subscribed names, ACKed versions, responses in flight. Pure: no
//! I/O, no clock.
//!
//! ```text
//!           subscribe               sent, then ACK
//! (unknown) ─────────► Requested ───────────────────► Acked ──┐ its version differs from the
//!     ▲                                                 ▲     │ snapshot's, or it must be
//!     │ unsubscribe, or removed from the snapshot       └─────┘ resent: sent, then ACK
//!     └─────────────────────────────────────────────────┘
//! ```
//!
//! There is one response in flight per type. That keeps nonces simple, and changes that accumulate meanwhile are pushed
//! together. NACKs are in `nack`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::dependencies::Dependencies;
use crate::nack::{Nacks, Rejection};
use crate::snapshot::{Resource, ResourceType, Snapshot};

/// One resource type on one stream.
#[derive(Debug)]
pub(crate) struct Subscription {
    kind: ResourceType,
    wildcard: bool,
    names: BTreeSet<String>,
    states: BTreeMap<String, ClientState>,
    nacks: Nacks,
    /// Names to push even if the client has the current version, until they are sent.
    resend: BTreeSet<String>,
    in_flight: Option<InFlight>,
    latest_nonce: Option<String>,
    /// The client has just subscribed to everything and expects a response, even an empty one.
    response_due: bool,
}

/// The state of one name at the client.
#[derive(Debug)]
enum ClientState {
    /// Subscribed, nothing ACKed yet.
    Requested,
    /// This version is ACKed.
    Acked {
        version: String,
        /// `None` for a version from an earlier stream.
        body: Option<Arc<Resource>>,
    },
}

/// The content of one response.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Changes {
    pub(crate) set: Vec<Arc<Resource>>,
    pub(crate) removed: Vec<String>,
}

#[derive(Debug)]
struct InFlight {
    nonce: String,
    changes: Changes,
}

impl Subscription {
    pub(crate) fn new(kind: ResourceType) -> Self {
        Self {
            kind,
            wildcard: false,
            names: BTreeSet::new(),
            states: BTreeMap::new(),
            nacks: Nacks::default(),
            resend: BTreeSet::new(),
            in_flight: None,
            latest_nonce: None,
            response_due: false,
        }
    }

    // Subscribed names.

    /// Subscribes to everything. The client gets a response even if there is nothing.
    pub(crate) fn subscribe_all(&mut self) {
        self.response_due |= !self.wildcard && self.states.is_empty();
        self.wildcard = true;
    }

    pub(crate) fn wildcard(&self) -> bool {
        self.wildcard
    }

    /// True until the client has subscribed to anything.
    pub(crate) fn is_untouched(&self) -> bool {
        !self.wildcard && self.names.is_empty() && self.states.is_empty() && self.in_flight.is_none()
    }

    /// Subscribes to this name. If the client has it already, it is resent.
    pub(crate) fn subscribe(&mut self, name: &str) {
        self.names.insert(name.to_owned());
        if self.states.contains_key(name) {
            self.resend.insert(name.to_owned());
        } else {
            self.nacks.reset(name);
            self.states.insert(name.to_owned(), ClientState::Requested);
        }
    }

    /// Subscribes to exactly these names. Those subscribed before are not resent.
    pub(crate) fn subscribe_exactly(&mut self, names: &[String]) {
        let names: BTreeSet<String> = names.iter().cloned().collect();
        for name in self.names.difference(&names).cloned().collect::<Vec<_>>() {
            self.unsubscribe(&name);
        }
        for name in names.difference(&self.names.clone()) {
            self.subscribe(name);
        }
    }

    /// Unsubscribes from this name.
    pub(crate) fn unsubscribe(&mut self, name: &str) {
        self.names.remove(name);
        if !self.wildcard {
            self.forget(name);
        }
    }

    /// Unsubscribes from everything but the named resources.
    pub(crate) fn unsubscribe_all(&mut self) {
        self.wildcard = false;
        let names: Vec<String> = self
            .states
            .keys()
            .chain(self.nacks.uncertain_names())
            .cloned()
            .collect();
        for name in names {
            if !self.names.contains(&name) {
                self.forget(&name);
            }
        }
    }

    /// Records a version from an earlier stream (`initial_resource_versions`), and subscribes to its name.
    pub(crate) fn initial_version(&mut self, name: String, version: String) {
        let state = ClientState::Acked { version, body: None };
        self.names.insert(name.clone());
        self.states.insert(name, state);
    }

    /// Pushes this name again, even if the client has it or it is in flight: a resource that refers to it has changed. A
    /// client that reconnects may subscribe to it only later.
    pub(crate) fn resend(&mut self, name: &str) {
        self.resend.insert(name.to_owned());
    }

    fn forget(&mut self, name: &str) {
        self.states.remove(name);
        self.nacks.forget(name);
        self.resend.remove(name);
    }

    fn is_subscribed(&self, name: &str) -> bool {
        self.wildcard || self.names.contains(name)
    }

    // Pushes.

    /// All changes between the client and `target`.
    pub(crate) fn pending(&self, target: &Snapshot) -> Changes {
        let set = target
            .of_type(self.kind)
            .filter(|resource| self.is_subscribed(&resource.name) && !self.is_current(resource))
            .map(|resource| Arc::clone(self.acceptable(resource)))
            .collect();
        let removed = self
            .states
            .keys()
            .chain(self.nacks.uncertain_names())
            .filter(|name| target.get(self.kind, name).is_none())
            .cloned()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        Changes { set, removed }
    }

    /// This resource, unless the client has rejected it and has an earlier version, which is resent.
    fn acceptable<'a>(&'a self, resource: &'a Arc<Resource>) -> &'a Arc<Resource> {
        match self.states.get(&resource.name) {
            Some(ClientState::Acked { body: Some(body), .. }) if self.nacks.has_rejected(resource) => body,
            _ => resource,
        }
    }

    /// True if the client has ACKed or rejected this version, and it need not be resent.
    fn is_current(&self, resource: &Resource) -> bool {
        if self.resend.contains(&resource.name) {
            return false;
        }
        if self.nacks.has_rejected(resource) {
            return true;
        }
        if self.is_uncertain(&resource.name) {
            return false;
        }
        matches!(
            self.states.get(&resource.name),
            Some(ClientState::Acked { version, .. }) if *version == resource.version
        )
    }

    /// True if the client has ACKed or NACKed this name as in `target`.
    pub(crate) fn has_responded(&self, name: &str, target: &Snapshot) -> bool {
        target
            .get(self.kind, name)
            .is_none_or(|resource| self.is_current(resource))
    }

    /// True if nothing is in flight and the client has ACKed or NACKed all additions of `target`.
    pub(crate) fn additions_are_settled(&self, target: &Snapshot) -> bool {
        self.in_flight.is_none() && self.pending(target).set.is_empty()
    }

    /// The next response, if any: additions and changes only with `may_set`, removals only of names without
    /// `dependencies`. The caller sends it and calls [`Self::sent`].
    pub(crate) fn next(&mut self, target: &Snapshot, may_set: bool, dependencies: &Dependencies) -> Option<Changes> {
        if self.in_flight.is_some() {
            return None;
        }
        let pending = self.pending(target);
        let complete = pending.set.is_empty();
        let changes = Changes {
            set: if may_set {
                self.nacks.isolate(pending.set)
            } else {
                Vec::new()
            },
            removed: pending
                .removed
                .into_iter()
                .filter(|name| !dependencies.contains(name))
                .collect(),
        };
        let empty_response = self.response_due && complete;
        if changes.set.is_empty() && changes.removed.is_empty() && !empty_response {
            return None;
        }
        self.response_due = false;
        Some(changes)
    }

    /// Drops removed names where the protocol cannot express removal: nothing is sent, and the resource is pushed anew if
    /// it comes back.
    pub(crate) fn drop_silently(&mut self, changes: &mut Changes) {
        for name in changes.removed.drain(..) {
            self.nacks.clear_uncertain(&name);
            self.states.insert(name, ClientState::Requested);
        }
    }

    pub(crate) fn sent(&mut self, nonce: &str, changes: Changes) {
        self.latest_nonce = Some(nonce.to_owned());
        for resource in &changes.set {
            self.resend.remove(&resource.name);
        }
        self.in_flight = Some(InFlight {
            nonce: nonce.to_owned(),
            changes,
        });
    }

    /// All resources of the client once `changes` are ACKed, for responses that must be complete.
    pub(crate) fn full_state(&self, changes: &Changes) -> Vec<Arc<Resource>> {
        let mut full: BTreeMap<&str, &Arc<Resource>> = self
            .states
            .iter()
            .filter_map(|(name, state)| match state {
                ClientState::Acked { body: Some(body), .. } => Some((name.as_str(), body)),
                _ => None,
            })
            .collect();
        for name in &changes.removed {
            full.remove(name.as_str());
        }
        for resource in &changes.set {
            full.insert(&resource.name, resource);
        }
        full.into_values().cloned().collect()
    }

    /// The resources in flight.
    pub(crate) fn in_flight(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.in_flight.iter().flat_map(|sent| &sent.changes.set)
    }

    /// True if the client may have another version of this name than the ACKed one.
    pub(crate) fn is_uncertain(&self, name: &str) -> bool {
        self.nacks.is_uncertain(name)
    }

    /// Adds the references of all resources that the client has, may have, or is about to have.
    pub(crate) fn add_dependencies(&self, kind: ResourceType, dependencies: &mut Dependencies) {
        let possible = self.in_flight().chain(self.nacks.uncertain());
        let acked = self.states.values().filter_map(|state| match state {
            ClientState::Acked { body, .. } => Some(body.as_ref()),
            ClientState::Requested => None,
        });
        for resource in possible.map(Some).chain(acked) {
            dependencies.add(kind, resource);
        }
    }

    /// Finds the bodies of versions from an earlier stream, where `target` has the same version.
    pub(crate) fn match_initial_versions(&mut self, target: &Snapshot) {
        for (name, state) in &mut self.states {
            let ClientState::Acked { version, body, .. } = state else {
                continue;
            };
            if body.is_none() {
                *body = target
                    .get(self.kind, name)
                    .filter(|resource| resource.version == *version)
                    .cloned();
            }
        }
    }

    // ACKs and NACKs.

    /// True if this is the nonce of the response in flight.
    pub(crate) fn awaits(&self, nonce: &str) -> bool {
        self.in_flight.as_ref().is_some_and(|sent| sent.nonce == nonce)
    }

    /// True if this is the nonce of the latest response.
    pub(crate) fn is_latest(&self, nonce: &str) -> bool {
        self.latest_nonce.as_deref() == Some(nonce)
    }

    /// Records an ACK of the response in flight.
    pub(crate) fn ack(&mut self) {
        let Some(InFlight { changes, .. }) = self.in_flight.take() else {
            return;
        };
        self.remove(&changes.removed);
        for resource in &changes.set {
            self.nacks.ack(resource);
            if self.is_subscribed(&resource.name) {
                let state = ClientState::Acked {
                    version: resource.version.clone(),
                    body: Some(Arc::clone(resource)),
                };
                self.states.insert(resource.name.clone(), state);
            }
        }
    }

    /// Records a NACK of the response in flight. Returns the names that are certainly rejected.
    pub(crate) fn nack(&mut self, message: &str) -> Vec<String> {
        let Some(InFlight { changes, .. }) = self.in_flight.take() else {
            return Vec::new();
        };
        self.remove(&changes.removed);
        self.nacks.add(&changes.set, message)
    }

    fn remove(&mut self, removed: &[String]) {
        for name in removed {
            self.forget(name);
        }
    }

    // Status.

    /// The resources of `target` that the client rejects.
    pub(crate) fn rejected(&self, target: &Snapshot) -> impl Iterator<Item = (&String, &Rejection)> {
        self.nacks.rejected().filter(|(name, _)| {
            target
                .get(self.kind, name)
                .is_some_and(|resource| self.nacks.has_rejected(resource))
        })
    }

    /// The number of ACKed resources.
    pub(crate) fn acked_count(&self) -> usize {
        self.states
            .values()
            .filter(|state| matches!(state, ClientState::Acked { .. }))
            .count()
    }

    /// The names of the ACKed resources.
    pub(crate) fn acked_names(&self) -> impl Iterator<Item = &String> {
        self.states
            .iter()
            .filter(|(_, state)| matches!(state, ClientState::Acked { .. }))
            .map(|(name, _)| name)
    }
}
