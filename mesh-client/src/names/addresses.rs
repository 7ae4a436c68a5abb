//! The addresses of a name, taken in turn.

use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long an address that took no connection comes last. A task that is gone without a trace costs each call to it
/// the whole time that a connection may take, and DNS has its address for a while longer.
const REST: Duration = Duration::from_secs(10);

/// Where addresses were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Hosts,
    Dns,
    /// Nowhere: any address will do, as the sidecar looks at the Host header alone.
    Placeholder,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hosts => "the hosts file",
            Self::Dns => "DNS",
            Self::Placeholder => "a placeholder",
        })
    }
}

/// At least one address, and whose turn it is.
#[derive(Debug)]
pub(crate) struct Addresses {
    list: Box<[IpAddr]>,
    origin: Origin,
    turn: AtomicUsize,
    /// Those that took no connection, until when. Mostly none.
    resting: Mutex<Vec<(IpAddr, Instant)>>,
}

impl Addresses {
    /// The addresses, beginning anywhere: processes that start together must not all call the same task first.
    /// `None` if there are none.
    pub(crate) fn new(list: impl Into<Box<[IpAddr]>>, origin: Origin) -> Option<Self> {
        let list = list.into();
        let turn = AtomicUsize::new(fastrand::usize(..list.len().max(1)));
        (!list.is_empty()).then_some(Self {
            list,
            origin,
            turn,
            resting: Mutex::default(),
        })
    }

    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    pub(crate) fn list(&self) -> &[IpAddr] {
        &self.list
    }

    /// All addresses, beginning with the one whose turn it is; those that rest come last.
    pub(crate) fn in_turn(&self) -> Vec<IpAddr> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed) % self.list.len();
        let mut list = self.list.to_vec();
        list.rotate_left(first);
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        if !resting.is_empty() {
            let now = Instant::now();
            resting.retain(|(_, until)| now < *until);
            list.sort_by_key(|address| resting.iter().any(|(resting, _)| resting == address));
        }
        list
    }

    /// Notes that `address` took no connection.
    pub(crate) fn rest(&self, address: IpAddr) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.retain(|(resting, _)| *resting != address);
        resting.push((address, Instant::now() + REST));
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
    fn every_address_has_its_turn() {
        let addresses = Addresses::new(some(3), Origin::Dns).unwrap();
        let firsts: Vec<IpAddr> = (0..6).filter_map(|_| addresses.in_turn().first().copied()).collect();
        assert_eq!(firsts[..3], firsts[3..]);
        assert_eq!(BTreeSet::from_iter(firsts), BTreeSet::from_iter(some(3)));
        let all = addresses.in_turn();
        assert_eq!(all.len(), 3);
        assert_eq!(BTreeSet::from_iter(all), BTreeSet::from_iter(some(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_took_no_connection_comes_last_for_a_while() {
        let addresses = Addresses::new(some(3), Origin::Dns).unwrap();
        let dead = IpAddr::from([10, 0, 0, 2]);
        addresses.rest(dead);
        addresses.rest(dead);
        for _ in 0..6 {
            assert_eq!(addresses.in_turn().last(), Some(&dead));
        }
        tokio::time::advance(REST).await;
        let firsts: BTreeSet<IpAddr> = (0..3).map(|_| addresses.in_turn()[0]).collect();
        assert_eq!(firsts.len(), 3);
        for address in some(3) {
            addresses.rest(address);
        }
        assert_eq!(addresses.in_turn().len(), 3, "if all of them rest, all are tried");
    }

    #[test]
    fn not_everyone_begins_with_the_same_one() {
        let firsts: BTreeSet<IpAddr> = (0..1000)
            .filter_map(|_| Addresses::new(some(3), Origin::Dns)?.in_turn().first().copied())
            .collect();
        assert_eq!(firsts, BTreeSet::from_iter(some(3)));
        assert!(Addresses::new(Vec::new(), Origin::Dns).is_none());
    }
}
