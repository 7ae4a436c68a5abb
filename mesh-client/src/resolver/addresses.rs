//! The addresses of a name, used round robin.

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long an address that accepted no connection is used last. A task that disappeared costs each call to it the whole
/// connect timeout, and DNS contains its address for a while longer.
const DEPRIORITISED_FOR: Duration = Duration::from_secs(10);

/// The source of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    HostsFile,
    Dns,
    /// Synthetic: the sidecar routes by the Host header, whatever the address.
    SyntheticVip,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HostsFile => "the hosts file",
            Self::Dns => "DNS",
            Self::SyntheticVip => "the synthetic VIP",
        })
    }
}

/// One or more addresses with a round-robin position.
#[derive(Debug)]
pub(crate) struct Addresses {
    list: Box<[IpAddr]>,
    origin: Origin,
    position: AtomicUsize,
    /// Addresses that accepted no connection, with the end of their deprioritisation. Usually empty.
    deprioritised: Mutex<Vec<(IpAddr, Instant)>>,
}

impl Addresses {
    /// Addresses with a random position, so that processes that start together do not all call the same task first. `None` for
    /// an empty list.
    pub(crate) fn new(list: impl Into<Box<[IpAddr]>>, origin: Origin) -> Option<Self> {
        let list = list.into();
        let position = AtomicUsize::new(fastrand::usize(..list.len().max(1)));
        (!list.is_empty()).then_some(Self {
            list,
            origin,
            position,
            deprioritised: Mutex::default(),
        })
    }

    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    pub(crate) fn list(&self) -> &[IpAddr] {
        &self.list
    }

    /// All addresses from the next one on; deprioritised ones come last.
    pub(crate) fn in_turn(&self) -> Vec<IpAddr> {
        let first = self.position.fetch_add(1, Ordering::Relaxed) % self.list.len();
        let mut list = self.list.to_vec();
        list.rotate_left(first);
        let mut deprioritised = self.deprioritised.lock().unwrap_or_else(PoisonError::into_inner);
        if !deprioritised.is_empty() {
            let now = Instant::now();
            deprioritised.retain(|(_, until)| now < *until);
            list.sort_by_key(|address| deprioritised.iter().any(|(other, _)| other == address));
        }
        list
    }

    /// Uses `address` last for a while, because it accepted no connection.
    pub(crate) fn deprioritise(&self, address: IpAddr) {
        let mut deprioritised = self.deprioritised.lock().unwrap_or_else(PoisonError::into_inner);
        deprioritised.retain(|(other, _)| *other != address);
        deprioritised.push((address, Instant::now() + DEPRIORITISED_FOR));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn some(last: u8) -> Vec<IpAddr> {
        (1..=last).map(|last| IpAddr::from([10, 0, 0, last])).collect()
    }

    #[test]
    fn addresses_are_used_round_robin() {
        let addresses = Addresses::new(some(3), Origin::Dns).unwrap();
        let firsts: Vec<IpAddr> = (0..6).filter_map(|_| addresses.in_turn().first().copied()).collect();
        assert_eq!(firsts[..3], firsts[3..]);
        assert_eq!(BTreeSet::from_iter(firsts), BTreeSet::from_iter(some(3)));
        let all = addresses.in_turn();
        assert_eq!(all.len(), 3);
        assert_eq!(BTreeSet::from_iter(all), BTreeSet::from_iter(some(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_deprioritised_address_comes_last_for_a_while() {
        let addresses = Addresses::new(some(3), Origin::Dns).unwrap();
        let dead = IpAddr::from([10, 0, 0, 2]);
        addresses.deprioritise(dead);
        addresses.deprioritise(dead);
        for _ in 0..6 {
            assert_eq!(addresses.in_turn().last(), Some(&dead));
        }
        tokio::time::advance(DEPRIORITISED_FOR).await;
        let firsts: BTreeSet<IpAddr> = (0..3).map(|_| addresses.in_turn()[0]).collect();
        assert_eq!(firsts.len(), 3);
        for address in some(3) {
            addresses.deprioritise(address);
        }
        assert_eq!(addresses.in_turn().len(), 3, "if all are deprioritised, all are used");
    }

    #[test]
    fn the_first_address_is_random() {
        let firsts: BTreeSet<IpAddr> = (0..1000)
            .filter_map(|_| Addresses::new(some(3), Origin::Dns)?.in_turn().first().copied())
            .collect();
        assert_eq!(firsts, BTreeSet::from_iter(some(3)));
        assert!(Addresses::new(Vec::new(), Origin::Dns).is_none());
    }
}
