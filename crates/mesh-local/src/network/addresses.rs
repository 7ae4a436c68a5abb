//! Address allocation for network namespaces.
//!
//! | addresses | used by | on AWS |
//! |---|---|---|
//! | 10.77.0.1 | the bridge between all tasks: router, DNS server and control plane | the subnet's router and resolver |
//! | 10.77.0.2 … 10.77.255.254 | tasks | network interfaces of tasks |
//! | 10.78.0.1 … 10.78.255.254 | virtual services, in tasks of their mesh | a synthetic address in a hosted zone, as in App Mesh's guides |
//! | 127.255.0.1 … 127.255.255.254 | endpoints of Service Connect | the same |
//!
//! They are not visible outside the namespaces, so conflicts with other networks do not matter.
//!
//! Pure.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::Ipv4Net;

/// The network of tasks.
pub(crate) const TASKS: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 77, 0, 0), 16);
/// The bridge in it.
pub(crate) const BRIDGE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// The network of virtual services. It must not be local to a task, whose iptables rules would not redirect it.
pub(crate) const VIRTUAL_SERVICES: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 78, 0, 0), 16);
/// The network of Service Connect endpoints, as in ECS: part of the loopback network, which needs no route.
pub(crate) const ENDPOINTS: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(127, 255, 0, 0), 16);

/// Round-robin address pool: a released address is reused last, so that stale peers do not reach a new owner. Clones
/// share it.
#[derive(Debug, Clone)]
pub(crate) struct AddressPool {
    network: Ipv4Net,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    last: Ipv4Addr,
    taken: BTreeSet<Ipv4Addr>,
}

/// An allocated address, released on drop.
#[derive(Debug)]
pub(crate) struct AddressLease {
    pool: AddressPool,
    address: Ipv4Addr,
}

/// All addresses of a network are allocated.
#[derive(Debug, thiserror::Error)]
#[error("no free address in {0}")]
pub struct AddressesExhausted(Ipv4Net);

impl AddressPool {
    /// The pool of task addresses.
    pub(crate) fn of_tasks() -> Self {
        Self::new(TASKS, BRIDGE)
    }

    /// The pool of virtual service addresses.
    pub(crate) fn of_virtual_services() -> Self {
        Self::new(VIRTUAL_SERVICES, VIRTUAL_SERVICES.network())
    }

    /// The pool of Service Connect endpoint addresses.
    pub(crate) fn of_endpoints() -> Self {
        Self::new(ENDPOINTS, ENDPOINTS.network())
    }

    /// `reserved` is never allocated, and the next address is the first.
    fn new(network: Ipv4Net, reserved: Ipv4Addr) -> Self {
        let state = State {
            last: reserved,
            taken: [network.network(), reserved, network.broadcast()].into(),
        };
        Self {
            network,
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Allocates the next free address.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub(crate) fn allocate(&self) -> Result<AddressLease, AddressesExhausted> {
        let mut state = self.state();
        let mut address = state.last;
        loop {
            address = if address == self.network.broadcast() {
                self.network.network()
            } else {
                Ipv4Addr::from_bits(address.to_bits() + 1)
            };
            if state.taken.insert(address) {
                state.last = address;
                return Ok(AddressLease {
                    pool: self.clone(),
                    address,
                });
            }
            if address == state.last {
                return Err(AddressesExhausted(self.network));
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AddressLease {
    /// The address.
    pub(crate) fn address(&self) -> Ipv4Addr {
        self.address
    }
}

impl Drop for AddressLease {
    fn drop(&mut self) {
        self.pool.state().taken.remove(&self.address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(pool: &AddressPool) -> String {
        pool.allocate().expect("there are some left").address().to_string()
    }

    #[test]
    fn each_pool_has_its_first_address() {
        assert_eq!(next(&AddressPool::of_tasks()), "10.77.0.2");
        assert_eq!(next(&AddressPool::of_virtual_services()), "10.78.0.1");
        assert_eq!(next(&AddressPool::of_endpoints()), "127.255.0.1");
        assert!(TASKS.contains(&BRIDGE));
    }

    #[test]
    fn a_released_address_is_reused_last() {
        let pool = AddressPool::new("192.0.2.0/29".parse().expect("a network"), Ipv4Addr::new(192, 0, 2, 1));
        let kept = pool.allocate().expect("all are free");
        assert_eq!(kept.address(), Ipv4Addr::new(192, 0, 2, 2));
        for expected in ["192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.3"] {
            assert_eq!(next(&pool), expected);
        }
        let all: Vec<AddressLease> = std::iter::from_fn(|| pool.allocate().ok()).collect();
        assert_eq!(all.len(), 4);
        let error = pool.allocate().expect_err("all are taken").to_string();
        assert_eq!(error, "no free address in 192.0.2.0/29");
    }
}
