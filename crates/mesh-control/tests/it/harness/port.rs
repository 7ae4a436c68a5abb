//! Ports for Envoy's listeners.
//!
//! Envoy gets its ports before it opens them. A port that is only picked may be taken by another test meanwhile; this
//! one is bound, but not listened on, until it is dropped. Linux allows Envoy to listen there nevertheless, since both
//! sides set `SO_REUSEPORT`; until then, connections are refused.

use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};
use tokio::net::TcpListener;

/// A port on 127.0.0.1 that no other test gets.
#[derive(Debug)]
pub(crate) struct ReservedPort {
    address: SocketAddr,
    _held: Option<Socket>,
}

impl ReservedPort {
    pub(crate) fn pick() -> Self {
        let socket = shared_socket();
        socket
            .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
            .expect("a free port");
        let address = socket.local_addr().expect("bound").as_socket().expect("an IP address");
        Self {
            address,
            // On other systems, SO_REUSEPORT differs, and holding the port would block Envoy.
            _held: cfg!(target_os = "linux").then_some(socket),
        }
    }

    /// Listens on the port.
    pub(crate) fn listen(&self) -> TcpListener {
        let socket = shared_socket();
        socket.bind(&self.address.into()).expect("its own port");
        socket.listen(128).expect("the only listener");
        socket.set_nonblocking(true).expect("a socket");
        TcpListener::from_std(socket.into()).expect("a socket")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn number(&self) -> u16 {
        self.address.port()
    }
}

/// A socket with a port that other sockets of this user may share, where that is possible.
fn shared_socket() -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    if cfg!(target_os = "linux") {
        socket.set_reuse_address(true).expect("SO_REUSEADDR");
        socket.set_reuse_port(true).expect("SO_REUSEPORT");
    }
    socket
}
