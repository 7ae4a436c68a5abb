//! Rate limit for the log of rejected streams, requests and resources. Pure: the clock is passed in.
//!
//! An Envoy whose node id is unknown connects again and again, for hours where a task definition names a virtual node that
//! was deleted. Each reason is logged once a minute and node id, with the number of rejections in between; and a node id
//! has no more than [`MAX_LINES`] a minute, because reasons contain what clients send.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Time between two log lines about the same node id and reason.
const INTERVAL: Duration = Duration::from_secs(60);

/// Log lines about a node id in that time.
const MAX_LINES: u32 = 20;

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
    /// Lines since the first one of this minute.
    lines: u32,
    first: Instant,
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
            Some(entry) if entry.suppresses(reason, is_full, now) => {
                entry.suppressed += 1;
                None
            }
            Some(entry) => Some(entry.log(reason, now)),
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
            lines: 1,
            first: now,
            suppressed: 0,
        }
    }

    fn suppresses(&self, reason: &str, is_shared: bool, now: Instant) -> bool {
        let is_same = is_shared || self.reason == reason;
        let is_recent = now.duration_since(self.first) < INTERVAL;
        (is_same && !self.is_over(now)) || (is_recent && self.lines >= MAX_LINES)
    }

    /// Records a line, and returns the number of rejections that were not logged before it.
    fn log(&mut self, reason: &str, now: Instant) -> u64 {
        let before = std::mem::replace(self, Self::new(reason, now));
        if now.duration_since(before.first) < INTERVAL {
            self.first = before.first;
            self.lines = before.lines + 1;
        }
        before.suppressed
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

    #[test]
    fn different_reasons_of_a_node_are_limited_together() {
        let start = Instant::now();
        let mut rejections = Rejections::default();
        let logged = (0..100).filter(|number| rejections.record("a", &number.to_string(), start).is_some());
        assert_eq!(logged.count(), usize::try_from(MAX_LINES).expect("small"));
        assert_eq!(rejections.record("a", "later", start + INTERVAL), Some(80));
    }
}
