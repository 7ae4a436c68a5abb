//! What one Envoy has refused of one resource type, and what it is suspected to refuse. Pure.
//!
//! After a refusal of several resources the culprit is unknown, so those that Envoy's words name (all, if they
//! name none) become *suspects* and are tried one by one; a resource refused alone is *rejected* until its
//! content changes. What is not at fault always gets through. Until then all of them are *unsure*: the client may
//! have applied them in part.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::snapshot::Resource;

/// Refusals of one resource type on one stream.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    rejected: BTreeMap<String, Rejection>,
    suspects: BTreeSet<String>,
    /// What the client may have besides what it has accepted, by name.
    unsure: BTreeMap<String, Vec<Arc<Resource>>>,
}

/// A version of a resource that the client refused, and its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejection {
    pub(crate) version: String,
    pub(crate) message: String,
}

impl Refusals {
    /// The client refused these, in these words. Returns the names that are certainly at fault.
    pub(crate) fn add(&mut self, set: &[Arc<Resource>], message: &str) -> Vec<String> {
        if let [culprit] = set {
            self.reject(culprit, message);
            return vec![culprit.name.clone()];
        }
        for resource in set {
            let perhaps = self.unsure.entry(resource.name.clone()).or_default();
            perhaps.push(Arc::clone(resource));
        }
        let names = || set.iter().map(|resource| &resource.name);
        let named: Vec<&String> = names().filter(|name| mentions(message, name)).collect();
        if named.is_empty() {
            self.suspects.extend(names().cloned());
        } else {
            self.suspects.extend(named.into_iter().cloned());
        }
        Vec::new()
    }

    fn reject(&mut self, culprit: &Resource, message: &str) {
        self.suspects.remove(&culprit.name);
        // An earlier version may have got through in a message that was refused as a whole.
        if let Some(perhaps) = self.unsure.get_mut(&culprit.name) {
            perhaps.retain(|resource| resource.version != culprit.version);
            if perhaps.is_empty() {
                self.unsure.remove(&culprit.name);
            }
        }
        let rejection = Rejection {
            version: culprit.version.clone(),
            message: message.to_owned(),
        };
        self.rejected.insert(culprit.name.clone(), rejection);
    }

    /// The client accepted this, whatever was said of it before.
    pub(crate) fn accepted(&mut self, resource: &Resource) {
        self.suspects.remove(&resource.name);
        self.unsure.remove(&resource.name);
        if self.has_refused(resource) {
            self.rejected.remove(&resource.name);
        }
    }

    /// Nothing that was said of this name counts any more.
    pub(crate) fn forget(&mut self, name: &str) {
        self.rejected.remove(name);
        self.suspects.remove(name);
        self.unsure.remove(name);
    }

    /// The client asks for this name anew: its last words on it may have come after it had lost interest.
    pub(crate) fn forgive(&mut self, name: &str) {
        self.rejected.remove(name);
    }

    /// The client has certainly nothing of this name besides what it has accepted.
    pub(crate) fn is_sure(&mut self, name: &str) {
        self.unsure.remove(name);
    }

    /// True if the client has refused this very version.
    pub(crate) fn has_refused(&self, resource: &Resource) -> bool {
        let refused = self.rejected.get(&resource.name);
        refused.is_some_and(|rejection| rejection.version == resource.version)
    }

    /// True if the client may have another version of this than it has accepted.
    pub(crate) fn is_unsure(&self, name: &str) -> bool {
        self.unsure.contains_key(name)
    }

    /// The names of what the client may have.
    pub(crate) fn unsure_names(&self) -> impl Iterator<Item = &String> {
        self.unsure.keys()
    }

    /// What the client may have.
    pub(crate) fn unsure(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.unsure.values().flatten()
    }

    /// What the client has refused, by name.
    pub(crate) fn rejected(&self) -> impl Iterator<Item = (&String, &Rejection)> {
        self.rejected.iter()
    }

    /// Everything that is above suspicion, or else the first suspect alone.
    pub(crate) fn without_suspects(&self, set: Vec<Arc<Resource>>) -> Vec<Arc<Resource>> {
        let (suspects, others): (Vec<_>, Vec<_>) = set
            .into_iter()
            .partition(|resource| self.suspects.contains(&resource.name));
        if others.is_empty() {
            suspects.into_iter().take(1).collect()
        } else {
            others
        }
    }
}

/// True if `message` holds `name` as a word of its own, so that `blue` is not found in `blue-2`.
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
