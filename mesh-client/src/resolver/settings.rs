//! Resolver settings and their defaults.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

use super::address_policy::AddressPolicy;
use super::resolv_conf::ResolvConf;

/// The address for names of the mesh that do not resolve, in transparent-proxy mode: 10.10.10.10, as proposed in App Mesh's
/// documentation (user guide, `troubleshooting-connectivity`, read 2026-11-23). Any address outside this host would do, because
/// connections to it are redirected to the sidecar.
pub const DEFAULT_SYNTHETIC_VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 10, 10, 10));

/// Settings of the resolver.
#[derive(Debug, Clone)]
pub(crate) struct ResolverSettings {
    pub(crate) hosts_file: PathBuf,
    pub(crate) resolv_conf: PathBuf,
    /// In place of those in `resolv_conf`.
    pub(crate) name_servers: Option<Vec<SocketAddr>>,
    /// `None`: detected by [`has_ipv6_route`].
    pub(crate) ipv6: Option<bool>,
    pub(crate) loopback_answers: bool,
    pub(crate) synthetic_vip: IpAddr,
}

impl Default for ResolverSettings {
    fn default() -> Self {
        Self {
            hosts_file: "/etc/hosts".into(),
            resolv_conf: "/etc/resolv.conf".into(),
            name_servers: None,
            ipv6: None,
            loopback_answers: false,
            synthetic_vip: DEFAULT_SYNTHETIC_VIP,
        }
    }
}

impl ResolverSettings {
    pub(crate) fn policy(&self) -> AddressPolicy {
        AddressPolicy {
            ipv6: self.ipv6.unwrap_or_else(has_ipv6_route),
            loopback_answers: self.loopback_answers,
        }
    }

    /// The DNS servers, and the error message if there are none. There is no fallback server.
    pub(crate) fn servers(&self) -> (ResolvConf, String) {
        let path = self.resolv_conf.display();
        match &self.name_servers {
            Some(servers) => (
                ResolvConf::with_servers(servers.clone()),
                "the program configures no DNS server".to_owned(),
            ),
            None => match read(&self.resolv_conf) {
                Ok(text) => (ResolvConf::parse(&text), format!("{path} contains no DNS server")),
                Err(error) => (ResolvConf::parse(""), format!("{path} cannot be read: {error}")),
            },
        }
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    Ok(String::from_utf8_lossy(&std::fs::read(path)?).into_owned())
}

/// True if there is a route to IPv6 addresses outside this host. Connecting a UDP socket looks up the route and sends nothing.
/// The address is Service Connect's first.
fn has_ipv6_route() -> bool {
    UdpSocket::bind("[::]:0")
        .and_then(|socket| socket.connect("[2600:f0f0::1]:53"))
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_servers_the_error_message_has_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let servers = |resolv_conf: PathBuf, name_servers| {
            ResolverSettings {
                resolv_conf,
                name_servers,
                ..ResolverSettings::default()
            }
            .servers()
        };
        let (conf, reason) = servers(folder.path().join("none"), None);
        assert!(
            conf.servers.is_empty() && reason.contains("none cannot be read"),
            "{reason}"
        );

        let path = folder.path().join("resolv.conf");
        std::fs::write(&path, "search example.com\n").unwrap();
        let (conf, reason) = servers(path.clone(), None);
        assert!(
            conf.servers.is_empty() && reason.ends_with("resolv.conf contains no DNS server"),
            "{reason}"
        );

        std::fs::write(&path, "nameserver 10.0.0.2\n").unwrap();
        assert_eq!(servers(path.clone(), None).0.servers, ["10.0.0.2:53".parse().unwrap()]);
        let configured: SocketAddr = "127.0.0.1:5353".parse().unwrap();
        assert_eq!(servers(path, Some(vec![configured])).0.servers, [configured]);
    }
}
