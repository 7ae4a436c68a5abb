//! A control plane with TLS and an authenticator, and the files of its Envoys.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use mesh_control::access::Claims;
use mesh_control::node::Node;
use mesh_control::{
    Admin, ApiType, Bootstrap, CallStatistics, ClientCertificate, Configured, ControlPlane, NodeMetadata, Snapshot,
    Source, SourceError, TokenKeys, XdsAuthenticator, XdsSecurity, XdsTls, token_secret,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, SanType};
use server_tls::{CertificateFiles, ServerTls};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::harness::Envoy;

pub(super) const BLUE: &str = "mesh/m/virtualNode/blue";
pub(super) const GREEN: &str = "mesh/m/virtualNode/green";

/// The name in the certificate of the control plane.
const HOST: &str = "control.example.com";

/// One cluster for every Envoy. The revision is its connect timeout in seconds.
pub(super) struct OneCluster {
    revision: watch::Sender<u64>,
}

impl Source for OneCluster {
    fn configure(&self, _node: &Node) -> Result<Configured, SourceError> {
        let seconds = i64::try_from(*self.revision.borrow()).expect("small");
        let cluster = Cluster {
            name: "blue".to_owned(),
            connect_timeout: Some(envoy_types::pb::google::protobuf::Duration { seconds, nanos: 0 }),
            ..Default::default()
        };
        Ok(Configured::new(Arc::new(Snapshot::new().with_cluster(&cluster))))
    }

    fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }
}

/// A certificate authority.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        // Another name than that of the certificates, which would seem to be self-signed.
        params.distinguished_name.push(DnType::CommonName, "test CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        Self {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    /// Writes `NAME.pem` and `NAME-key.pem`.
    fn issue(&self, directory: &Path, name: &str, uris: &[&str], dns: &[&str]) -> (PathBuf, PathBuf) {
        let names: Vec<String> = dns.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("DNS names");
        params.distinguished_name.push(DnType::CommonName, name);
        let uris = uris.iter().map(|uri| SanType::URI((*uri).try_into().expect("ASCII")));
        params.subject_alt_names.extend(uris);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let files = (
            directory.join(format!("{name}.pem")),
            directory.join(format!("{name}-key.pem")),
        );
        std::fs::write(&files.0, certificate.pem()).expect("written");
        std::fs::write(&files.1, key.serialize_pem()).expect("written");
        files
    }
}

/// A control plane whose xDS port requires authentication.
pub(super) struct Fixture {
    directory: TempDir,
    authority: Authority,
    keys: TokenKeys,
    pub(super) control: ControlPlane<OneCluster>,
    pub(super) calls: CallStatistics,
    source: Arc<OneCluster>,
    tokens: AtomicUsize,
    serving: JoinHandle<()>,
}

impl Fixture {
    pub(super) async fn start(access: impl FnOnce(XdsAuthenticator, TokenKeys) -> XdsAuthenticator) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let authority = Authority::new();
        let ca = directory.path().join("ca.pem");
        std::fs::write(&ca, &authority.certificate).expect("written");
        let (certificate, key) = authority.issue(directory.path(), "server", &[], &[HOST]);
        let tls = ServerTls::load(CertificateFiles::new(certificate, key).with_client_ca(ca)).expect("valid files");
        let keys = TokenKeys::generate().expect("random numbers");
        let source = Arc::new(OneCluster {
            revision: watch::Sender::new(1),
        });
        let calls = CallStatistics::default();
        let (control, serving) = ControlPlane::builder()
            .source(Arc::clone(&source))
            .call_statistics(calls.clone())
            .xds_tls(tls)
            .xds_authenticator(Arc::new(access(XdsAuthenticator::default(), keys.clone())))
            .bind()
            .await
            .expect("free ports");
        Self {
            directory,
            authority,
            keys,
            control,
            calls,
            source,
            tokens: AtomicUsize::new(0),
            serving: tokio::spawn(async move { serving.await.expect("the control plane runs") }),
        }
    }

    /// A token for these nodes.
    pub(super) fn token(&self, nodes: &[&str], valid: Duration) -> String {
        self.keys.issue(&Claims {
            subject: "test".to_owned(),
            nodes: nodes.iter().map(|node| node.parse().expect("a grant")).collect(),
            expires: SystemTime::now() + valid,
        })
    }

    pub(super) fn without_credentials(&self) -> XdsSecurity {
        XdsSecurity {
            tls: Some(XdsTls {
                trusted_ca: self.directory.path().join("ca.pem").into(),
                server_name: HOST.to_owned(),
                client: None,
            }),
            token: None,
        }
    }

    pub(super) fn with_certificate(&self, client: ClientCertificate) -> XdsSecurity {
        let mut security = self.without_credentials();
        security.tls.as_mut().expect("TLS").client = Some(client);
        security
    }

    /// With a file that has this token.
    pub(super) fn with_token(&self, token: &str) -> XdsSecurity {
        let number = self.tokens.fetch_add(1, Ordering::Relaxed) + 1;
        self.write_token(number, token);
        XdsSecurity {
            token: Some(self.token_file(number)),
            ..self.without_credentials()
        }
    }

    /// Puts another token into the file of the last one.
    pub(super) fn replace_token(&self, token: &str) {
        self.write_token(self.tokens.load(Ordering::Relaxed), token);
    }

    fn write_token(&self, number: usize, token: &str) {
        let new = self.directory.path().join("token.new");
        std::fs::write(&new, token_secret(token)).expect("written");
        std::fs::rename(new, self.token_file(number)).expect("renamed");
    }

    fn token_file(&self, number: usize) -> PathBuf {
        self.directory.path().join(format!("token-{number}.json"))
    }

    pub(super) fn client_certificate(&self, name: &str, uris: &[&str], dns: &[&str]) -> ClientCertificate {
        let (certificate, key) = self.authority.issue(self.directory.path(), name, uris, dns);
        ClientCertificate { certificate, key }
    }

    /// The CA of the control plane in PEM.
    pub(super) fn ca(&self) -> &str {
        &self.authority.certificate
    }

    /// The file of a CA that has issued nothing.
    pub(super) fn another_ca(&self) -> PathBuf {
        let file = self.directory.path().join("another-ca.pem");
        std::fs::write(&file, Authority::new().certificate).expect("written");
        file
    }

    /// Changes the configuration of every Envoy.
    pub(super) fn change_cluster(&self) {
        self.source.revision.send_modify(|revision| *revision += 1);
    }

    pub(super) async fn envoy(&self, node: &str, security: XdsSecurity) -> Envoy {
        let directory = tempfile::tempdir().expect("a directory");
        Envoy::start_from(directory, |_, admin| self.bootstrap(node, security, admin)).await
    }

    /// An Envoy that may never be ready.
    pub(super) fn spawn_envoy(&self, node: &str, security: XdsSecurity) -> Envoy {
        let directory = tempfile::tempdir().expect("a directory");
        Envoy::spawn_from(directory, |_, admin| self.bootstrap(node, security, admin))
    }

    fn bootstrap(&self, node: &str, xds_security: XdsSecurity, admin: &Path) -> serde_json::Value {
        let bootstrap = Bootstrap {
            node_id: node.to_owned(),
            metadata: NodeMetadata::transparent_proxy(),
            xds: self.control.addresses().xds.into(),
            xds_security,
            failover: None,
            api_type: ApiType::DeltaGrpc,
            admin: Admin::Socket(admin.to_owned()),
            sds: None,
            dns_servers: Vec::new(),
            reports_calls: false,
        };
        bootstrap.to_json()
    }

    /// The ids of the connected nodes.
    pub(super) fn nodes(&self) -> Vec<String> {
        let nodes = self.control.status_board().nodes();
        nodes.iter().map(|node| node.id.clone()).collect()
    }

    /// Waits until this node has ACKed the current configuration.
    pub(super) async fn wait_for_node(&self, id: &str) {
        let revision = self.control.revision();
        let synced = self.control.status_board().wait_until(|nodes| {
            let mut nodes = nodes.iter();
            nodes.any(|node| node.id == id && node.clusters.accepted == 1 && node.is_settled_at(revision))
        });
        let outcome = tokio::time::timeout(Duration::from_secs(30), synced).await;
        assert!(
            outcome.is_ok(),
            "{id} is not connected: {:?}",
            self.control.status().nodes
        );
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
