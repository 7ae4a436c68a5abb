//! The current certificate of a server, reloaded when a file changes.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;

use crate::files::{self, CertificateFiles, Stamps, TlsError};
use crate::listener::TlsListener;

/// TLS 1.2 and 1.3 with a certificate from files. Clones share the certificate.
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
    key: RwLock<Arc<CertifiedKey>>,
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
        let key = files.read(&provider)?;
        Ok(Self(Arc::new(Current {
            files,
            provider,
            read: Mutex::new(LastRead { stamps, failure: None }),
            key: RwLock::new(key),
        })))
    }

    /// The DNS names for which the current certificate is valid, in its order; a name may begin with `*.`.
    #[must_use]
    pub fn dns_names(&self) -> Vec<String> {
        let key = self.0.key.read().unwrap_or_else(PoisonError::into_inner);
        key.cert.first().map(files::dns_names).unwrap_or_default()
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
        let mut config = builder
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&self.0) as Arc<dyn ResolvesServerCert>);
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
            Ok(key) => {
                *self.key.write().unwrap_or_else(PoisonError::into_inner) = key;
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
        let key = self.key.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&key))
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
