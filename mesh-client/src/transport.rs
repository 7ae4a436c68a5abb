//! The transport of a client: one egress listener, or the addresses that names resolve to.

use std::net::SocketAddr;

use crate::resolver::{HostName, ResolveResult, Resolver};

/// What calls connect to.
#[derive(Debug)]
pub(crate) enum Transport {
    /// The egress listener of the sidecar.
    Egress(SocketAddr),
    /// The addresses that the name of the service resolves to.
    Resolver(Box<Resolver>),
}

/// Resolves a name and records the lookup as a metric. Cancelling it has no effect on the lookup.
pub(crate) async fn resolve(resolver: &Resolver, name: &HostName) -> ResolveResult {
    let result = resolver.resolve(name).await;
    #[cfg(feature = "telemetry")]
    crate::telemetry::metrics::lookup(&result);
    result
}
