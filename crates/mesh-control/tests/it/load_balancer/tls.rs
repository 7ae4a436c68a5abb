//! TLS at listeners of a load balancer, and to its targets.

use std::collections::BTreeMap;
use std::sync::Arc;

use mesh_control::{MeshState, ServerCertificate, XdsProtocol};
use mesh_model::load_balancer::{ListenerProtocol, LoadBalancerKind};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::fixture::{Balancer, http_listener};
use crate::harness::{Behaviour, Upstream};

#[tokio::test]
async fn a_listener_serves_the_certificate_of_the_name() {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "authority");
    let authority = params.self_signed(&key).expect("a certificate").pem();
    let issuer = Issuer::new(params, key);
    let certify = |name: &str| {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        ServerCertificate {
            chain: params.signed_by(&key, &issuer).expect("a certificate").pem(),
            key: key.serialize_pem(),
        }
    };
    let mut state = MeshState::default();
    for name in ["shop.test", "other.test"] {
        state
            .certificates
            .identities
            .insert(format!("arn:{name}"), certify(name));
    }
    let mut listener = http_listener("app");
    listener.protocol = ListenerProtocol::Https;
    listener.certificates = vec!["arn:shop.test".to_owned(), "arn:other.test".to_owned()];
    let listeners = BTreeMap::from([(443, listener)]);
    let balancer = Balancer::start_as(XdsProtocol::Delta, LoadBalancerKind::Application, listeners, state).await;
    let app = Upstream::start("app", Behaviour::Name).await;
    balancer.set_targets("app", &[app.address]);
    balancer.settled().await;
    for (name, is_trusted) in [("shop.test", true), ("other.test", true), ("unknown.test", false)] {
        let response = get(&balancer, &authority, name).await;
        assert_eq!(response.is_ok(), is_trusted, "{name}: {response:?}");
        if let Ok(response) = response {
            assert!(
                response.starts_with("HTTP/1.1 200 ") && response.ends_with("\r\n\r\napp"),
                "{response}"
            );
        }
    }
}

/// The response to a GET with TLS, of a client that trusts this authority alone.
async fn get(balancer: &Balancer, authority: &str, name: &str) -> std::io::Result<String> {
    let mut trusted = RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(authority.as_bytes()).expect("a certificate");
    trusted.add(authority).expect("an authority");
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions of TLS")
        .with_root_certificates(trusted)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let connection = TcpStream::connect(balancer.address(443)).await?;
    let server = name.to_owned().try_into().expect("a name");
    let mut connection = TlsConnector::from(Arc::new(config)).connect(server, connection).await?;
    let request = format!("GET / HTTP/1.1\r\nhost: {name}\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    connection.read_to_string(&mut response).await?;
    Ok(response)
}
