//! NACK isolation: finds the resource of one type that an Envoy rejects. Pure.
//!
//! A NACK of several resources does not say which one is invalid. Those that the error message names (all, if it names
//! none) become *candidates* and are pushed one by one; a resource that is NACKed alone is *rejected* until its content
//! changes. Valid resources always get through. Until then all of them are *uncertain*: the client may have applied the
//! response in part.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::snapshot::Resource;

/// Length of an error message that is kept with a rejected resource, in bytes. It is for the status page; the log has all
/// that was received.
const MAX_MESSAGE: usize = 2048;

/// The same beyond [`LONG_MESSAGES`] rejected resources: a client that rejects everything must not fill the memory.
const MAX_SHORT_MESSAGE: usize = 128;

/// Rejected resources with a message of full length, by type and stream.
const LONG_MESSAGES: usize = 32;

/// The NACKs of one resource type on one stream.
#[derive(Debug, Default)]
pub(crate) struct Nacks {
    rejected: BTreeMap<String, Rejection>,
    candidates: BTreeSet<String>,
    /// Versions that the client may have besides the ACKed one, by name.
    uncertain: BTreeMap<String, Vec<Arc<Resource>>>,
}

/// A rejected version of a resource, with the error message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) version: String,
    pub(crate) message: String,
}

impl Nacks {
    /// Records a NACK of these resources. Returns the names that are certainly rejected.
    pub(crate) fn add(&mut self, set: &[Arc<Resource>], message: &str) -> Vec<String> {
        if let [resource] = set {
            self.reject(resource, message);
            return vec![resource.name().to_owned()];
        }
        for resource in set {
            let versions = self.uncertain.entry(resource.name().to_owned()).or_default();
            versions.push(Arc::clone(resource));
        }
        let names = || set.iter().map(|resource| resource.name());
        let named: Vec<&str> = names().filter(|name| mentions(message, name)).collect();
        if named.is_empty() {
            self.candidates.extend(names().map(str::to_owned));
        } else {
            self.candidates.extend(named.into_iter().map(str::to_owned));
        }
        Vec::new()
    }

    fn reject(&mut self, resource: &Resource, message: &str) {
        self.candidates.remove(resource.name());
        // An earlier version may have been applied from a response that was NACKed as a whole.
        if let Some(versions) = self.uncertain.get_mut(resource.name()) {
            versions.retain(|version| version.version() != resource.version());
            if versions.is_empty() {
                self.uncertain.remove(resource.name());
            }
        }
        let maximum = if self.rejected.len() < LONG_MESSAGES {
            MAX_MESSAGE
        } else {
            MAX_SHORT_MESSAGE
        };
        let rejection = Rejection {
            version: resource.version().to_owned(),
            message: message[..message.floor_char_boundary(maximum)].to_owned(),
        };
        self.rejected.insert(resource.name().to_owned(), rejection);
    }

    /// Records an ACK of this version.
    pub(crate) fn ack(&mut self, resource: &Resource) {
        self.candidates.remove(resource.name());
        self.uncertain.remove(resource.name());
        if self.has_rejected(resource) {
            self.rejected.remove(resource.name());
        }
    }

    /// Removes everything about this name.
    pub(crate) fn forget(&mut self, name: &str) {
        self.rejected.remove(name);
        self.candidates.remove(name);
        self.uncertain.remove(name);
    }

    /// Removes the rejection of a name to which the client subscribes again: its last NACK may have come after it had
    /// unsubscribed.
    pub(crate) fn reset(&mut self, name: &str) {
        self.rejected.remove(name);
    }

    /// The client certainly has no version of this name besides the ACKed one.
    pub(crate) fn clear_uncertain(&mut self, name: &str) {
        self.uncertain.remove(name);
    }

    /// True if the client has rejected this version.
    pub(crate) fn has_rejected(&self, resource: &Resource) -> bool {
        let rejection = self.rejected.get(resource.name());
        rejection.is_some_and(|rejection| rejection.version == resource.version())
    }

    /// True if the client may have another version of this name than the ACKed one.
    pub(crate) fn is_uncertain(&self, name: &str) -> bool {
        self.uncertain.contains_key(name)
    }

    /// The names with uncertain versions.
    pub(crate) fn uncertain_names(&self) -> impl Iterator<Item = &String> {
        self.uncertain.keys()
    }

    /// The uncertain versions.
    pub(crate) fn uncertain(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.uncertain.values().flatten()
    }

    /// The rejected versions, by name.
    pub(crate) fn rejected(&self) -> impl Iterator<Item = (&String, &Rejection)> {
        self.rejected.iter()
    }

    /// The resources that are no candidates, or else the first candidate alone.
    pub(crate) fn isolate(&self, set: Vec<Arc<Resource>>) -> Vec<Arc<Resource>> {
        let (candidates, others): (Vec<_>, Vec<_>) = set
            .into_iter()
            .partition(|resource| self.candidates.contains(resource.name()));
        if others.is_empty() {
            candidates.into_iter().take(1).collect()
        } else {
            others
        }
    }
}

/// True if `message` contains `name` as a whole word, so that `blue` is not found in `blue-2`.
fn mentions(message: &str, name: &str) -> bool {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    message.match_indices(name).any(|(start, found)| {
        let before = message[..start].chars().next_back();
        let after = message[start + found.len()..].chars().next();
        !before.is_some_and(part_of_name) && !after.is_some_and(part_of_name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_mentioned_as_a_whole_word() {
        let message = "Error adding/updating cluster(s) blue-2: bad, green: worse";
        assert!(mentions(message, "blue-2"));
        assert!(mentions(message, "green"));
        assert!(!mentions(message, "blue"));
        assert!(!mentions(message, "reen"));
        assert!(mentions("cluster 'blue'", "blue"));
    }
}
