//! An echo server with a certificate in files, and rustls clients.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use server_tls::{CertificateFiles, ServerTls};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// A self-signed certificate and its key, in files of a directory of their own.
pub(crate) struct Files {
    directory: TempDir,
    certificate: String,
    key: String,
}

impl Files {
    pub(crate) fn issue(host: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([host.to_owned()]).expect("a name");
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        let files = Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
            certificate,
            key: key.serialize_pem(),
        };
        files.copy_from(&files);
        files
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.directory().join("server.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.directory().join("server-key.pem")
    }

    /// Writes another certificate into these files.
    pub(crate) fn copy_from(&self, other: &Self) {
        self.copy_certificate_from(other);
        std::fs::write(self.key(), &other.key).expect("the key is written");
    }

    /// Writes another certificate, and leaves the key.
    pub(crate) fn copy_certificate_from(&self, other: &Self) {
        std::fs::write(self.certificate(), &other.certificate).expect("the certificate is written");
    }

    /// The same certificate in another directory.
    pub(crate) fn clone_to_memory(&self) -> Self {
        Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
            certificate: self.certificate.clone(),
            key: self.key.clone(),
        }
    }
}

/// An echo server. It ends when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Server {
    pub(crate) fn start(files: &Files, protocols: &[&str]) -> Self {
        Self::start_with(CertificateFiles::new(files.certificate(), files.key()), protocols)
    }

    pub(crate) fn start_with(files: CertificateFiles, protocols: &[&str]) -> Self {
        let tls = ServerTls::load(files).expect("valid files");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let listener = TcpListener::from_std(listener).expect("a runtime");
        let mut listener = tls.listen(listener, protocols);
        let address = listener.local_addr().expect("bound");
        let serving = tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await;
                tokio::spawn(async move {
                    let (mut from, mut to) = tokio::io::split(connection);
                    let _closed = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        Self { address, serving }
    }

    /// What the server sends back.
    pub(crate) async fn echo(&self, connection: &mut TlsStream<TcpStream>, text: &[u8]) -> Vec<u8> {
        connection.write_all(text).await.expect("the server reads");
        let mut echo = vec![0; text.len()];
        connection.read_exact(&mut echo).await.expect("the server writes");
        echo
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// A connection of a client that trusts this certificate.
pub(crate) async fn connect(server: &Server, root: &Files, protocols: &[&str]) -> TlsStream<TcpStream> {
    try_connect(server, root, protocols)
        .await
        .unwrap_or_else(|error| panic!("no handshake: {error}"))
}

/// The same, with the reason if there is no connection. In TLS 1.3 a client learns of a rejection when it reads.
pub(crate) async fn try_connect(
    server: &Server,
    root: &Files,
    protocols: &[&str],
) -> Result<TlsStream<TcpStream>, String> {
    try_connect_as(server, root, protocols, None).await
}

/// The same, with a client certificate: that of the files.
pub(crate) async fn try_connect_as(
    server: &Server,
    root: &Files,
    protocols: &[&str],
    client: Option<&Files>,
) -> Result<TlsStream<TcpStream>, String> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(root.certificate.as_bytes()).expect("a certificate");
    roots.add(certificate).expect("a root");
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder
        .with_safe_default_protocol_versions()
        .expect("supported versions");
    let builder = builder.with_root_certificates(roots);
    let mut config = match client {
        Some(client) => {
            let certificate = CertificateDer::from_pem_slice(client.certificate.as_bytes()).expect("a certificate");
            let key = PrivateKeyDer::from_pem_slice(client.key.as_bytes()).expect("a key");
            builder.with_client_auth_cert(vec![certificate], key).expect("a pair")
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = TcpStream::connect(server.address).await.expect("a listener");
    let handshake = TlsConnector::from(Arc::new(config)).connect(name, connection).await;
    let mut connection = handshake.map_err(|error| format!("{error:?} {error}"))?;
    connection.write_all(b"?").await.map_err(|error| error.to_string())?;
    let mut echo = [0];
    connection
        .read_exact(&mut echo)
        .await
        .map_err(|error| format!("{error:?} {error}"))?;
    Ok(connection)
}

/// The certificate that the server has shown.
pub(crate) fn server_certificate(connection: &TlsStream<TcpStream>) -> Vec<u8> {
    let certificates = connection.get_ref().1.peer_certificates();
    certificates.expect("a handshake")[0].to_vec()
}
