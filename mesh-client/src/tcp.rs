//! Where a TCP service of the mesh is connected to. TCP has no Host header by which a sidecar could tell services apart,
//! so in explicit wiring each has a listener of its own; everywhere else it is called by address.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use sidecar_contract::Diagnostics;
use sidecar_contract::environment::TCP_EGRESS;

use crate::client::{Client, Way};
use crate::config::check_egress;
use crate::error::Error;
use crate::names::{Failure, HostName, Origin, Why};

/// The listeners of a sidecar behind which TCP services are, by name and port.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TcpEgress(BTreeMap<(String, u16), SocketAddr>);

impl TcpEgress {
    /// Reads `NAME:PORT=ADDRESS`, separated by commas; mistakes are noted under [`TCP_EGRESS`].
    pub(crate) fn parse(list: &str, diagnostics: &mut Diagnostics) -> Self {
        let mut listeners = Self::default();
        for item in list.split(',').map(str::trim) {
            match one(item) {
                Some((name, port, address)) => {
                    check_egress(TCP_EGRESS, address, diagnostics);
                    listeners.insert(&name, port, address);
                }
                None => diagnostics.add(
                    TCP_EGRESS,
                    format!("holds `{item}`; allowed is NAME:PORT=ADDRESS, such as db.appmesh:5432=127.0.0.1:41234"),
                ),
            }
        }
        listeners
    }

    /// Adds a listener, or replaces that of the same service.
    pub(crate) fn insert(&mut self, name: &HostName, port: u16, address: SocketAddr) {
        self.0.insert((name.as_str().to_owned(), port), address);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, name: &HostName, port: u16) -> Option<SocketAddr> {
        self.0.get(&(name.as_str().to_owned(), port)).copied()
    }

    /// The services, for a message.
    fn list(&self) -> String {
        let services: Vec<String> = self.0.keys().map(|(name, port)| format!("{name}:{port}")).collect();
        services.join(", ")
    }
}

fn one(item: &str) -> Option<(HostName, u16, SocketAddr)> {
    let (service, address) = item.split_once('=')?;
    let (name, port) = service.trim().split_once(':')?;
    let port = port.parse().ok().filter(|port| *port > 0)?;
    Some((HostName::parse(name).ok()?, port, address.trim().parse().ok()?))
}

impl Client {
    /// Where to connect for a TCP service of the mesh, a database for instance, that is called `name` and has this port.
    ///
    /// In explicit wiring that is the sidecar's listener for it, from [`sidecar_contract::environment::TCP_EGRESS`] or
    /// [`ClientBuilder::tcp_egress`](crate::ClientBuilder::tcp_egress). In the others it is one of the addresses that the
    /// name leads to, the next one each time: ask again for each connection. What is connected there, encrypted and tried
    /// again is the caller's, or its database driver's.
    ///
    /// ```
    /// # async fn example(mesh: mesh_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let address = mesh.tcp_address("db.serviceconnect", 5432).await?;
    /// let connection = tokio::net::TcpStream::connect(address).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It takes at most [`Client::timeout`]. Cancelling it loses nothing.
    ///
    /// # Errors
    ///
    /// The sidecar has no listener for it ([`Error::is_builder`]; the message names those that there are), or the name
    /// leads nowhere. There is no placeholder for such a name: nothing but its address tells one TCP service from another.
    pub async fn tcp_address(&self, name: &str, port: u16) -> Result<SocketAddr, Error> {
        let host = HostName::parse(name)
            .map_err(|why| Error::builder(None, format!("the name `{}` {why}", name.escape_debug())))?;
        let service = format!("{host}:{port}");
        let names = match self.way() {
            Way::Sidecar(_) => {
                let found = self.tcp_egress().find(&host, port);
                return found.ok_or_else(|| Error::builder(Some(&service), no_listener(self.tcp_egress())));
            }
            Way::Names(names) => names,
        };
        let without_sidecar = !self.wiring().has_sidecar();
        let advise = without_sidecar && self.suffixes().contains(host.as_str());
        let found = tokio::time::timeout(self.timeout(), names.resolve(&host)).await;
        let addresses = match found {
            Err(_) => return Err(Error::no_answer(&service, self.timeout())),
            Ok(Err(failure)) => return Err(Error::name(&service, &failure, advise)),
            Ok(Ok(addresses)) => addresses,
        };
        let first = addresses.in_turn().into_iter().next();
        match first.filter(|_| addresses.origin() != Origin::Placeholder) {
            Some(address) => Ok((address, port).into()),
            None => {
                let tried = vec!["no placeholder, which is for HTTP alone".to_owned()];
                let why = Why::NoSuchName;
                Err(Error::name(&service, &Failure { why, tried }, false))
            }
        }
    }
}

fn no_listener(listeners: &TcpEgress) -> String {
    if listeners.is_empty() {
        return format!("the sidecar has no listener for TCP; {TCP_EGRESS} would name one, `tcp_egress` would add it");
    }
    format!(
        "the sidecar has no listener for TCP to it; there are those for {}",
        listeners.list()
    )
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
        assert_eq!(listeners.list(), "cache.appmesh:6379, db.serviceconnect:5432");
    }

    #[test]
    fn what_is_no_listener_is_named() {
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
            let expected = format!("MESHWRIGHT_TCP_EGRESS: holds `{item}`; allowed is NAME:PORT=ADDRESS, such as");
            assert!(error.starts_with(&expected), "{error}");
        }
        let error = parse("db.appmesh:5432=127.0.0.1:0").unwrap_err();
        assert!(error.contains("allowed is a port from 1 to 65535"), "{error}");
    }
}
