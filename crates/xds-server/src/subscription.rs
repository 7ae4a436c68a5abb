//! What one Envoy wants and has of one resource type. Pure: no I/O, no clock.
//!
//! ```text
//!             subscribe                    sent, then ACK
//! (not known) ─────────► Holding::Awaited ───────────────► Holding::Has ──┐ its version differs from
//!      ▲                                                        ▲         │ the snapshot's, or it must
//!      │ unsubscribe, or gone from the snapshot                 └─────────┘ be told again: sent, then ACK
//!      └───────────────────────────────────────────────────────────┘
//! ```
//!
//! One answer at a time is on its way per type. That keeps nonces simple, and changes that pile up meanwhile
//! are told together. What becomes of refusals is in `refusals`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::dependencies::InUse;
use crate::nack::{Refusals, Rejection};
use crate::snapshot::{Resource, ResourceType, Snapshot};

/// One resource type on one stream.
#[derive(Debug)]
pub(crate) struct Subscription {
    kind: ResourceType,
    wants_all: bool,
    wanted: BTreeSet<String>,
    holdings: BTreeMap<String, Holding>,
    refusals: Refusals,
    /// To be told although the client may have it, until it is sent.
    again: BTreeSet<String>,
    in_flight: Option<InFlight>,
    latest_nonce: Option<String>,
    /// The client has just asked for everything and waits for an answer, if only an empty one.
    answer_due: bool,
}

/// What the client has under one name.
#[derive(Debug)]
enum Holding {
    /// It asked for the name and was never given anything.
    Awaited,
    /// It has accepted this version.
    Has {
        version: String,
        /// `None` if it brought the resource along from an earlier stream.
        body: Option<Arc<Resource>>,
    },
}

/// What one answer tells the client.
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
            wants_all: false,
            wanted: BTreeSet::new(),
            holdings: BTreeMap::new(),
            refusals: Refusals::default(),
            again: BTreeSet::new(),
            in_flight: None,
            latest_nonce: None,
            answer_due: false,
        }
    }

    // What the client wants.

    /// The client wants all there is, and an answer even if there is nothing.
    pub(crate) fn want_all(&mut self) {
        self.answer_due |= !self.wants_all && self.holdings.is_empty();
        self.wants_all = true;
    }

    pub(crate) fn wants_all(&self) -> bool {
        self.wants_all
    }

    /// True until the client has asked for anything.
    pub(crate) fn is_untouched(&self) -> bool {
        !self.wants_all && self.wanted.is_empty() && self.holdings.is_empty() && self.in_flight.is_none()
    }

    /// The client wants this name. If it has it already it wants to be told again.
    pub(crate) fn want(&mut self, name: &str) {
        self.wanted.insert(name.to_owned());
        if self.holdings.contains_key(name) {
            self.again.insert(name.to_owned());
        } else {
            self.refusals.forgive(name);
            self.holdings.insert(name.to_owned(), Holding::Awaited);
        }
    }

    /// The client wants exactly these names. Those it wanted before are not told again.
    pub(crate) fn want_exactly(&mut self, names: &[String]) {
        let names: BTreeSet<String> = names.iter().cloned().collect();
        for name in self.wanted.difference(&names).cloned().collect::<Vec<_>>() {
            self.drop_interest(&name);
        }
        for name in names.difference(&self.wanted.clone()) {
            self.want(name);
        }
    }

    /// The client no longer wants this name.
    pub(crate) fn drop_interest(&mut self, name: &str) {
        self.wanted.remove(name);
        if !self.wants_all {
            self.forget(name);
        }
    }

    /// The client no longer wants everything, only what it named.
    pub(crate) fn drop_interest_in_all(&mut self) {
        self.wants_all = false;
        let names: Vec<String> = self
            .holdings
            .keys()
            .chain(self.refusals.unsure_names())
            .cloned()
            .collect();
        for name in names {
            if !self.wanted.contains(&name) {
                self.forget(&name);
            }
        }
    }

    /// The client brought this version along from an earlier stream, and still wants it.
    pub(crate) fn brings(&mut self, name: String, version: String) {
        let holding = Holding::Has { version, body: None };
        self.wanted.insert(name.clone());
        self.holdings.insert(name, holding);
    }

    /// The client must be told this name after this, even if it has it or is being told: what refers to it has
    /// changed. A client that comes back may say only later that it has it.
    pub(crate) fn resend(&mut self, name: &str) {
        self.again.insert(name.to_owned());
    }

    fn forget(&mut self, name: &str) {
        self.holdings.remove(name);
        self.refusals.forget(name);
        self.again.remove(name);
    }

    fn is_wanted(&self, name: &str) -> bool {
        self.wants_all || self.wanted.contains(name)
    }

    // What is to be told.

    /// Everything the client should be told, in one piece or several.
    pub(crate) fn pending(&self, target: &Snapshot) -> Changes {
        let set = target
            .of_type(self.kind)
            .filter(|resource| self.is_wanted(&resource.name) && !self.is_current(resource))
            .map(|resource| Arc::clone(self.acceptable(resource)))
            .collect();
        let removed = self
            .holdings
            .keys()
            .chain(self.refusals.unsure_names())
            .filter(|name| target.get(self.kind, name).is_none())
            .cloned()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        Changes { set, removed }
    }

    /// This resource, unless the client has refused it and still has an earlier one: that is what to tell again.
    fn acceptable<'a>(&'a self, resource: &'a Arc<Resource>) -> &'a Arc<Resource> {
        match self.holdings.get(&resource.name) {
            Some(Holding::Has { body: Some(body), .. }) if self.refusals.has_refused(resource) => body,
            _ => resource,
        }
    }

    /// True if the client has this very resource, or has refused it, and need not be told again.
    fn is_current(&self, resource: &Resource) -> bool {
        if self.again.contains(&resource.name) {
            return false;
        }
        if self.refusals.has_refused(resource) {
            return true;
        }
        if self.is_unsure(&resource.name) {
            return false;
        }
        matches!(
            self.holdings.get(&resource.name),
            Some(Holding::Has { version, .. }) if *version == resource.version
        )
    }

    /// True if the client has been told what `target` says of this name, and has answered.
    pub(crate) fn has_been_told(&self, name: &str, target: &Snapshot) -> bool {
        target
            .get(self.kind, name)
            .is_none_or(|resource| self.is_current(resource))
    }

    /// True if nothing is on its way and the client has, or has refused, all that it wants of `target`.
    pub(crate) fn additions_are_settled(&self, target: &Snapshot) -> bool {
        self.in_flight.is_none() && self.pending(target).set.is_empty()
    }

    /// What to tell the client now, if anything: additions and changes only with `may_set`, removals only of what
    /// is not `in_use`. The caller sends it and calls [`Self::sent`].
    pub(crate) fn next(&mut self, target: &Snapshot, may_set: bool, in_use: &InUse) -> Option<Changes> {
        if self.in_flight.is_some() {
            return None;
        }
        let pending = self.pending(target);
        let complete = pending.set.is_empty();
        let changes = Changes {
            set: if may_set {
                self.refusals.without_suspects(pending.set)
            } else {
                Vec::new()
            },
            removed: pending
                .removed
                .into_iter()
                .filter(|name| !in_use.contains(name))
                .collect(),
        };
        let empty_answer = self.answer_due && complete;
        if changes.set.is_empty() && changes.removed.is_empty() && !empty_answer {
            return None;
        }
        self.answer_due = false;
        Some(changes)
    }

    /// Drops what is gone from the snapshot where the protocol has no word for it: the client is not told, and
    /// is given the resource anew should it come back.
    pub(crate) fn drop_silently(&mut self, changes: &mut Changes) {
        for name in changes.removed.drain(..) {
            self.refusals.is_sure(&name);
            self.holdings.insert(name, Holding::Awaited);
        }
    }

    pub(crate) fn sent(&mut self, nonce: &str, changes: Changes) {
        self.latest_nonce = Some(nonce.to_owned());
        for resource in &changes.set {
            self.again.remove(&resource.name);
        }
        self.in_flight = Some(InFlight {
            nonce: nonce.to_owned(),
            changes,
        });
    }

    /// All resources the client will have once `changes` are through, for answers that must be complete.
    pub(crate) fn whole(&self, changes: &Changes) -> Vec<Arc<Resource>> {
        let mut whole: BTreeMap<&str, &Arc<Resource>> = self
            .holdings
            .iter()
            .filter_map(|(name, holding)| match holding {
                Holding::Has { body: Some(body), .. } => Some((name.as_str(), body)),
                _ => None,
            })
            .collect();
        for name in &changes.removed {
            whole.remove(name.as_str());
        }
        for resource in &changes.set {
            whole.insert(&resource.name, resource);
        }
        whole.into_values().cloned().collect()
    }

    /// The resources that the client has yet to answer for.
    pub(crate) fn on_their_way(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.in_flight.iter().flat_map(|sent| &sent.changes.set)
    }

    /// True if the client may have another version of this than its holdings say.
    pub(crate) fn is_unsure(&self, name: &str) -> bool {
        self.refusals.is_unsure(name)
    }

    /// Takes note of what the resources refer to that the client has, or is about to have.
    pub(crate) fn add_uses(&self, kind: ResourceType, in_use: &mut InUse) {
        let perhaps = self.on_their_way().chain(self.refusals.unsure());
        let held = self.holdings.values().filter_map(|holding| match holding {
            Holding::Has { body, .. } => Some(body.as_ref()),
            Holding::Awaited => None,
        });
        for resource in perhaps.map(Some).chain(held) {
            in_use.note(kind, resource);
        }
    }

    /// Finds the bodies of what the client brought along, where they are still the same.
    pub(crate) fn recognise(&mut self, target: &Snapshot) {
        for (name, holding) in &mut self.holdings {
            let Holding::Has { version, body, .. } = holding else {
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

    // What the client answers.

    /// True if this is the nonce of the answer on its way.
    pub(crate) fn awaits(&self, nonce: &str) -> bool {
        self.in_flight.as_ref().is_some_and(|sent| sent.nonce == nonce)
    }

    /// True if no answer was sent after the one with this nonce.
    pub(crate) fn is_latest(&self, nonce: &str) -> bool {
        self.latest_nonce.as_deref() == Some(nonce)
    }

    /// The client accepted what was on its way.
    pub(crate) fn accepted(&mut self) {
        let Some(InFlight { changes, .. }) = self.in_flight.take() else {
            return;
        };
        self.gave_up(&changes.removed);
        for resource in &changes.set {
            self.refusals.accepted(resource);
            if self.is_wanted(&resource.name) {
                let holding = Holding::Has {
                    version: resource.version.clone(),
                    body: Some(Arc::clone(resource)),
                };
                self.holdings.insert(resource.name.clone(), holding);
            }
        }
    }

    /// The client refused what was on its way, in these words. Returns the names it is certain about.
    pub(crate) fn refused(&mut self, message: &str) -> Vec<String> {
        let Some(InFlight { changes, .. }) = self.in_flight.take() else {
            return Vec::new();
        };
        self.gave_up(&changes.removed);
        self.refusals.add(&changes.set, message)
    }

    fn gave_up(&mut self, removed: &[String]) {
        for name in removed {
            self.forget(name);
        }
    }

    // What to report.

    /// What the client refuses of `target`. What it refused and what is no longer true concerns nobody.
    pub(crate) fn rejected(&self, target: &Snapshot) -> impl Iterator<Item = (&String, &Rejection)> {
        self.refusals.rejected().filter(|(name, _)| {
            target
                .get(self.kind, name)
                .is_some_and(|resource| self.refusals.has_refused(resource))
        })
    }

    /// How many resources the client has.
    pub(crate) fn accepted_count(&self) -> usize {
        self.holdings
            .values()
            .filter(|holding| matches!(holding, Holding::Has { .. }))
            .count()
    }

    /// The names of the resources the client has.
    pub(crate) fn accepted_names(&self) -> impl Iterator<Item = &String> {
        self.holdings
            .iter()
            .filter(|(_, holding)| matches!(holding, Holding::Has { .. }))
            .map(|(name, _)| name)
    }
}
