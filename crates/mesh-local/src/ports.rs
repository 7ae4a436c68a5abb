//! Local ports that stay reserved while a mesh runs.
//!
//! Asking the operating system for a free port and closing it leaves a gap in which another process may take it, at
//! every restart. A reserved port stays bound, but without listening, until it is dropped. Linux lets a second socket
//! bind and listen there if both allow reuse: Envoy sets `SO_REUSEPORT`, and servers in practically every language set
//! `SO_REUSEADDR`. Elsewhere the rules differ, and the port is only picked, not held.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// A port on 127.0.0.1.
#[derive(Debug)]
pub(crate) struct ReservedPort {
    port: u16,
    _held: Option<Socket>,
}

impl ReservedPort {
    /// Reserves a free port.
    pub(crate) fn pick() -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        #[cfg(target_os = "linux")]
        {
            socket.set_reuse_address(true)?;
            socket.set_reuse_port(true)?;
        }
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let address = socket.local_addr()?.as_socket();
        let port = address.map_or(0, |address| address.port());
        Ok(Self {
            port,
            _held: cfg!(target_os = "linux").then_some(socket),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }
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
}
