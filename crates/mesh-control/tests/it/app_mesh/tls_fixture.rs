//! A virtual node with TLS, its certificate authority, and its callers.

use std::fs;
use std::path::Path;

use mesh_control::node::ingress_listener;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::demo_mesh::{Demo, PORT, by_node, marked, node_with};
use crate::harness::{Behaviour, CallResponse, MeshNode, Servers, Upstream};

/// A certificate authority, with certificate files.
pub(super) struct Authority {
    directory: TempDir,
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority");
        let certificate = params.self_signed(&key).expect("a certificate");
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::write(directory.path().join("ca.pem"), certificate.pem()).expect("a file");
        Self {
            directory,
            certificate: certificate.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// The trusted authority.
    pub(super) fn trust(&self) -> Value {
        json!({"file": {"certificateChain": path(&self.directory.path().join("ca.pem"))}})
    }

    /// The trusted authority, as PEM.
    pub(super) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A certificate for a name, in files.
    pub(super) fn issue(&self, name: &str) -> Value {
        let (chain, key) = self.certify(name);
        let plain = name.replace(|letter: char| !letter.is_alphanumeric(), "-");
        let file = |kind: &str| self.directory.path().join(format!("{plain}.{kind}.pem"));
        fs::write(file("chain"), chain).expect("a file");
        fs::write(file("key"), key).expect("a file");
        json!({"file": {"certificateChain": path(&file("chain")), "privateKey": path(&file("key"))}})
    }

    /// A certificate for a name and its key, as PEM. The type of the name follows from its form.
    pub(super) fn certify(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.subject_alt_names.push(if name.contains("://") {
            SanType::URI(name.try_into().expect("a URI"))
        } else if let Ok(address) = name.parse() {
            SanType::IpAddress(address)
        } else {
            SanType::DnsName(name.try_into().expect("a name"))
        });
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

/// A virtual node `caller` with this client policy; none for null.
pub(super) fn caller_with(policy: &Value) -> Value {
    let mut backend = json!({"virtualServiceName": "shop.demo"});
    if !policy.is_null() {
        backend["clientPolicy"] = json!({"tls": policy});
    }
    json!({"backends": [{"virtualService": backend}]})
}

pub(super) fn only(names: &[&str]) -> Value {
    json!({"match": {"exact": names}})
}

/// The virtual node `blue` with TLS at its listener.
pub(super) struct Blue {
    servers: Servers,
    pub(super) demo: Demo,
    pub(super) blue: MeshNode,
    application: Upstream,
}

impl Blue {
    pub(super) async fn with(tls: &Value) -> Self {
        Self::with_servers(Servers::default(), tls).await
    }

    /// The same, with these servers for its Envoy and those of its callers.
    pub(super) async fn with_servers(servers: Servers, tls: &Value) -> Self {
        let demo = Demo::start(&[
            ("virtualNode/caller", caller_with(&Value::Null)),
            ("virtualNode/blue", node_with("blue", &json!({"tls": tls}))),
            ("virtualService/shop.demo", by_node("blue")),
        ])
        .await;
        let application = Upstream::start("blue", Behaviour::Name).await;
        let blue = MeshNode::start_with(
            servers.clone(),
            &demo.mesh,
            "virtualNode/blue",
            &[ingress_listener(&PORT.to_string())],
            &[(PORT, application.address)],
        )
        .await;
        demo.set_endpoints("blue", &[blue.ingress(PORT)]);
        Self {
            servers,
            demo,
            blue,
            application,
        }
    }

    /// The response to a caller with this client policy.
    pub(super) async fn response_to(&self, policy: &Value) -> CallResponse {
        self.demo.put(&[("virtualNode/caller", caller_with(policy))]);
        let (mesh, servers) = (&self.demo.mesh, self.servers.clone());
        let caller = MeshNode::start_with(servers, mesh, "virtualNode/caller", &[], &[]).await;
        caller.get("shop.demo", "/").await
    }

    pub(super) async fn assert_accepted(&self, policy: &Value) {
        let response = self.response_to(policy).await;
        assert_eq!((response.status, response.body.as_str()), (200, "blue"), "{policy}");
    }

    pub(super) async fn assert_unreachable(&self, policy: &Value) {
        let before = self.application.requests();
        assert_eq!(
            marked(&self.response_to(policy).await),
            (503, Some("unreachable")),
            "{policy}"
        );
        assert_eq!(self.application.requests(), before);
    }

    pub(super) async fn handshakes(&self) -> u64 {
        let stats = self.blue.envoy.stats(&["listener."]).await;
        let handshakes = stats
            .iter()
            .filter(|(name, _)| name.ends_with("_8080.ssl.handshake") || name.ends_with(".ssl.handshake"));
        handshakes.map(|(_, count)| *count).sum()
    }
}
