//! The subscription of one Envoy to one resource type: subscribed names, ACKed versions, responses in flight. Pure: no
//! I/O, no clock.
//!
//! ```text
//!           subscribe               sent, then ACK
//! (absent) ──────────► Requested ───────────────────► Acked ──┐ its version differs from the
//!     ▲                                                 ▲     │ target's, or it must be
//!     │ unsubscribe, or removed from the target         └─────┘ resent: sent, then ACK
//!     └─────────────────────────────────────────────────┘
//! ```
//!
//! What is left to push is kept as two sets of names. Each event updates them for the names that it concerns, so its cost
//! follows what changed and not what the Envoy has.
//!
//! There is one response in flight per type. That keeps nonces simple, and changes that accumulate meanwhile are pushed
//! together. NACKs are in `nack`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::client_state::{ClientState, State};
use crate::dependencies::Dependencies;
use crate::nack::{Nacks, Rejection};
use crate::protocol::XdsProtocol;
use crate::snapshot::{Resource, ResourceSet, ResourceType};

/// One resource type on one stream.
#[derive(Debug)]
pub(crate) struct Subscription {
    /// True if removals cannot be expressed in this protocol: Envoy concludes them.
    removes_silently: bool,
    /// False if the client gets resources on demand with all others.
    serves_on_demand: bool,
    wildcard: bool,
    /// The resources that the client should have.
    target: Arc<ResourceSet>,
    client: ClientState,
    nacks: Nacks,
    /// Names to push even if the client has the current version, until they are sent.
    resend: BTreeSet<Arc<str>>,
    /// Names of the target that the client has not ACKed, or that must be resent.
    to_set: BTreeSet<Arc<str>>,
    /// Names that the client has, or may have, and the target has not.
    to_remove: BTreeSet<Arc<str>>,
    in_flight: Option<InFlight>,
    latest_nonce: Option<String>,
    /// The client has just subscribed to everything and expects a response, even an empty one.
    response_due: bool,
}

/// The content of one response.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Changes {
    pub(crate) set: Vec<Arc<Resource>>,
    pub(crate) removed: Vec<Arc<str>>,
}

#[derive(Debug)]
struct InFlight {
    nonce: String,
    changes: Changes,
}

impl Subscription {
    pub(crate) fn new(protocol: XdsProtocol, kind: ResourceType, target: Arc<ResourceSet>) -> Self {
        let is_sotw = protocol == XdsProtocol::Sotw;
        Self {
            // SotW expresses removal only by leaving a name out of a complete response. For the other types, Envoy concludes
            // it from the resources that refer to the name.
            removes_silently: is_sotw && !kind.is_wildcard_type(),
            serves_on_demand: !is_sotw,
            wildcard: false,
            target,
            client: ClientState::default(),
            nacks: Nacks::default(),
            resend: BTreeSet::new(),
            to_set: BTreeSet::new(),
            to_remove: BTreeSet::new(),
            in_flight: None,
            latest_nonce: None,
            response_due: false,
        }
    }

    // Target.

    pub(crate) fn target(&self) -> &Arc<ResourceSet> {
        &self.target
    }

    /// Replaces the target. Returns the names that changed.
    pub(crate) fn set_target(&mut self, target: &Arc<ResourceSet>) -> Vec<Arc<str>> {
        if Arc::ptr_eq(&self.target, target) {
            return Vec::new();
        }
        let changed = ResourceSet::changed_names(&self.target, target);
        self.target = Arc::clone(target);
        for name in &changed {
            self.match_initial_version(name);
            self.refresh(name);
        }
        changed
    }

    /// Finds the resource of a version from an earlier stream, if it is that of the target.
    fn match_initial_version(&mut self, name: &str) {
        if let (State::Initial(version), Some(resource)) = (self.client.state(name), self.target.get(name))
            && resource.version() == version
        {
            let resource = Arc::clone(resource);
            self.client.set_acked(&resource);
        }
    }

    // Subscribed names.

    /// Subscribes to everything. The client gets a response even if there is nothing.
    pub(crate) fn subscribe_all(&mut self) {
        self.response_due |= !self.wildcard && self.client.has_nothing();
        self.wildcard = true;
        let target = Arc::clone(&self.target);
        for resource in target.iter() {
            self.refresh(resource.shared_name());
        }
    }

    pub(crate) fn wildcard(&self) -> bool {
        self.wildcard
    }

    /// True until the client has subscribed to anything.
    pub(crate) fn is_untouched(&self) -> bool {
        !self.wildcard && self.client.is_empty() && self.in_flight.is_none()
    }

    /// Subscribes to this name. If the client has it already, it is resent.
    pub(crate) fn subscribe(&mut self, name: &str) {
        let name = self.shared_name(name);
        match self.client.state(&name) {
            State::Absent => self.nacks.reset(&name),
            _ => drop(self.resend.insert(Arc::clone(&name))),
        }
        self.client.subscribe(&name);
        self.refresh(&name);
    }

    /// The name as the target has it, to keep one copy.
    fn shared_name(&self, name: &str) -> Arc<str> {
        match self.target.get(name) {
            Some(resource) => Arc::clone(resource.shared_name()),
            None => name.into(),
        }
    }

    /// Subscribes to exactly these names. Those subscribed before are not resent. Returns the names that are unsubscribed.
    pub(crate) fn subscribe_exactly(&mut self, names: &[String]) -> Vec<Arc<str>> {
        let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
        let subscribed = self.client.subscribed();
        let others: Vec<Arc<str>> = subscribed.filter(|name| !names.contains(&***name)).cloned().collect();
        for name in &others {
            self.unsubscribe(name);
        }
        for name in names {
            if !self.client.is_subscribed(name) {
                self.subscribe(name);
            }
        }
        others
    }

    /// Unsubscribes from this name.
    pub(crate) fn unsubscribe(&mut self, name: &str) {
        let name = self.shared_name(name);
        if self.wildcard {
            self.client.set_unsubscribed(&name);
        } else {
            self.client.remove(&name);
            self.forget_pushes(&name);
        }
        self.refresh(&name);
    }

    /// Unsubscribes from everything but the named resources. Returns the names that are unsubscribed.
    pub(crate) fn unsubscribe_all(&mut self) -> Vec<Arc<str>> {
        self.wildcard = false;
        let uncertain = self.nacks.uncertain_names().map(|name| Arc::from(name.as_str()));
        let mut names: Vec<Arc<str>> = self.client.not_subscribed().cloned().chain(uncertain).collect();
        names.retain(|name| !self.client.is_subscribed(name));
        for name in &names {
            self.client.remove(name);
            self.forget_pushes(name);
        }
        let pending: Vec<Arc<str>> = self.to_set.iter().cloned().collect();
        for name in names.iter().chain(&pending) {
            self.refresh(name);
        }
        names
    }

    /// Records a version from an earlier stream (`initial_resource_versions`), and subscribes to its name.
    pub(crate) fn initial_version(&mut self, name: &str, version: &str) {
        let name = self.shared_name(name);
        self.client.set_initial(&name, version.to_owned());
        self.match_initial_version(&name);
        self.refresh(&name);
    }

    /// Pushes this name again, even if the client has it or it is in flight: a resource that refers to it has changed. A
    /// client that reconnects may subscribe to it only later.
    pub(crate) fn resend(&mut self, name: &str) {
        let name = self.shared_name(name);
        self.resend.insert(Arc::clone(&name));
        self.refresh(&name);
    }

    fn forget_pushes(&mut self, name: &str) {
        self.nacks.forget(name);
        self.resend.remove(name);
    }

    pub(crate) fn is_subscribed(&self, name: &str) -> bool {
        self.wildcard || self.client.is_subscribed(name)
    }

    /// As [`Self::is_subscribed`]. A wildcard covers a resource on demand only once the client has it.
    fn is_subscribed_to(&self, resource: &Resource) -> bool {
        let name = resource.name();
        if self.serves_on_demand && resource.is_on_demand() {
            let has = matches!(self.client.state(name), State::Acked(_) | State::Initial(_));
            return self.client.is_subscribed(name) || (self.wildcard && (has || self.is_uncertain(name)));
        }
        self.is_subscribed(name)
    }

    /// True if removals are not sent: this protocol cannot express them for this type.
    pub(crate) fn removes_silently(&self) -> bool {
        self.removes_silently
    }

    /// The number of names at the client, or requested by it.
    pub(crate) fn names(&self) -> usize {
        self.client.len()
    }

    // Pushes.

    /// Decides anew whether this name must be pushed. Called after each event that concerns it.
    fn refresh(&mut self, name: &Arc<str>) {
        let (mut must_set, mut must_remove) = (false, false);
        match self.target.get(name) {
            Some(resource) => must_set = self.is_subscribed_to(resource) && !self.is_current(resource),
            None => {
                let has = match self.client.state(name) {
                    State::Absent => false,
                    State::Requested => !self.removes_silently,
                    State::Initial(_) | State::Acked(_) => true,
                };
                must_remove = has || self.nacks.is_uncertain(name);
            }
        }
        for (names, must_push) in [(&mut self.to_set, must_set), (&mut self.to_remove, must_remove)] {
            if must_push {
                names.insert(Arc::clone(name));
            } else {
                names.remove(name);
            }
        }
    }

    /// True if the client has ACKed or rejected this version, and it need not be resent.
    fn is_current(&self, resource: &Arc<Resource>) -> bool {
        let name = resource.name();
        if self.resend.contains(name) {
            return false;
        }
        if self.nacks.has_rejected(resource) {
            return true;
        }
        if self.is_uncertain(name) {
            return false;
        }
        match self.client.state(name) {
            State::Acked(acked) => Arc::ptr_eq(acked, resource) || acked.version() == resource.version(),
            State::Initial(version) => version == resource.version(),
            State::Absent | State::Requested => false,
        }
    }

    /// This resource, unless the client has rejected it and has an earlier version, which is resent.
    fn acceptable<'a>(&'a self, resource: &'a Arc<Resource>) -> &'a Arc<Resource> {
        match self.client.state(resource.name()) {
            State::Acked(acked) if self.nacks.has_rejected(resource) => acked,
            _ => resource,
        }
    }

    /// True if the client has ACKed or NACKed this name as in the target.
    pub(crate) fn has_responded(&self, name: &str) -> bool {
        self.target.get(name).is_none_or(|resource| self.is_current(resource))
    }

    /// The number of additions and changes that are not ACKed yet.
    pub(crate) fn pending_count(&self) -> usize {
        self.to_set.len()
    }

    /// True if there are additions or changes to push.
    pub(crate) fn has_additions(&self) -> bool {
        !self.to_set.is_empty()
    }

    /// The names to remove.
    pub(crate) fn removals(&self) -> &BTreeSet<Arc<str>> {
        &self.to_remove
    }

    /// True if a response may be sent: none is in flight, and there is something to send or a response is expected.
    pub(crate) fn has_work(&self) -> bool {
        self.in_flight.is_none() && (self.has_additions() || !self.to_remove.is_empty() || self.response_due)
    }

    /// True if nothing is in flight and the client has ACKed or NACKed all additions.
    pub(crate) fn additions_are_settled(&self) -> bool {
        self.in_flight.is_none() && self.to_set.is_empty()
    }

    /// The next response, if any: additions and changes only with `may_set`, removals only of names without
    /// `dependencies`. The caller sends it and calls [`Self::sent`].
    pub(crate) fn next(&mut self, may_set: bool, dependencies: &Dependencies) -> Option<Changes> {
        if self.in_flight.is_some() {
            return None;
        }
        let set = if may_set {
            let resources = self.to_set.iter().filter_map(|name| self.target.get(name));
            let acceptable = resources.map(|resource| Arc::clone(self.acceptable(resource)));
            self.nacks.isolate(acceptable.collect())
        } else {
            Vec::new()
        };
        let removable = self.to_remove.iter().filter(|name| !dependencies.contains(name));
        let changes = Changes {
            set,
            removed: removable.cloned().collect(),
        };
        let empty_response = self.response_due && self.to_set.is_empty();
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
            self.client.set_requested(&name);
            self.refresh(&name);
        }
    }

    pub(crate) fn sent(&mut self, nonce: &str, changes: Changes) {
        self.latest_nonce = Some(nonce.to_owned());
        if !self.resend.is_empty() {
            for resource in &changes.set {
                self.resend.remove(resource.name());
            }
        }
        self.in_flight = Some(InFlight {
            nonce: nonce.to_owned(),
            changes,
        });
    }

    /// All resources of the client once these changes are ACKed, for responses that must be complete.
    pub(crate) fn full_state(&self, set: &[Arc<Resource>], removed: &[Arc<str>]) -> Vec<Arc<Resource>> {
        let acked = self.client.acked();
        let mut full: BTreeMap<&str, &Arc<Resource>> = acked.map(|resource| (resource.name(), resource)).collect();
        for name in removed {
            full.remove(&**name);
        }
        for resource in set {
            full.insert(resource.name(), resource);
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

    /// Adds those of `names`, of the type `kind`, to which a resource refers that the client has, may have, or is about to
    /// have.
    pub(crate) fn add_dependencies(&self, kind: ResourceType, names: &BTreeSet<Arc<str>>, found: &mut Dependencies) {
        if self.client.has_unknown() {
            found.set_unknown();
        }
        let possible = self.in_flight().chain(self.nacks.uncertain());
        for resource in possible.chain(self.client.acked()) {
            found.add(kind, names, resource);
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

    /// Records an ACK of the response in flight. Returns the resources that the client has now.
    pub(crate) fn ack(&mut self) -> Vec<Arc<Resource>> {
        let Some(InFlight { changes, .. }) = self.in_flight.take() else {
            return Vec::new();
        };
        self.remove(&changes.removed);
        for resource in &changes.set {
            self.nacks.ack(resource);
            if self.is_subscribed(resource.name()) {
                self.client.set_acked(resource);
            }
            self.refresh(resource.shared_name());
        }
        changes.set
    }

    /// Records a NACK of the response in flight. Returns the names that are certainly rejected.
    pub(crate) fn nack(&mut self, message: &str) -> Vec<String> {
        let Some(InFlight { changes, .. }) = self.in_flight.take() else {
            return Vec::new();
        };
        self.remove(&changes.removed);
        let rejected = self.nacks.add(&changes.set, message);
        for resource in &changes.set {
            self.refresh(resource.shared_name());
        }
        rejected
    }

    fn remove(&mut self, removed: &[Arc<str>]) {
        for name in removed {
            self.client.set_absent(name);
            self.forget_pushes(name);
            self.refresh(name);
        }
    }

    // Status.

    /// The resources of the target that the client rejects.
    pub(crate) fn rejected(&self) -> impl Iterator<Item = (&String, &Rejection)> {
        self.nacks.rejected().filter(|(name, _)| {
            self.target
                .get(name)
                .is_some_and(|resource| self.nacks.has_rejected(resource))
        })
    }

    /// The number of ACKed resources.
    pub(crate) fn acked_count(&self) -> usize {
        self.client.acked_count()
    }

    /// True if the client has ACKed a version of this name.
    pub(crate) fn has_acked(&self, name: &str) -> bool {
        matches!(self.client.state(name), State::Acked(_) | State::Initial(_))
    }
}
