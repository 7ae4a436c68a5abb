//! How a client looks names up, where it does: in intercepted and in direct wiring.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::ClientBuilder;

/// How names are looked up. Explicit wiring looks none up.
impl ClientBuilder {
    /// The hosts file, which comes before DNS and is read again when it changes. Default: `/etc/hosts`. One that is
    /// not there is taken for an empty one.
    pub fn hosts_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.names.hosts_file = path.into();
        self
    }

    /// The file that names the DNS servers, read when the client is made. Default: `/etc/resolv.conf`. Its search
    /// list is not used; where it names no server, there is none.
    pub fn resolv_conf(mut self, path: impl Into<PathBuf>) -> Self {
        self.names.resolv_conf = path.into();
        self
    }

    /// The DNS servers, in place of those that a file names.
    pub fn name_servers(mut self, servers: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.names.name_servers = Some(servers.into_iter().collect());
        self
    }

    /// Whether IPv6 addresses are asked for and connected to. Default: if this host has a route to them.
    pub fn ipv6(mut self, wanted: bool) -> Self {
        self.names.ipv6 = Some(wanted);
        self
    }

    /// Whether DNS may answer with addresses of this host, as a DNS server on a laptop or in a test does. Default: no,
    /// because on its own loopback a task has no other service, only its sidecar's ports and its own. The hosts file
    /// may say loopback in any case, as Service Connect does.
    pub fn loopback_answers(mut self, allowed: bool) -> Self {
        self.names.loopback_answers = allowed;
        self
    }

    /// What a name of the mesh stands for that leads nowhere, in intercepted wiring: an address outside of this host,
    /// so that the connection leaves the process, meets the sidecar, and is routed by the Host header. Default:
    /// [`DEFAULT_PLACEHOLDER`](crate::DEFAULT_PLACEHOLDER).
    pub fn placeholder(mut self, address: IpAddr) -> Self {
        self.names.placeholder = address;
        self
    }
}
