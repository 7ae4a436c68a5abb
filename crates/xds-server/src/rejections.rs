//! Rate limit for the log of rejected streams. Pure: the clock is passed in.
//!
//! An Envoy whose node id is unknown connects again and again, for hours where a task definition names a virtual node that
//! was deleted. Each reason is logged once a minute and node id, with the number of rejections in between.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Time between two log lines about the same node id and reason.
const INTERVAL: Duration = Duration::from_secs(60);

/// Node ids with an entry of their own; the others share one. Node ids come from clients, and must not fill the memory.
const MAX_NODES: usize = 1000;

/// The rejections of the last minute, by node id.
#[derive(Debug, Default)]
pub(crate) struct Rejections {
    nodes: HashMap<String, Entry>,
    others: Option<Entry>,
}

#[derive(Debug)]
struct Entry {
    reason: String,
    logged: Instant,
    /// Rejections since.
    suppressed: u64,
}

impl Rejections {
    /// Records a rejection. If it is to be logged, returns the number of rejections that were not logged before it.
    pub(crate) fn record(&mut self, node: &str, reason: &str, now: Instant) -> Option<u64> {
        if !self.nodes.contains_key(node) && self.nodes.len() >= MAX_NODES {
            self.nodes.retain(|_, entry| !entry.is_over(now));
        }
        let is_full = self.nodes.len() >= MAX_NODES;
        let entry = match self.nodes.get_mut(node) {
            Some(entry) => Some(entry),
            None if is_full => self.others.as_mut(),
            None => None,
        };
        match entry {
            Some(entry) if !entry.is_over(now) && (is_full || entry.reason == reason) => {
                entry.suppressed += 1;
                None
            }
            Some(entry) => {
                let suppressed = entry.suppressed;
                *entry = Entry::new(reason, now);
                Some(suppressed)
            }
            None => {
                let entry = Entry::new(reason, now);
                if is_full {
                    self.others = Some(entry);
                } else {
                    self.nodes.insert(node.to_owned(), entry);
                }
                Some(0)
            }
        }
    }
}

impl Entry {
    fn new(reason: &str, now: Instant) -> Self {
        Self {
            reason: reason.to_owned(),
            logged: now,
            suppressed: 0,
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.logged) >= INTERVAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_logged_once_a_minute_with_the_number_of_repetitions() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut rejections = Rejections::default();
        assert_eq!(rejections.record("a", "no mesh", at(0)), Some(0));
        assert_eq!(rejections.record("a", "no mesh", at(10)), None);
        assert_eq!(rejections.record("b", "no mesh", at(11)), Some(0), "another node");
        assert_eq!(rejections.record("a", "no mesh", at(59)), None);
        assert_eq!(rejections.record("a", "no mesh", at(60)), Some(2));
        assert_eq!(rejections.record("a", "no node", at(61)), Some(0), "another reason");
        assert_eq!(rejections.record("a", "no node", at(62)), None);
    }

    #[test]
    fn many_node_ids_share_an_entry() {
        let now = Instant::now();
        let mut rejections = Rejections::default();
        for node in 0..MAX_NODES {
            assert_eq!(rejections.record(&node.to_string(), "", now), Some(0));
        }
        assert_eq!(rejections.record("one more", "", now), Some(0));
        assert_eq!(rejections.record("another", "other reason", now), None);
        assert_eq!(rejections.nodes.len(), MAX_NODES);
        // Old entries make room.
        let later = now + INTERVAL;
        assert_eq!(rejections.record("one more", "", later), Some(0));
        assert_eq!(rejections.nodes.len(), 1);
    }
}
