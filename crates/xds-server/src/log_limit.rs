//! Rate limit of what clients can cause in the log. Pure: the clock is passed in.
//!
//! An Envoy whose node id is unknown connects again and again, for hours where a task definition names a virtual node that
//! was deleted. Each reason is logged once a minute and node id, with the number of repetitions in between; a node id has
//! no more than [`MAX_LINES`] a minute, because reasons contain what clients send; and neither has an address more than
//! [`MAX_ADDRESS_LINES`], because clients choose their node ids.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time between two log lines about the same node id and reason.
const INTERVAL: Duration = Duration::from_secs(60);

/// Log lines about a node id in that time.
const MAX_LINES: u32 = 20;

/// Log lines about an address in that time. On one machine all Envoys have the same one.
const MAX_ADDRESS_LINES: u32 = 100;

/// Node ids with an entry of their own; the others share one. Node ids come from clients, and must not fill the memory.
const MAX_NODES: usize = 1000;

/// Addresses with a budget of their own; the others share one.
const MAX_ADDRESSES: usize = 1000;

/// Length of a reason that is compared with the last one, in bytes.
const MAX_REASON: usize = 1000;

/// The lines of the last minute, by node id and by address.
#[derive(Debug, Default)]
pub(crate) struct LogLimit {
    nodes: HashMap<String, Entry>,
    others: Option<Entry>,
    addresses: HashMap<Option<IpAddr>, Budget>,
    other_addresses: Option<Budget>,
}

#[derive(Debug)]
struct Entry {
    reason: String,
    logged: Instant,
    /// Lines since the first one of this minute.
    lines: u32,
    first: Instant,
    /// Repetitions since.
    suppressed: u64,
}

/// The lines about an address since the first one of its minute.
#[derive(Debug, Clone, Copy)]
struct Budget {
    first: Instant,
    lines: u32,
}

/// The number of lines about this node that were not logged, if this one is to be.
pub(crate) fn may_log(log: &Mutex<LogLimit>, node: &str, address: Option<IpAddr>, reason: &str) -> Option<u64> {
    let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
    log.record(node, address, reason, Instant::now())
}

impl LogLimit {
    /// Records an event. If it is to be logged, returns the number of events that were not logged before it.
    pub(crate) fn record(&mut self, node: &str, address: Option<IpAddr>, reason: &str, now: Instant) -> Option<u64> {
        let reason = &reason[..reason.floor_char_boundary(MAX_REASON)];
        let may_log = self.budget(address, now).lines < MAX_ADDRESS_LINES;
        let suppressed = self.record_of_node(node, reason, may_log, now)?;
        self.budget(address, now).lines += 1;
        Some(suppressed)
    }

    fn record_of_node(&mut self, node: &str, reason: &str, may_log: bool, now: Instant) -> Option<u64> {
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
            Some(entry) if !may_log || entry.suppresses(reason, is_full, now) => {
                entry.suppressed += 1;
                None
            }
            Some(entry) => Some(entry.log(reason, now)),
            None if !may_log => None,
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

    /// The budget of this address in this minute.
    fn budget(&mut self, address: Option<IpAddr>, now: Instant) -> &mut Budget {
        if !self.addresses.contains_key(&address) && self.addresses.len() >= MAX_ADDRESSES {
            self.addresses.retain(|_, budget| !budget.is_over(now));
        }
        let new = Budget { first: now, lines: 0 };
        let budget = if self.addresses.contains_key(&address) || self.addresses.len() < MAX_ADDRESSES {
            self.addresses.entry(address).or_insert(new)
        } else {
            self.other_addresses.get_or_insert(new)
        };
        if budget.is_over(now) {
            *budget = new;
        }
        budget
    }
}

impl Budget {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.first) >= INTERVAL
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

    /// Records a line, and returns the number of events that were not logged before it.
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
        let mut log = LogLimit::default();
        assert_eq!(log.record("a", None, "no mesh", at(0)), Some(0));
        assert_eq!(log.record("a", None, "no mesh", at(10)), None);
        assert_eq!(log.record("b", None, "no mesh", at(11)), Some(0), "another node");
        assert_eq!(log.record("a", None, "no mesh", at(59)), None);
        assert_eq!(log.record("a", None, "no mesh", at(60)), Some(2));
        assert_eq!(log.record("a", None, "no node", at(61)), Some(0), "another reason");
        assert_eq!(log.record("a", None, "no node", at(62)), None);
    }

    /// An address of its own for each number.
    fn address(number: usize) -> Option<IpAddr> {
        let number = u32::try_from(number).expect("small");
        Some(std::net::Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn many_node_ids_share_an_entry() {
        let now = Instant::now();
        let mut log = LogLimit::default();
        for node in 0..MAX_NODES {
            let address = address(node / 10);
            assert_eq!(log.record(&node.to_string(), address, "", now), Some(0));
        }
        assert_eq!(log.record("one more", None, "", now), Some(0));
        assert_eq!(log.record("another", None, "other reason", now), None);
        assert_eq!(log.nodes.len(), MAX_NODES);
        // Old entries make room.
        let later = now + INTERVAL;
        assert_eq!(log.record("one more", None, "", later), Some(0));
        assert_eq!(log.nodes.len(), 1);
    }

    #[test]
    fn different_reasons_of_a_node_are_limited_together() {
        let start = Instant::now();
        let mut log = LogLimit::default();
        let logged = (0..100).filter(|number| log.record("a", None, &number.to_string(), start).is_some());
        assert_eq!(logged.count(), usize::try_from(MAX_LINES).expect("small"));
        assert_eq!(log.record("a", None, "later", start + INTERVAL), Some(80));
    }

    #[test]
    fn different_nodes_of_an_address_are_limited_together() {
        let start = Instant::now();
        let mut log = LogLimit::default();
        let logged = (0..500).filter(|node| log.record(&node.to_string(), address(1), "", start).is_some());
        assert_eq!(logged.count(), usize::try_from(MAX_ADDRESS_LINES).expect("small"));
        assert_eq!(log.record("of another address", address(2), "", start), Some(0));
        assert_eq!(log.record("later", address(1), "", start + INTERVAL), Some(0));
    }

    #[test]
    fn many_addresses_share_a_budget() {
        let now = Instant::now();
        let mut log = LogLimit::default();
        let logged = (0..2 * MAX_ADDRESSES)
            .filter(|number| log.record("a", address(*number), &number.to_string(), now).is_some());
        assert_eq!(logged.count(), usize::try_from(MAX_LINES).expect("small"));
        assert_eq!(log.addresses.len(), MAX_ADDRESSES);
    }
}
