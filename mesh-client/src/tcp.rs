//! Addresses of TCP services.

use std::net::SocketAddr;

use crate::client::Client;
use crate::error::Error;
use crate::resolver::{HostName, Origin, ResolveError, ResolveErrorKind};
use crate::transport::{Transport, resolve};

impl Client {
    /// The address to connect to for a TCP service of the mesh, such as a database.
    ///
    /// In explicit-proxy mode it is the sidecar's listener for the service, from
    /// [`environment::TCP_EGRESS`](crate::environment::TCP_EGRESS) or
    /// [`ClientBuilder::tcp_egress`](crate::ClientBuilder::tcp_egress). In the other modes it is one of the addresses that
    /// the name resolves to, round robin: call this for each connection. Connecting, encryption and retries are up to the
    /// caller or its database driver.
    ///
    /// ```
    /// # async fn example(mesh: mesh_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let address = mesh.tcp_address("db.serviceconnect", 5432).await?;
    /// let connection = tokio::net::TcpStream::connect(address).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It takes at most [`Client::timeout`]. Cancelling it has no effect on the lookup.
    ///
    /// # Errors
    ///
    /// The sidecar has no listener for the service ([`Error::is_builder`]; the message lists its listeners), or the name
    /// does not resolve. A synthetic VIP is not used: without a Host header, only the address identifies a TCP service.
    pub async fn tcp_address(&self, name: &str, port: u16) -> Result<SocketAddr, Error> {
        let host = HostName::parse(name)
            .map_err(|reason| Error::builder(None, format!("the name `{}` {reason}", name.escape_debug())))?;
        let service = format!("{host}:{port}");
        let resolver = match self.transport() {
            Transport::Egress(_) => {
                let listener = self.tcp_egress().find(&host, port);
                return listener.ok_or_else(|| Error::builder(Some(&service), self.tcp_egress().no_listener()));
            }
            Transport::Resolver(resolver) => resolver,
        };
        let without_sidecar = !self.traffic_mode().has_sidecar();
        let with_hint = without_sidecar && self.suffixes().contains(host.as_str());
        let result = tokio::time::timeout(self.timeout(), resolve(resolver, &host)).await;
        let addresses = match result {
            Err(_) => return Err(Error::no_response(&service, self.timeout())),
            Ok(Err(error)) => return Err(Error::resolve(&service, &error, with_hint)),
            Ok(Ok(addresses)) => addresses,
        };
        let first = addresses.in_turn().into_iter().next();
        match first.filter(|_| addresses.origin() != Origin::SyntheticVip) {
            Some(address) => Ok((address, port).into()),
            None => {
                let error = ResolveError {
                    kind: ResolveErrorKind::NoSuchName,
                    attempts: vec!["the synthetic VIP is for HTTP only".to_owned()],
                };
                Err(Error::resolve(&service, &error, false))
            }
        }
    }
}
