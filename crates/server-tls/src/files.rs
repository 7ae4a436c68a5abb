//! Certificate and key from PEM files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, InconsistentKeys, RootCertStore};

/// The files of a server's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateFiles {
    /// The certificate chain in PEM, the server's certificate first.
    pub certificate: PathBuf,
    /// The private key of the first certificate in PEM: PKCS #8, PKCS #1 or SEC1, not encrypted.
    pub key: PathBuf,
    /// The CA certificates of clients in PEM. With them, a client may present a certificate that one of them has issued;
    /// whether it must is decided by the server. Default: clients present none.
    pub client_ca: Option<PathBuf>,
}

/// Why certificate files cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file is not PEM.
    #[error("{} is not a PEM file: {reason}", file.display())]
    Pem {
        /// The file.
        file: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A PEM file without a certificate.
    #[error("{} has no certificate; expected -----BEGIN CERTIFICATE-----", file.display())]
    NoCertificate {
        /// The file.
        file: PathBuf,
    },
    /// A PEM file without a key that can be read.
    #[error("{} has no private key that is not encrypted; expected -----BEGIN PRIVATE KEY-----", file.display())]
    NoKey {
        /// The file.
        file: PathBuf,
    },
    /// The key is of another certificate.
    #[error("the key in {} is not that of the first certificate in {}", key.display(), certificate.display())]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The CA certificates of clients cannot be used.
    #[error("cannot use the CA certificates in {}: {reason}", file.display())]
    ClientCa {
        /// The file.
        file: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The certificate or the key is of a kind that is not supported.
    #[error("cannot use the certificate in {} with the key in {}: {reason}", certificate.display(), key.display())]
    Unsupported {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// The reason.
        reason: String,
    },
}

/// The state of each file; `None` for one that is not given, or cannot be found.
pub(crate) type Stamps = [Option<Stamp>; 3];

/// What the files have.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) key: Arc<CertifiedKey>,
    /// `None` without CA certificates of clients.
    pub(crate) clients: Option<Arc<dyn ClientCertVerifier>>,
}

/// What changes with the content of a file, or with who may read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: SystemTime,
    length: u64,
    /// Device, inode, and the time of the last change of content, owner or mode: seconds and nanoseconds.
    #[cfg(unix)]
    inode: (u64, u64, i64, i64),
}

impl Stamp {
    fn of(file: &Path) -> Option<Self> {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        // Symbolic links are followed: certbot and Kubernetes renew by changing one.
        let metadata = std::fs::metadata(file).ok()?;
        Some(Self {
            modified: metadata.modified().ok()?,
            length: metadata.len(),
            #[cfg(unix)]
            inode: (metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

impl CertificateFiles {
    /// The files of a certificate chain and its key.
    #[must_use]
    pub fn new(certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        Self {
            certificate: certificate.into(),
            key: key.into(),
            client_ca: None,
        }
    }

    /// With CA certificates of clients.
    #[must_use]
    pub fn with_client_ca(self, file: impl Into<PathBuf>) -> Self {
        Self {
            client_ca: Some(file.into()),
            ..self
        }
    }

    /// Checks that the files can be read, and that certificate and key belong together.
    ///
    /// # Errors
    ///
    /// As [`TlsError`].
    pub fn check(&self) -> Result<(), TlsError> {
        self.read(&Arc::new(rustls::crypto::ring::default_provider())).map(drop)
    }

    pub(crate) fn stamps(&self) -> Stamps {
        let files = [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()];
        files.map(|file| file.and_then(|file| Stamp::of(file)))
    }

    /// Reads the files, and checks that certificate and key belong together.
    pub(crate) fn read(&self, provider: &Arc<CryptoProvider>) -> Result<Content, TlsError> {
        let clients = self.client_ca.as_deref();
        Ok(Content {
            key: self.read_key(provider)?,
            clients: clients.map(|file| read_client_ca(file, provider)).transpose()?,
        })
    }

    fn read_key(&self, provider: &CryptoProvider) -> Result<Arc<CertifiedKey>, TlsError> {
        let Self { certificate, key, .. } = self;
        let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| not_pem(certificate, &error))?;
        if chain.is_empty() {
            let file = certificate.clone();
            return Err(TlsError::NoCertificate { file });
        }
        let private = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| match error {
            pem::Error::NoItemsFound => TlsError::NoKey { file: key.clone() },
            error => not_pem(key, &error),
        })?;
        let certified = CertifiedKey::from_der(chain, private, provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch {
                certificate: certificate.clone(),
                key: key.clone(),
            },
            error => TlsError::Unsupported {
                certificate: certificate.clone(),
                key: key.clone(),
                reason: error.to_string(),
            },
        })?;
        Ok(Arc::new(certified))
    }
}

/// The verifier of client certificates. A client without one is accepted, and has no certificate.
fn read_client_ca(file: &Path, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let failed = |reason: String| TlsError::ClientCa {
        file: file.to_owned(),
        reason,
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&read(file)?) {
        let certificate = certificate.map_err(|error| not_pem(file, &error))?;
        roots.add(certificate).map_err(|error| failed(error.to_string()))?;
    }
    if roots.is_empty() {
        let file = file.to_owned();
        return Err(TlsError::NoCertificate { file });
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    let verifier = builder.allow_unauthenticated().build();
    verifier.map_err(|error| failed(error.to_string()))
}

fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(file).map_err(|source| TlsError::Read {
        file: file.to_owned(),
        source,
    })
}

fn not_pem(file: &Path, error: &pem::Error) -> TlsError {
    TlsError::Pem {
        file: file.to_owned(),
        reason: match error {
            // In the error's own words the line is a list of bytes.
            pem::Error::MissingSectionEnd { end_marker } => {
                format!(
                    "the line -----END {}----- is missing",
                    String::from_utf8_lossy(end_marker)
                )
            }
            pem::Error::IllegalSectionStart { .. } => "a line -----BEGIN …----- is not complete".to_owned(),
            error => error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incomplete_file_is_described_in_text() {
        let dir = tempfile::tempdir().expect("a directory");
        let (certificate, key) = (dir.path().join("c.pem"), dir.path().join("k.pem"));
        std::fs::write(&certificate, "-----BEGIN CERTIFICATE-----\nMIIB\n").expect("writable");
        let files = CertificateFiles::new(&certificate, &key);
        let error = files
            .read(&Arc::new(rustls::crypto::ring::default_provider()))
            .expect_err("incomplete");
        let expected = format!(
            "{} is not a PEM file: the line -----END CERTIFICATE----- is missing",
            certificate.display()
        );
        assert_eq!(error.to_string(), expected);
    }
}
