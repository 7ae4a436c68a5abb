//! TLS of listeners, and to targets.

use envoy_types::pb::envoy::config::core::v3::TransportSocket;
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::{
    CommonTlsContext, DownstreamTlsContext, TlsCertificate, UpstreamTlsContext,
};
use mesh_model::load_balancer::{Listener, ListenerProtocol, TargetProtocol};

use super::super::tls::{certificate, socket};
use crate::certificates::Certificates;

/// The TLS of a listener. Envoy selects a certificate by the name that a client asks for, and uses the first one for other
/// names, as load balancers do.
///
/// # Errors
///
/// The names of certificates that are not known.
pub(super) fn of_listener(listener: &Listener, known: &Certificates) -> Result<TransportSocket, String> {
    let mut certificates: Vec<TlsCertificate> = Vec::new();
    let mut missing: Vec<&str> = Vec::new();
    for name in &listener.certificates {
        match known.identities.get(name) {
            Some(known) => certificates.push(certificate(known)),
            None => missing.push(name),
        }
    }
    if certificates.is_empty() || !missing.is_empty() {
        return Err(missing.join(", "));
    }
    Ok(socket(&DownstreamTlsContext {
        common_tls_context: Some(CommonTlsContext {
            tls_certificates: certificates,
            alpn_protocols: match listener.protocol {
                ListenerProtocol::Https => vec!["h2".to_owned(), "http/1.1".to_owned()],
                _ => Vec::new(),
            },
            ..Default::default()
        }),
        ..Default::default()
    }))
}

/// TLS to targets. Load balancers do not verify their certificates.
pub(super) fn to_targets(protocol: TargetProtocol) -> TransportSocket {
    let alpn = match protocol {
        TargetProtocol::Http1 => vec!["http/1.1".to_owned()],
        TargetProtocol::Http2 | TargetProtocol::Grpc => vec!["h2".to_owned()],
        TargetProtocol::Tcp => Vec::new(),
    };
    socket(&UpstreamTlsContext {
        common_tls_context: Some(CommonTlsContext {
            alpn_protocols: alpn,
            ..Default::default()
        }),
        ..Default::default()
    })
}
