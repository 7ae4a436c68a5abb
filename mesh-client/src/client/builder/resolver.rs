//! Resolver settings of the client builder.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::ClientBuilder;

/// Name resolution. In explicit-proxy mode the sidecar resolves names, and these settings have no effect.
impl ClientBuilder {
    /// Sets the path of the hosts file, which has precedence over DNS and is read again when it changes. Default:
    /// `/etc/hosts`. A file that does not exist counts as empty.
    pub fn hosts_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.resolver.hosts_file = path.into();
        self
    }

    /// Sets the path of the file with the DNS servers, read when the client is built. Default: `/etc/resolv.conf`. Its search
    /// list is not used, and there is no fallback server.
    pub fn resolv_conf(mut self, path: impl Into<PathBuf>) -> Self {
        self.resolver.resolv_conf = path.into();
        self
    }

    /// Sets the DNS servers, in place of those in `resolv.conf`.
    pub fn name_servers(mut self, servers: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.resolver.name_servers = Some(servers.into_iter().collect());
        self
    }

    /// Sets whether to query AAAA records and to connect to IPv6 addresses. Default: if this host has a route to them.
    pub fn ipv6(mut self, wanted: bool) -> Self {
        self.resolver.ipv6 = Some(wanted);
        self
    }

    /// Sets whether loopback addresses from DNS are allowed, for a DNS server on a laptop or in a test. Default: false, because
    /// only the task itself and its sidecar listen on its loopback. Loopback addresses in the hosts file, such as Service
    /// Connect's, are always allowed.
    pub fn loopback_answers(mut self, allowed: bool) -> Self {
        self.resolver.loopback_answers = allowed;
        self
    }

    /// Sets the address for names of the mesh that do not resolve, in transparent-proxy mode: any address outside this host,
    /// so that the connection is redirected to the sidecar, which routes by the Host header. Default:
    /// [`DEFAULT_SYNTHETIC_VIP`](crate::DEFAULT_SYNTHETIC_VIP).
    pub fn synthetic_vip(mut self, address: IpAddr) -> Self {
        self.resolver.synthetic_vip = address;
        self
    }
}
