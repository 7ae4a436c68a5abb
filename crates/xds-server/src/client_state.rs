//! What one Envoy has of one resource type: a sorted list with one entry for each name. Pure.
//!
//! There are as many lists as streams, so an entry of an ACKed resource is a pointer to it, and its name is the resource's.

use std::sync::Arc;

use crate::snapshot::Resource;

/// The names that a client has subscribed to or been sent, sorted.
#[derive(Debug, Default)]
pub(crate) struct ClientState {
    entries: Vec<Entry>,
    /// Entries in a state other than [`State::Absent`].
    present: usize,
    acked: usize,
}

/// One name.
#[derive(Debug)]
enum Entry {
    Acked {
        resource: Arc<Resource>,
        is_subscribed: bool,
    },
    Other(Box<OtherEntry>),
}

#[derive(Debug)]
struct OtherEntry {
    name: Arc<str>,
    is_subscribed: bool,
    state: OtherState,
}

#[derive(Debug)]
enum OtherState {
    /// Subscribed, nothing ACKed yet.
    Requested,
    /// Subscribed, and the client knows that there is no such resource.
    Absent,
    /// The version from an earlier stream, whose content is unknown.
    Initial(String),
}

/// The state of a name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum State<'a> {
    /// Neither subscribed nor sent, or known not to exist.
    Absent,
    /// Subscribed, nothing ACKed yet.
    Requested,
    /// This version from an earlier stream is at the client.
    Initial(&'a str),
    /// This resource is ACKed.
    Acked(&'a Arc<Resource>),
}

impl Entry {
    fn name(&self) -> &str {
        match self {
            Entry::Acked { resource, .. } => resource.name(),
            Entry::Other(other) => &other.name,
        }
    }

    fn shared_name(&self) -> &Arc<str> {
        match self {
            Entry::Acked { resource, .. } => resource.shared_name(),
            Entry::Other(other) => &other.name,
        }
    }

    fn is_subscribed(&self) -> bool {
        match self {
            Entry::Acked { is_subscribed, .. } => *is_subscribed,
            Entry::Other(other) => other.is_subscribed,
        }
    }

    fn state(&self) -> State<'_> {
        match self {
            Entry::Acked { resource, .. } => State::Acked(resource),
            Entry::Other(other) => match &other.state {
                OtherState::Requested => State::Requested,
                OtherState::Absent => State::Absent,
                OtherState::Initial(version) => State::Initial(version),
            },
        }
    }
}

impl State<'_> {
    fn is_present(self) -> bool {
        !matches!(self, State::Absent)
    }

    fn is_acked(self) -> bool {
        matches!(self, State::Acked(_) | State::Initial(_))
    }
}

impl ClientState {
    fn position(&self, name: &str) -> Result<usize, usize> {
        // In ascending order, each new name is after all others.
        match self.entries.last() {
            Some(last) if last.name() < name => Err(self.entries.len()),
            _ => self.entries.binary_search_by(|entry| entry.name().cmp(name)),
        }
    }

    fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.get(self.position(name).ok()?)
    }

    pub(crate) fn state(&self, name: &str) -> State<'_> {
        self.entry(name).map_or(State::Absent, Entry::state)
    }

    /// Whether the client has subscribed to this name itself.
    pub(crate) fn is_subscribed(&self, name: &str) -> bool {
        self.entry(name).is_some_and(Entry::is_subscribed)
    }

    /// True if nothing is subscribed, requested or ACKed.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// True if nothing is requested or ACKed.
    pub(crate) fn has_nothing(&self) -> bool {
        self.present == 0
    }

    pub(crate) fn acked_count(&self) -> usize {
        self.acked
    }

    /// Names, subscribed or not.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The ACKed resources whose content is known.
    pub(crate) fn acked(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Acked { resource, .. } => Some(resource),
            Entry::Other(_) => None,
        })
    }

    /// True if there is a version of unknown content.
    pub(crate) fn has_unknown(&self) -> bool {
        self.entries
            .iter()
            .any(|entry| matches!(entry.state(), State::Initial(_)))
    }

    /// The names that the client has subscribed to itself.
    pub(crate) fn subscribed(&self) -> impl Iterator<Item = &Arc<str>> {
        let subscribed = self.entries.iter().filter(|entry| entry.is_subscribed());
        subscribed.map(Entry::shared_name)
    }

    /// Those that it has not.
    pub(crate) fn not_subscribed(&self) -> impl Iterator<Item = &Arc<str>> {
        let others = self.entries.iter().filter(|entry| !entry.is_subscribed());
        others.map(Entry::shared_name)
    }

    /// Subscribes to a name; one without a state is requested.
    pub(crate) fn subscribe(&mut self, name: &Arc<str>) {
        match self.state(name) {
            State::Absent => self.put_other(name, true, OtherState::Requested),
            _ => self.set_subscribed(name, true),
        }
    }

    /// Records a version from an earlier stream, and subscribes to its name.
    pub(crate) fn set_initial(&mut self, name: &Arc<str>, version: String) {
        self.put_other(name, true, OtherState::Initial(version));
    }

    /// Records an ACK.
    pub(crate) fn set_acked(&mut self, resource: &Arc<Resource>) {
        let is_subscribed = self.is_subscribed(resource.name());
        self.put(Entry::Acked {
            resource: Arc::clone(resource),
            is_subscribed,
        });
    }

    /// Nothing is ACKed any more, but the name stays requested.
    pub(crate) fn set_requested(&mut self, name: &Arc<str>) {
        let is_subscribed = self.is_subscribed(name);
        self.put_other(name, is_subscribed, OtherState::Requested);
    }

    /// The client no longer has this name; a subscription to it stays.
    pub(crate) fn set_absent(&mut self, name: &Arc<str>) {
        if self.is_subscribed(name) {
            self.put_other(name, true, OtherState::Absent);
        } else {
            self.remove(name);
        }
    }

    /// Ends the client's own subscription, and keeps the state.
    pub(crate) fn set_unsubscribed(&mut self, name: &Arc<str>) {
        if matches!(self.state(name), State::Absent) {
            self.remove(name);
        } else {
            self.set_subscribed(name, false);
        }
    }

    fn set_subscribed(&mut self, name: &str, value: bool) {
        let Some(entry) = self.position(name).ok().and_then(|at| self.entries.get_mut(at)) else {
            return;
        };
        match entry {
            Entry::Acked { is_subscribed, .. } => *is_subscribed = value,
            Entry::Other(other) => other.is_subscribed = value,
        }
    }

    fn put_other(&mut self, name: &Arc<str>, is_subscribed: bool, state: OtherState) {
        self.put(Entry::Other(Box::new(OtherEntry {
            name: Arc::clone(name),
            is_subscribed,
            state,
        })));
    }

    fn put(&mut self, entry: Entry) {
        self.count(entry.state().is_present(), entry.state().is_acked(), true);
        match self.position(entry.name()) {
            Ok(position) => {
                let before = std::mem::replace(&mut self.entries[position], entry);
                self.count(before.state().is_present(), before.state().is_acked(), false);
            }
            Err(position) => self.entries.insert(position, entry),
        }
    }

    /// Removes everything about a name.
    pub(crate) fn remove(&mut self, name: &str) {
        if let Ok(position) = self.position(name) {
            let before = self.entries.remove(position);
            self.count(before.state().is_present(), before.state().is_acked(), false);
        }
    }

    fn count(&mut self, is_present: bool, is_acked: bool, is_added: bool) {
        for (count, counts) in [(&mut self.present, is_present), (&mut self.acked, is_acked)] {
            match (counts, is_added) {
                (true, true) => *count += 1,
                (true, false) => *count -= 1,
                (false, _) => {}
            }
        }
    }
}
