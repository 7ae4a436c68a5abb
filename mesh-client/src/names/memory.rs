//! What is remembered of names, and for how long. No I/O, no clock.
//!
//! ```text
//!            an answer with addresses                      its time is over
//!  unknown ──────────────────────────────► fresh ────────────────────────────► stale
//!     │  ▲                                   ▲      and again whenever DNS        │
//!     │  │ a few seconds                     └──────── has addresses ◄────────────┤
//!     │  │                                                                        │
//!     └──┴─► absent ◄── DNS says that there is no such name, or no address ───────┤
//!              ▲                                                                  │
//!              └──────── DNS says nothing, and the addresses are too old ◄────────┘
//! ```
//!
//! A stale name is looked up again, and its addresses are used for as long as DNS says nothing.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::addresses::{Addresses, Origin};
use super::answer::{Answer, Records};
use super::failure::Failure;
use super::host_name::HostName;
use super::rules::MAX_ADDRESSES;

/// As many names as are remembered. Beyond them the one goes that was not asked for for the longest time.
const MAX_NAMES: usize = 1024;

/// However short or long a record says it is valid, its name is looked up again no sooner and no later than this.
/// A TTL of zero would cost a lookup per call, and the VPC's resolver takes 1024 packets per second from a network
/// interface, metadata and time included (VPC user guide, "DNS attributes", read 2026-11-23); a TTL of an hour would
/// outlast a deployment.
const SHORTEST_TTL: Duration = Duration::from_secs(1);
const LONGEST_TTL: Duration = Duration::from_secs(60);

/// That there is no such name, or no address, is remembered for at most this, whatever the zone says: Route 53's own
/// zones say 900 seconds, and a service that was deployed a moment ago should not be missing for as long.
const LONGEST_ABSENCE: Duration = Duration::from_secs(5);

/// How long after DNS did not answer it is left alone.
const PAUSE: Duration = Duration::from_secs(2);

/// How long addresses are used after DNS last confirmed them, while it does not answer: ten minutes. Tasks mostly live
/// longer, and an address that is gone costs a failed connection, where no address costs every call.
const STALE_FOR: Duration = Duration::from_secs(600);

/// The most records in an answer of Route 53 or Cloud Map with the policy `MULTIVALUE`, picked at random from all
/// (Route 53 developer guide, "Multivalue answer routing", read 2026-11-23).
const MULTIVALUE_LIMIT: usize = 8;

/// Where an answer may not be all there is, an address that it lacks is kept for this many TTLs after it was last seen.
const TTLS_UNSEEN: u32 = 5;

/// What is remembered of all names.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    names: HashMap<HostName, Entry>,
}

#[derive(Debug)]
struct Entry {
    known: Known,
    used: Instant,
}

#[derive(Debug)]
enum Known {
    Present {
        addresses: Arc<Addresses>,
        seen: Vec<Seen>,
        fresh_until: Instant,
        stale_until: Instant,
    },
    Absent {
        failure: Arc<Failure>,
        until: Instant,
    },
}

/// An address and for how long it counts without being seen again.
#[derive(Debug, Clone, Copy)]
struct Seen {
    address: IpAddr,
    until: Instant,
}

/// What is remembered of a name.
#[derive(Debug, Clone)]
pub(crate) enum Recalled {
    Fresh(Arc<Addresses>),
    /// To be looked up again, and good enough until that says otherwise.
    Stale(Arc<Addresses>),
    Absent(Arc<Failure>),
    Unknown,
}

impl Memory {
    /// What is remembered of `name` at `now`.
    pub(crate) fn recall(&mut self, name: &HostName, now: Instant) -> Recalled {
        let Some(entry) = self.names.get_mut(name) else {
            return Recalled::Unknown;
        };
        entry.used = now;
        match &entry.known {
            Known::Present {
                addresses, fresh_until, ..
            } if now < *fresh_until => Recalled::Fresh(addresses.clone()),
            Known::Present {
                addresses, stale_until, ..
            } if now < *stale_until => Recalled::Stale(addresses.clone()),
            Known::Absent { failure, until } if now < *until => Recalled::Absent(failure.clone()),
            _ => Recalled::Unknown,
        }
    }

    /// Takes in what a lookup of `name` came to, and gives what its callers are told.
    pub(crate) fn learn(
        &mut self,
        name: &HostName,
        outcome: Result<Answer, Failure>,
        now: Instant,
    ) -> Result<Arc<Addresses>, Arc<Failure>> {
        let before = self.names.remove(name).map(|entry| entry.known);
        let known = match outcome {
            Ok(answer) => present(before, &answer, now),
            Err(failure) => without_answer(before, failure, now),
        };
        let told = match &known {
            Known::Present { addresses, .. } => Ok(addresses.clone()),
            Known::Absent { failure, .. } => Err(failure.clone()),
        };
        self.make_room();
        self.names.insert(name.clone(), Entry { known, used: now });
        told
    }

    fn make_room(&mut self) {
        if self.names.len() >= MAX_NAMES {
            let oldest = self.names.iter().min_by_key(|(_, entry)| entry.used);
            if let Some(name) = oldest.map(|(name, _)| name.clone()) {
                self.names.remove(&name);
            }
        }
    }
}

/// What `answer` makes of what was known.
fn present(before: Option<Known>, answer: &Answer, now: Instant) -> Known {
    let before = match before {
        Some(Known::Present { seen, .. }) => seen,
        _ => Vec::new(),
    };
    let mut seen = Vec::new();
    let mut shortest = LONGEST_TTL;
    for (records, is_of_family) in [
        (&answer.v4, IpAddr::is_ipv4 as fn(&IpAddr) -> bool),
        (&answer.v6, IpAddr::is_ipv6),
    ] {
        let of_family = before.iter().filter(|seen| is_of_family(&seen.address)).copied();
        match records {
            Some(Records { addresses, ttl }) if !addresses.is_empty() => {
                let ttl = (*ttl).clamp(SHORTEST_TTL, LONGEST_TTL);
                shortest = shortest.min(ttl);
                let until = now + ttl * TTLS_UNSEEN;
                seen.extend(addresses.iter().map(|address| Seen {
                    address: *address,
                    until,
                }));
                if addresses.len() >= MULTIVALUE_LIMIT {
                    let may_still_be = of_family.filter(|old| old.until > now && !addresses.contains(&old.address));
                    seen.extend(may_still_be);
                }
            }
            // It has none of this family.
            Some(_) => {}
            // Not asked for, or not answered: what was seen holds as long as it would have.
            None => seen.extend(of_family.filter(|old| old.until > now)),
        }
    }
    seen.truncate(MAX_ADDRESSES);
    let list: Vec<IpAddr> = seen.iter().map(|seen| seen.address).collect();
    match Addresses::new(list, Origin::Dns) {
        Some(addresses) => Known::Present {
            addresses: Arc::new(addresses),
            seen,
            fresh_until: now + shortest,
            stale_until: now + STALE_FOR,
        },
        None => Known::Absent {
            failure: Arc::new(answer.absence()),
            until: now + answer.absent_for().clamp(SHORTEST_TTL, LONGEST_ABSENCE),
        },
    }
}

/// What remains of what was known when there was no answer.
fn without_answer(before: Option<Known>, failure: Failure, now: Instant) -> Known {
    match before {
        Some(Known::Present {
            addresses,
            seen,
            stale_until,
            ..
        }) if now < stale_until && failure.is_silence() => {
            tracing::warn!(
                tried = failure.tried.join("; "),
                "DNS does not answer; its last answer is used"
            );
            Known::Present {
                addresses,
                seen,
                fresh_until: stale_until.min(now + PAUSE),
                stale_until,
            }
        }
        _ => Known::Absent {
            failure: Arc::new(failure),
            until: now + PAUSE,
        },
    }
}

#[cfg(test)]
mod tests;
