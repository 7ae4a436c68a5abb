//! The sidecar's listeners for TCP services, in explicit-proxy mode.
//!
//! TCP has no Host header by which a sidecar could route, so each TCP service has its own listener.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use sidecar_contract::Diagnostics;
use sidecar_contract::environment::TCP_EGRESS;

use crate::config::check_egress;
use crate::resolver::HostName;

/// A sidecar's listeners for TCP services, by name and port of the service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TcpEgress(BTreeMap<(String, u16), SocketAddr>);

impl TcpEgress {
    /// Parses `NAME:PORT=ADDRESS`, separated by commas. Adds errors to `diagnostics` with the path [`TCP_EGRESS`].
    pub(crate) fn parse(list: &str, diagnostics: &mut Diagnostics) -> Self {
        let mut listeners = Self::default();
        for item in list.split(',').map(str::trim) {
            match parse_listener(item) {
                Some((name, port, address)) => {
                    check_egress(TCP_EGRESS, address, diagnostics);
                    listeners.insert(&name, port, address);
                }
                None => diagnostics.add(
                    TCP_EGRESS,
                    format!("contains `{item}`; allowed is NAME:PORT=ADDRESS, such as db.appmesh:5432=127.0.0.1:41234"),
                ),
            }
        }
        listeners
    }

    /// Adds a listener, or replaces the one of the same service.
    pub(crate) fn insert(&mut self, name: &HostName, port: u16, address: SocketAddr) {
        self.0.insert((name.as_str().to_owned(), port), address);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn find(&self, name: &HostName, port: u16) -> Option<SocketAddr> {
        self.0.get(&(name.as_str().to_owned(), port)).copied()
    }

    /// The error message for a service without a listener.
    pub(crate) fn no_listener(&self) -> String {
        if self.is_empty() {
            return format!("the sidecar has no TCP listeners; set {TCP_EGRESS}, or call `tcp_egress` on the builder");
        }
        format!(
            "the sidecar has no TCP listener for it; it has listeners for {}",
            self.services()
        )
    }

    /// The services as `NAME:PORT`.
    fn services(&self) -> String {
        let names: Vec<String> = self.0.keys().map(|(name, port)| format!("{name}:{port}")).collect();
        names.join(", ")
    }
}

fn parse_listener(item: &str) -> Option<(HostName, u16, SocketAddr)> {
    let (service, address) = item.split_once('=')?;
    let (name, port) = service.trim().split_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    Some((HostName::parse(name).ok()?, port, address.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(list: &str) -> Result<TcpEgress, String> {
        let mut diagnostics = Diagnostics::new();
        let listeners = TcpEgress::parse(list, &mut diagnostics);
        diagnostics
            .into_result(listeners)
            .map_err(|diagnostics| diagnostics.to_string())
    }

    #[test]
    fn listeners_are_found_by_name_and_port() {
        let listeners = parse("DB.serviceconnect:5432=127.0.0.1:41234, cache.appmesh.:6379 = [::1]:7").unwrap();
        let find = |name, port| listeners.find(&HostName::parse(name).unwrap(), port);
        assert_eq!(find("db.serviceconnect", 5432), "127.0.0.1:41234".parse().ok());
        assert_eq!(find("Cache.appmesh", 6379), "[::1]:7".parse().ok());
        assert_eq!(find("db.serviceconnect", 5433), None);
        assert_eq!(listeners.services(), "cache.appmesh:6379, db.serviceconnect:5432");
    }

    #[test]
    fn malformed_items_are_reported() {
        for item in [
            "",
            "db",
            "db:5432",
            "db=127.0.0.1:1",
            "db:0=127.0.0.1:1",
            "db:5432=localhost:1",
            "d b:5432=127.0.0.1:1",
        ] {
            let error = parse(item).unwrap_err();
            let expected = format!("MESHWRIGHT_TCP_EGRESS: contains `{item}`; allowed is NAME:PORT=ADDRESS, such as");
            assert!(error.starts_with(&expected), "{error}");
        }
        let error = parse("db.appmesh:5432=127.0.0.1:0").unwrap_err();
        assert!(error.contains("allowed is a port from 1 to 65535"), "{error}");
    }
}
