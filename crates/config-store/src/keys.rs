//! The Ed25519 key pair: the control plane signs with one half, agents verify with the other.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::{env, fmt, str};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ED25519, ED25519_PUBLIC_KEY_LEN, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{PrivatePkcs8KeyDer, SubjectPublicKeyInfoDer};

/// The start of an Ed25519 key in a `SubjectPublicKeyInfo`, before its 32 bytes. Source: RFC 8410, section 4.
const PUBLIC_KEY_PREFIX: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// An option that starts with this names an environment variable.
const VARIABLE: &str = "env:";

const PRIVATE_KEY: &str = "Ed25519 private key in PEM (PKCS #8)";
const PUBLIC_KEY: &str = "Ed25519 public key in PEM";

/// What is signed starts with this, so that the key signs nothing else by accident.
const CONTEXT: &[u8] = b"meshwright stored configuration, format 1\n";

/// The private key of the control plane. `Debug` does not show it.
pub struct SigningKey(Ed25519KeyPair);

/// The public key of a [`SigningKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; ED25519_PUBLIC_KEY_LEN]);

/// A key that cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("cannot {action} key file {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file is not a key of this kind.
    #[error("key file {} has no {expected}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What it should have.
        expected: &'static str,
    },
    /// The environment variable is not set, or is no text.
    #[error("environment variable {0} has no key: it is not set")]
    NoVariable(String),
    /// The environment variable is not a key of this kind.
    #[error("environment variable {name} has no {expected}")]
    VariableFormat {
        /// Its name.
        name: String,
        /// What it should have.
        expected: &'static str,
    },
    /// The operating system gave no random numbers.
    #[error("cannot generate a key: the operating system gave no random numbers")]
    Random,
}

impl SigningKey {
    /// Generates a key pair and writes it to two new files, in PEM: the private key (PKCS #8) with mode 0600, and the public
    /// key (SubjectPublicKeyInfo).
    ///
    /// # Errors
    ///
    /// If either file exists or cannot be written.
    pub fn generate(private: &Path, public: &Path) -> Result<Self, KeyError> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| KeyError::Random)?;
        let key = Self(Ed25519KeyPair::from_pkcs8(document.as_ref()).map_err(|_| KeyError::Random)?);
        write_new(private, &pem("PRIVATE KEY", document.as_ref()), 0o600)?;
        write_new(public, &key.public_key().to_pem(), 0o644)?;
        Ok(key)
    }

    /// Reads a private key in PKCS #8, as [`Self::generate`] or `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or has no such key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        Self::from_pem(&read(path)?).ok_or_else(|| KeyError::Format {
            path: path.to_owned(),
            expected: PRIVATE_KEY,
        })
    }

    /// As [`Self::read`], from a file, or from an environment variable if the text is `env:NAME`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, the variable is not set, or there is no such key.
    pub fn load(source: &str) -> Result<Self, KeyError> {
        match source.strip_prefix(VARIABLE) {
            Some(name) => Self::from_pem(&variable(name)?).ok_or_else(|| KeyError::VariableFormat {
                name: name.to_owned(),
                expected: PRIVATE_KEY,
            }),
            None => Self::read(source.as_ref()),
        }
    }

    fn from_pem(text: &str) -> Option<Self> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes()).ok()?;
        // OpenSSL leaves the public key out.
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.secret_pkcs8_der());
        pair.ok().map(Self)
    }

    /// Its public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        let mut key = [0; ED25519_PUBLIC_KEY_LEN];
        key.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(key)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(&with_context(message)).as_ref().to_vec()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").finish_non_exhaustive()
    }
}

impl PublicKey {
    /// Reads a public key in PEM, as [`SigningKey::generate`] or `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or has no such key.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        Self::from_pem(&read(path)?).ok_or_else(|| KeyError::Format {
            path: path.to_owned(),
            expected: PUBLIC_KEY,
        })
    }

    /// As [`Self::read`], from a file, or from an environment variable if the text is `env:NAME`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, the variable is not set, or there is no such key.
    pub fn load(source: &str) -> Result<Self, KeyError> {
        match source.strip_prefix(VARIABLE) {
            Some(name) => Self::from_pem(&variable(name)?).ok_or_else(|| KeyError::VariableFormat {
                name: name.to_owned(),
                expected: PUBLIC_KEY,
            }),
            None => Self::read(source.as_ref()),
        }
    }

    fn from_pem(text: &str) -> Option<Self> {
        let info = SubjectPublicKeyInfoDer::from_pem_slice(text.as_bytes()).ok()?;
        let key = info.strip_prefix(PUBLIC_KEY_PREFIX)?;
        key.try_into().ok().map(Self)
    }

    /// The key in PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem("PUBLIC KEY", &[PUBLIC_KEY_PREFIX, &self.0].concat())
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0)
            .verify(&with_context(message), signature)
            .is_ok()
    }
}

fn with_context(message: &[u8]) -> Vec<u8> {
    [CONTEXT, message].concat()
}

fn pem(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines: Vec<&str> = base64
        .as_bytes()
        .chunks(64)
        .filter_map(|line| str::from_utf8(line).ok())
        .collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn read(path: &Path) -> Result<String, KeyError> {
    fs::read_to_string(path).map_err(|source| KeyError::Io {
        action: "read",
        path: path.to_owned(),
        source,
    })
}

fn variable(name: &str) -> Result<String, KeyError> {
    env::var(name).map_err(|_| KeyError::NoVariable(name.to_owned()))
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), KeyError> {
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path);
    let written = file.and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|source| KeyError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    })
}
