//! DNS cache. No I/O, no clock.
//!
//! ```text
//!            answer with addresses                         TTL expired
//!   miss ────────────────────────────────► fresh ────────────────────────────► stale
//!     │  ▲                                   ▲                                    │
//!     │  │ negative TTL                      └────── answer with addresses ◄──────┤
//!     │  │                                                                        │
//!     └──┴─► negative ◄──────────── NXDOMAIN, or no address ──────────────────────┤
//!              ▲                                                                  │
//!              └──────────── no answer, and the addresses are too old ◄───────────┘
//! ```
//!
//! A stale name is looked up again, and its addresses are used while DNS does not answer.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::address_policy::MAX_ADDRESSES;
use super::addresses::{Addresses, Origin};
use super::dns_answer::{DnsAnswer, Records};
use super::host_name::HostName;
use super::resolve_error::ResolveError;

/// The most names in the cache; the least recently used one is evicted.
const MAX_NAMES: usize = 1024;

/// The bounds of a record's TTL. A TTL of zero would cost a lookup per call, and the VPC's resolver accepts 1024 packets per
/// second from a network interface, metadata and time included (VPC user guide, "DNS attributes", read 2026-11-23); a TTL of an
/// hour would outlast a deployment.
const MIN_TTL: Duration = Duration::from_secs(1);
const MAX_TTL: Duration = Duration::from_secs(60);

/// The longest negative TTL. Route 53's default is 900 seconds, and a service that was just deployed must not be missing for as
/// long.
const MAX_NEGATIVE_TTL: Duration = Duration::from_secs(5);

/// How long a name is not looked up again after DNS did not answer.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// How long stale addresses are used while DNS does not answer: ten minutes after the last answer. Most tasks live longer; an
/// address that is gone costs a failed connection, no address costs every call.
const STALE_FOR: Duration = Duration::from_secs(600);

/// The most records in an answer of Route 53 or Cloud Map with the policy `MULTIVALUE`, a random subset of all (Route 53 developer guide, "Multivalue answer routing", read 2026-11-23).
const MULTIVALUE_LIMIT: usize = 8;

/// If an answer may be a subset, an address that it does not contain is kept for this many TTLs after it was last seen.
const KEEP_UNSEEN_TTLS: u32 = 5;

/// The cached answers by name.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    names: HashMap<HostName, Entry>,
}

#[derive(Debug)]
struct Entry {
    state: State,
    last_used: Instant,
}

#[derive(Debug)]
enum State {
    Positive {
        addresses: Arc<Addresses>,
        seen: Vec<Seen>,
        fresh_until: Instant,
        stale_until: Instant,
    },
    Negative {
        error: Arc<ResolveError>,
        until: Instant,
    },
}

/// An address, and until when it is kept without being in another answer.
#[derive(Debug, Clone, Copy)]
struct Seen {
    address: IpAddr,
    until: Instant,
}

/// The cached answer of a name.
#[derive(Debug, Clone)]
pub(crate) enum CacheEntry {
    Fresh(Arc<Addresses>),
    /// Has to be looked up again; its addresses may be used until then.
    Stale(Arc<Addresses>),
    Negative(Arc<ResolveError>),
    Miss,
}

impl Cache {
    /// The cached answer for `name` at `now`.
    pub(crate) fn get(&mut self, name: &HostName, now: Instant) -> CacheEntry {
        let Some(entry) = self.names.get_mut(name) else {
            return CacheEntry::Miss;
        };
        entry.last_used = now;
        match &entry.state {
            State::Positive {
                addresses, fresh_until, ..
            } if now < *fresh_until => CacheEntry::Fresh(addresses.clone()),
            State::Positive {
                addresses, stale_until, ..
            } if now < *stale_until => CacheEntry::Stale(addresses.clone()),
            State::Negative { error, until } if now < *until => CacheEntry::Negative(error.clone()),
            _ => CacheEntry::Miss,
        }
    }

    /// Stores the result of a lookup of `name`, and returns the result for its callers: stale addresses may replace an error.
    pub(crate) fn store(
        &mut self,
        name: &HostName,
        result: Result<DnsAnswer, ResolveError>,
        now: Instant,
    ) -> Result<Arc<Addresses>, Arc<ResolveError>> {
        let before = self.names.remove(name).map(|entry| entry.state);
        let state = match result {
            Ok(answer) => from_answer(before, &answer, now),
            Err(error) => from_error(before, error, now),
        };
        let result = match &state {
            State::Positive { addresses, .. } => Ok(addresses.clone()),
            State::Negative { error, .. } => Err(error.clone()),
        };
        self.evict();
        self.names.insert(name.clone(), Entry { state, last_used: now });
        result
    }

    fn evict(&mut self) {
        if self.names.len() >= MAX_NAMES {
            let oldest = self.names.iter().min_by_key(|(_, entry)| entry.last_used);
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                self.names.remove(&name);
            }
        }
    }
}

/// The state after an answer.
fn from_answer(before: Option<State>, answer: &DnsAnswer, now: Instant) -> State {
    let before = match before {
        Some(State::Positive { seen, .. }) => seen,
        _ => Vec::new(),
    };
    let mut seen = Vec::new();
    let mut shortest = MAX_TTL;
    for (records, is_of_family) in [
        (&answer.v4, IpAddr::is_ipv4 as fn(&IpAddr) -> bool),
        (&answer.v6, IpAddr::is_ipv6),
    ] {
        let of_family = before.iter().filter(|seen| is_of_family(&seen.address)).copied();
        match records {
            Some(Records { addresses, ttl }) if !addresses.is_empty() => {
                let ttl = (*ttl).clamp(MIN_TTL, MAX_TTL);
                shortest = shortest.min(ttl);
                let until = now + ttl * KEEP_UNSEEN_TTLS;
                seen.extend(addresses.iter().map(|address| Seen {
                    address: *address,
                    until,
                }));
                if addresses.len() >= MULTIVALUE_LIMIT {
                    let kept = of_family.filter(|old| old.until > now && !addresses.contains(&old.address));
                    seen.extend(kept);
                }
            }
            // No addresses of this family.
            Some(_) => {}
            // Not queried, or not answered.
            None => seen.extend(of_family.filter(|old| old.until > now)),
        }
    }
    seen.truncate(MAX_ADDRESSES);
    let list: Vec<IpAddr> = seen.iter().map(|seen| seen.address).collect();
    match Addresses::new(list, Origin::Dns) {
        Some(addresses) => State::Positive {
            addresses: Arc::new(addresses),
            seen,
            fresh_until: now + shortest,
            stale_until: now + STALE_FOR,
        },
        None => State::Negative {
            error: Arc::new(answer.negative()),
            until: now + answer.negative_ttl().clamp(MIN_TTL, MAX_NEGATIVE_TTL),
        },
    }
}

/// The state after a failed lookup.
fn from_error(before: Option<State>, error: ResolveError, now: Instant) -> State {
    match before {
        Some(State::Positive {
            addresses,
            seen,
            stale_until,
            ..
        }) if now < stale_until && error.is_no_answer() => {
            tracing::warn!(
                attempts = error.attempts.join("; "),
                "DNS lookup failed; using stale addresses"
            );
            State::Positive {
                addresses,
                seen,
                fresh_until: stale_until.min(now + RETRY_PAUSE),
                stale_until,
            }
        }
        _ => State::Negative {
            error: Arc::new(error),
            until: now + RETRY_PAUSE,
        },
    }
}

#[cfg(test)]
mod tests;
