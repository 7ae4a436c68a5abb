//! The current certificate of a server, reloaded when a file changes.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme};

use crate::certificate_names::CertificateNames;
use crate::files::{CertificateFiles, Content, Stamps, TlsError};
use crate::listener::TlsListener;

/// TLS 1.2 and 1.3 with a certificate from files, and CA certificates of clients if they are given. Clones share the certificate.
///
/// Before each handshake, the files' times, sizes and inodes are compared with those of the last files that could be used;
/// there is no timer. If they differ and cannot be read, the next handshake tries again. Open connections keep the
/// certificate that they began with.
#[derive(Debug, Clone)]
pub struct ServerTls(Arc<Current>);

struct Current {
    files: CertificateFiles,
    provider: Arc<CryptoProvider>,
    read: Mutex<LastRead>,
    content: RwLock<Content>,
}

struct LastRead {
    /// Of the files whose certificate is in use.
    stamps: Stamps,
    /// The last failure since then, which was logged.
    failure: Option<String>,
}

impl ServerTls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or they do not belong together.
    pub fn load(files: CertificateFiles) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        // Before the files are read: a change in between is then seen as one.
        let stamps = files.stamps();
        let content = files.read(&provider)?;
        Ok(Self(Arc::new(Current {
            files,
            provider,
            read: Mutex::new(LastRead { stamps, failure: None }),
            content: RwLock::new(content),
        })))
    }

    /// The DNS names for which the current certificate is valid, in its order; a name may begin with `*.`.
    #[must_use]
    pub fn dns_names(&self) -> Vec<String> {
        let key = self.0.key();
        let names = key
            .cert
            .first()
            .and_then(|certificate| CertificateNames::of(certificate));
        names.unwrap_or_default().dns
    }

    /// Accepts TLS connections from `listener`. `protocols` are those of ALPN, the preferred first; a client that offers
    /// others only is rejected, and one without ALPN is accepted.
    #[must_use]
    pub fn listen(&self, listener: TcpListener, protocols: &[&str]) -> TlsListener {
        TlsListener::new(listener, self.clone(), self.acceptor(protocols))
    }

    fn acceptor(&self, protocols: &[&str]) -> TlsAcceptor {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.0.provider));
        let builder = builder
            .with_safe_default_protocol_versions()
            .expect("ring supports the default versions of TLS");
        let builder = if self.0.files.client_ca.is_some() {
            builder.with_client_cert_verifier(Arc::clone(&self.0) as Arc<dyn ClientCertVerifier>)
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder.with_cert_resolver(Arc::clone(&self.0) as Arc<dyn ResolvesServerCert>);
        if self.0.files.client_ca.is_some() {
            // A resumed session would keep a certificate of a CA that is no longer in the file.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    /// Reads the files again if one has changed. If they cannot be used, the previous certificate stays.
    pub(crate) async fn refresh(&self) {
        let current = Arc::clone(&self.0);
        let refreshed = tokio::task::spawn_blocking(move || current.refresh()).await;
        if let Err(error) = refreshed {
            tracing::warn!("cannot check the certificate files for changes: {error}");
        }
    }
}

impl Current {
    fn key(&self) -> Arc<CertifiedKey> {
        let content = self.content.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&content.key)
    }

    /// The verifier of client certificates, as of the files now.
    fn clients(&self) -> Result<Arc<dyn ClientCertVerifier>, Error> {
        let content = self.content.read().unwrap_or_else(PoisonError::into_inner);
        let verifier = content.clients.as_ref();
        // The verifier is used only with CA certificates.
        verifier
            .map(Arc::clone)
            .ok_or_else(|| Error::General("no CA certificates of clients".to_owned()))
    }

    fn refresh(&self) {
        let mut last = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the files are read: a change in between is then seen as one.
        let stamps = self.files.stamps();
        if last.stamps == stamps {
            last.failure = None;
            return;
        }
        let file = self.files.certificate.display();
        match self.files.read(&self.provider) {
            Ok(content) => {
                *self.content.write().unwrap_or_else(PoisonError::into_inner) = content;
                *last = LastRead { stamps, failure: None };
                tracing::info!("certificate {file} was renewed");
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                let failure = format!("{error}{}", cause.unwrap_or_default());
                if last.failure.as_ref() != Some(&failure) {
                    tracing::warn!("the previous certificate stays in use: {failure}");
                    last.failure = Some(failure);
                }
            }
        }
    }
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.key())
    }
}

impl ClientCertVerifier for Current {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        // They may change. Clients have one certificate and need no hints.
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.clients()?.verify_client_cert(certificate, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.clients()?.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.clients()?.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the key.
        f.debug_struct("Current")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}
