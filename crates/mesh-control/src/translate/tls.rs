//! Parts of TLS contexts, for meshes and load balancers.

use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::config::core::v3::{DataSource, TransportSocket, transport_socket};
use envoy_types::pb::envoy::extensions::transport_sockets::tls::v3::TlsCertificate;
use prost::Name;

use super::envoy::any;
use crate::certificates::ServerCertificate;

/// A transport socket with this TLS context.
pub(super) fn socket<M: Name>(context: &M) -> TransportSocket {
    TransportSocket {
        name: "envoy.transport_sockets.tls".to_owned(),
        config_type: Some(transport_socket::ConfigType::TypedConfig(any(context))),
    }
}

/// A certificate as part of the configuration.
pub(super) fn certificate(certificate: &ServerCertificate) -> TlsCertificate {
    TlsCertificate {
        certificate_chain: Some(inline(&certificate.chain)),
        private_key: Some(inline(&certificate.key)),
        ..Default::default()
    }
}

/// PEM as part of the configuration.
pub(super) fn inline(pem: &str) -> DataSource {
    DataSource {
        specifier: Some(Specifier::InlineString(pem.to_owned())),
        ..Default::default()
    }
}

/// PEM in a file.
pub(super) fn in_file(path: &str) -> DataSource {
    DataSource {
        specifier: Some(Specifier::Filename(path.to_owned())),
        ..Default::default()
    }
}
