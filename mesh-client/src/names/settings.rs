//! Where names are looked up, unless the program says otherwise.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

use super::resolv_conf::ResolvConf;
use super::rules::Rules;

/// What a name of the mesh stands for where nothing else is known and a sidecar intercepts: 10.10.10.10, which App
/// Mesh's own documentation proposes (user guide, `troubleshooting-connectivity`, read 2026-11-23). Any address does
/// that is not this host's: connections to it leave the process, and so meet the sidecar.
pub const DEFAULT_PLACEHOLDER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 10, 10, 10));

/// How names are looked up.
#[derive(Debug, Clone)]
pub(crate) struct NameSettings {
    pub(crate) hosts_file: PathBuf,
    pub(crate) resolv_conf: PathBuf,
    /// In place of the file's.
    pub(crate) name_servers: Option<Vec<SocketAddr>>,
    /// In place of what is found out.
    pub(crate) ipv6: Option<bool>,
    pub(crate) loopback_answers: bool,
    pub(crate) placeholder: IpAddr,
}

impl Default for NameSettings {
    fn default() -> Self {
        Self {
            hosts_file: "/etc/hosts".into(),
            resolv_conf: "/etc/resolv.conf".into(),
            name_servers: None,
            ipv6: None,
            loopback_answers: false,
            placeholder: DEFAULT_PLACEHOLDER,
        }
    }
}

impl NameSettings {
    pub(crate) fn rules(&self) -> Rules {
        Rules {
            ipv6: self.ipv6.unwrap_or_else(has_ipv6),
            loopback_answers: self.loopback_answers,
        }
    }

    /// The DNS servers, and what to say if there are none. There is no other to fall back to.
    pub(crate) fn servers(&self) -> (ResolvConf, String) {
        let path = self.resolv_conf.display();
        match &self.name_servers {
            Some(servers) => (
                ResolvConf::of(servers.clone()),
                "the program names no DNS server".to_owned(),
            ),
            None => match read(&self.resolv_conf) {
                Ok(text) => (ResolvConf::parse(&text), format!("{path} names no DNS server")),
                Err(error) => (ResolvConf::parse(""), format!("{path} cannot be read: {error}")),
            },
        }
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    Ok(String::from_utf8_lossy(&std::fs::read(path)?).into_owned())
}

/// True if there is a route to IPv6 addresses outside of this host. Connecting a UDP socket asks for the route and
/// sends nothing. The address is the first of Service Connect's.
fn has_ipv6() -> bool {
    UdpSocket::bind("[::]:0")
        .and_then(|socket| socket.connect("[2600:f0f0::1]:53"))
        .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_readable_file_there_is_no_server_and_the_reason_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let servers = |resolv_conf: PathBuf, name_servers| {
            NameSettings {
                resolv_conf,
                name_servers,
                ..NameSettings::default()
            }
            .servers()
        };
        let (conf, why) = servers(folder.path().join("none"), None);
        assert!(conf.servers.is_empty() && why.contains("none cannot be read"), "{why}");

        let path = folder.path().join("resolv.conf");
        std::fs::write(&path, "search example.com\n").unwrap();
        let (conf, why) = servers(path.clone(), None);
        assert!(
            conf.servers.is_empty() && why.ends_with("resolv.conf names no DNS server"),
            "{why}"
        );

        std::fs::write(&path, "nameserver 10.0.0.2\n").unwrap();
        assert_eq!(servers(path.clone(), None).0.servers, ["10.0.0.2:53".parse().unwrap()]);
        let said: SocketAddr = "127.0.0.1:5353".parse().unwrap();
        assert_eq!(servers(path, Some(vec![said])).0.servers, [said]);
    }
}
