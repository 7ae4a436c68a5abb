//! Local ports that stay reserved while a mesh runs.
//!
//! Asking the operating system for a free port and closing it leaves a gap in which another process may take it, at
//! every restart. A reserved port stays bound, but without listening, until it is dropped. Linux lets a second socket
//! bind and listen there if both allow reuse: Envoy sets `SO_REUSEPORT`, and servers in practically every language set
//! `SO_REUSEADDR`. Elsewhere the rules differ, and the port is only picked, not held.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use socket2::{Domain, Socket, Type};

/// A port on 127.0.0.1.
#[derive(Debug)]
pub(crate) struct ReservedPort {
    port: u16,
    is_chosen: bool,
    _held: Option<Socket>,
}

impl ReservedPort {
    /// Reserves this port, or any free one.
    ///
    /// # Errors
    ///
    /// If another program uses the port.
    pub(crate) fn at(chosen: Option<u16>) -> io::Result<Self> {
        let Some(port) = chosen else { return Self::pick() };
        let explain = |error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => io::Error::new(error.kind(), format!("port {port} of 127.0.0.1 is in use")),
            _ => io::Error::new(error.kind(), format!("cannot use port {port} of 127.0.0.1: {error}")),
        };
        let mut chosen = lock_chosen();
        let users = chosen.entry(port).or_default();
        if *users == 0 {
            // Without reuse of addresses: fails also if the other program allows it, as another mesh does.
            let probe = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            probe
                .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())
                .map_err(explain)?;
        }
        let mut reserved = Self::bind(port).map_err(explain)?;
        // A replaced load balancer has it until the new one runs.
        *users += 1;
        reserved.is_chosen = true;
        Ok(reserved)
    }

    /// Reserves a free port.
    pub(crate) fn pick() -> io::Result<Self> {
        Self::bind(0)
    }

    fn bind(port: u16) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        #[cfg(target_os = "linux")]
        {
            socket.set_reuse_address(true)?;
            socket.set_reuse_port(true)?;
        }
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
        let address = socket.local_addr()?.as_socket();
        let port = address.map_or(0, |address| address.port());
        Ok(Self {
            port,
            is_chosen: false,
            _held: cfg!(target_os = "linux").then_some(socket),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }
}

impl Drop for ReservedPort {
    fn drop(&mut self) {
        if self.is_chosen
            && let Some(users) = lock_chosen().get_mut(&self.port)
        {
            *users -= 1;
        }
    }
}

/// The chosen ports of this process, each with the number of its users.
static CHOSEN: Mutex<BTreeMap<u16, usize>> = Mutex::new(BTreeMap::new());

fn lock_chosen() -> MutexGuard<'static, BTreeMap<u16, usize>> {
    CHOSEN.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::net::TcpListener;

    #[test]
    fn a_reserved_port_can_be_listened_on_and_is_not_assigned_twice() {
        let reserved: Vec<ReservedPort> = (0..200).map(|_| ReservedPort::pick().expect("a port")).collect();
        let numbers: BTreeSet<u16> = reserved.iter().map(|port| port.address().port()).collect();
        assert_eq!(numbers.len(), reserved.len());
        // The standard library sets SO_REUSEADDR, as most servers do.
        for _ in 0..2 {
            let listener = TcpListener::bind(reserved[0].address()).expect("reuse is allowed");
            drop(listener);
        }
        for _ in 0..200 {
            let other = TcpListener::bind("127.0.0.1:0").expect("a port");
            assert!(!numbers.contains(&other.local_addr().expect("bound").port()));
        }
    }

    #[test]
    fn a_chosen_port_belongs_to_one_program() {
        let other = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = other.local_addr().expect("bound").port();
        let error = ReservedPort::at(Some(port)).expect_err("it is taken").to_string();
        assert_eq!(error, format!("port {port} of 127.0.0.1 is in use"));
        drop(other);
        let first = ReservedPort::at(Some(port)).expect("it is free");
        let replacement = ReservedPort::at(Some(port)).expect("it is of this process");
        assert_eq!(
            (first.address(), replacement.address().port()),
            (replacement.address(), port)
        );
    }
}
