//! Which address is whose where every task has a network of its own.
//!
//! | addresses | whose | as on AWS |
//! |---|---|---|
//! | 10.77.0.1 | the bridge between all tasks: their router and DNS server, and where the control plane listens | the subnet's router and resolver |
//! | 10.77.0.2 … 10.77.255.254 | tasks, another one for each life | network interfaces of tasks |
//! | 10.78.0.1 … 10.78.255.254 | virtual services, as tasks of their mesh see them | an address out of nowhere in a hosted zone, as App Mesh's guides have it |
//! | 127.255.0.1 … 127.255.255.254 | endpoints of Service Connect | the same |
//!
//! Nothing of it is visible outside the namespaces, so it does not matter who else uses these networks.
//!
//! Pure.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::Ipv4Net;

/// The tasks' network.
pub(crate) const TASKS: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 77, 0, 0), 16);
/// The bridge in it.
pub(crate) const BRIDGE: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// Virtual services. It must not be local to a task, or nothing sent there would be redirected.
pub(crate) const VIRTUAL_SERVICES: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(10, 78, 0, 0), 16);
/// Endpoints of Service Connect. ECS gives out the same addresses: it lies on every machine's loopback, so that
/// what is sent there needs no route.
pub(crate) const ENDPOINTS: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(127, 255, 0, 0), 16);

/// Gives out the addresses of a network one after the other, and those given back only once it has come round, so
/// that nobody who still has an old one reaches somebody new. Clones are the same pool.
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

/// An address that nobody else has until this is dropped.
#[derive(Debug)]
pub(crate) struct AddressLease {
    pool: AddressPool,
    address: Ipv4Addr,
}

/// All addresses of a network are given out.
#[derive(Debug, thiserror::Error)]
#[error("no address is left in {0}")]
pub struct AddressesExhausted(Ipv4Net);

impl AddressPool {
    /// Of the tasks' addresses.
    pub(crate) fn of_tasks() -> Self {
        Self::new(TASKS, BRIDGE)
    }

    /// Of the addresses of virtual services.
    pub(crate) fn of_virtual_services() -> Self {
        Self::new(VIRTUAL_SERVICES, VIRTUAL_SERVICES.network())
    }

    /// Of the addresses of Service Connect's endpoints.
    pub(crate) fn of_endpoints() -> Self {
        Self::new(ENDPOINTS, ENDPOINTS.network())
    }

    /// `reserved` is not given out, and the address after it is the first.
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

    /// The next free address.
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
    fn each_network_begins_where_it_should() {
        assert_eq!(next(&AddressPool::of_tasks()), "10.77.0.2");
        assert_eq!(next(&AddressPool::of_virtual_services()), "10.78.0.1");
        assert_eq!(next(&AddressPool::of_endpoints()), "127.255.0.1");
        assert!(TASKS.contains(&BRIDGE));
    }

    #[test]
    fn an_address_given_back_comes_last() {
        let pool = AddressPool::new("192.0.2.0/29".parse().expect("a network"), Ipv4Addr::new(192, 0, 2, 1));
        let kept = pool.allocate().expect("all are free");
        assert_eq!(kept.address(), Ipv4Addr::new(192, 0, 2, 2));
        for expected in ["192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.3"] {
            assert_eq!(next(&pool), expected);
        }
        let all: Vec<AddressLease> = std::iter::from_fn(|| pool.allocate().ok()).collect();
        assert_eq!(all.len(), 4);
        let error = pool.allocate().expect_err("all are taken").to_string();
        assert_eq!(error, "no address is left in 192.0.2.0/29");
    }
}
