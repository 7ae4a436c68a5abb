//! Tasks of a service: servers at several loopback addresses with the same port.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mesh_client::{Client, ClientBuilder};
use tempfile::TempDir;
use testkit::{DnsServer, FakeSidecar};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

/// Servers that respond with their own address.
pub(crate) struct Tasks {
    pub(crate) port: u16,
    pub(crate) servers: Vec<FakeSidecar>,
}

impl Tasks {
    pub(crate) fn at(addresses: impl IntoIterator<Item = Ipv4Addr>) -> Self {
        Self::behind(listeners(&Vec::from_iter(addresses)))
    }

    pub(crate) fn behind(listeners: Vec<TcpListener>) -> Self {
        let port = listeners[0].local_addr().expect("it is bound").port();
        let server = |listener: TcpListener| {
            let ip = listener.local_addr().expect("it is bound").ip().to_string();
            FakeSidecar::responding_on(listener, move || ip.clone())
        };
        Self {
            port,
            servers: listeners.into_iter().map(server).collect(),
        }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://{name}:{}/", self.port)
    }

    /// Calls `name`, and returns the address that responded.
    pub(crate) async fn call(&self, mesh: &Client, name: &str) -> Result<String, mesh_client::Error> {
        mesh.get(self.url(name)).send().await?.text().await
    }
}

/// Listeners at these addresses with the same port.
pub(crate) fn listeners(addresses: &[Ipv4Addr]) -> Vec<TcpListener> {
    let sockets = sockets(addresses).into_iter();
    sockets.map(|socket| socket.listen(64).expect("it listens")).collect()
}

/// Sockets at these addresses with the same port. Until they listen they refuse connections, and keep the port.
pub(crate) fn sockets(addresses: &[Ipv4Addr]) -> Vec<TcpSocket> {
    'ports: for _ in 0..100 {
        let mut sockets: Vec<TcpSocket> = Vec::new();
        for address in addresses {
            let port = sockets.first().map_or(0, port_of);
            let socket = TcpSocket::new_v4().expect("a socket");
            match socket.bind(SocketAddr::from((*address, port))) {
                Ok(()) => sockets.push(socket),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => continue 'ports,
                Err(error) => panic!("{address}: {error}"),
            }
        }
        return sockets;
    }
    panic!("no port is free at all addresses {addresses:?}");
}

pub(crate) fn port_of(socket: &TcpSocket) -> u16 {
    socket.local_addr().expect("it is bound").port()
}

/// A directory with a hosts file of these lines.
pub(crate) fn hosts(text: &str) -> (TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("hosts");
    std::fs::write(&path, text).expect("a writable directory");
    (dir, path)
}

/// A client of these DNS servers without a hosts file, for IPv4 only, with loopback addresses from DNS allowed.
pub(crate) fn builder(servers: &[&DnsServer]) -> ClientBuilder {
    Client::builder()
        .hosts_file("/nonexistent/hosts")
        .name_servers(servers.iter().map(|dns| dns.address))
        .ipv6(false)
        .loopback_answers(true)
}

/// An event of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Called(IpAddr),
    Closed(IpAddr),
}

/// Servers that report calls, and when the client closes a connection.
pub(crate) struct Watch {
    pub(crate) events: mpsc::UnboundedReceiver<Event>,
    _servers: JoinSet<()>,
}

impl Watch {
    pub(crate) fn over(listeners: Vec<TcpListener>) -> Self {
        let (sender, events) = mpsc::unbounded_channel();
        let mut servers = JoinSet::new();
        for listener in listeners {
            let sender = sender.clone();
            servers.spawn(async move {
                let mut connections = JoinSet::new();
                loop {
                    let (connection, _) = listener.accept().await.expect("a connection arrives");
                    connections.spawn(serve(connection, sender.clone()));
                }
            });
        }
        Self {
            events,
            _servers: servers,
        }
    }

    pub(crate) async fn next(&mut self) -> Event {
        self.events.recv().await.expect("the servers run")
    }
}

async fn serve(mut connection: TcpStream, sender: mpsc::UnboundedSender<Event>) {
    let SocketAddr::V4(here) = connection.local_addr().expect("it has an address") else {
        panic!("it listens for IPv4");
    };
    let here = IpAddr::from(*here.ip());
    let mut head = Vec::new();
    while let Ok(byte) = connection.read_u8().await {
        head.push(byte);
        if head.ends_with(b"\r\n\r\n") {
            head.clear();
            // The receiver is dropped when the test ends.
            let _ = sender.send(Event::Called(here));
            let response = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            connection.write_all(response).await.expect("the response is sent");
        }
    }
    let _ = sender.send(Event::Closed(here));
}

/// An address of loopback, which is 127.0.0.0/8 on Linux. Each test binds its own ports there.
pub(crate) const fn loopback(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 0, last)
}
