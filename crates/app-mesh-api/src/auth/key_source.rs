//! Where the key pairs of a server are, and their renewal while it runs.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::key_pairs::{KeyPairs, KeyPairsError, read_file};
use super::layer::Authentication;
#[cfg(feature = "aws")]
use super::secrets_manager::{SecretError, read_text};

/// Time between two reads of a key file.
pub const FILE_INTERVAL: Duration = Duration::from_secs(5);
/// Time between two reads of a secret: some 44,000 calls a month for each server.
#[cfg(feature = "aws")]
pub const SECRET_INTERVAL: Duration = Duration::from_secs(60);

/// The place of key pairs on a command line: `FILE`, or `secretsmanager:NAME` with the name or ARN of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyLocation {
    /// A private file.
    File(PathBuf),
    /// A secret in AWS Secrets Manager.
    Secret(String),
}

/// As `--keys` takes it.
impl fmt::Display for KeyLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Secret(name) => write!(f, "secretsmanager:{name}"),
        }
    }
}

impl FromStr for KeyLocation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("secretsmanager:") {
            Some("") => Err("expected the name or ARN of a secret after `secretsmanager:`".to_owned()),
            Some(id) => Ok(Self::Secret(id.to_owned())),
            None if text.is_empty() => {
                Err("expected a file, or `secretsmanager:` and the name or ARN of a secret".to_owned())
            }
            None => Ok(Self::File(text.into())),
        }
    }
}

/// Where key pairs are read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum KeySource {
    /// In a private file.
    File(PathBuf),
    /// In AWS Secrets Manager.
    #[cfg(feature = "aws")]
    Secret {
        /// The client.
        client: aws_sdk_secretsmanager::Client,
        /// Name or ARN of the secret.
        id: String,
    },
}

/// Key pairs cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeySourceError {
    /// From a file.
    #[error(transparent)]
    File(#[from] KeyPairsError),
    /// From a secret.
    #[cfg(feature = "aws")]
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// Key pairs, and the digest of their text, to notice another one.
#[derive(Debug)]
struct Read {
    key_pairs: KeyPairs,
    digest: [u8; 32],
}

impl KeySource {
    /// The secret with this name or ARN, with region, credentials and HTTP client of `config`.
    #[cfg(feature = "aws")]
    #[must_use]
    pub fn secret(config: &aws_types::SdkConfig, id: impl Into<String>) -> Self {
        let config = aws_sdk_secretsmanager::config::Builder::from(config).timeout_config(crate::aws::timeouts());
        Self::Secret {
            client: aws_sdk_secretsmanager::Client::from_conf(config.build()),
            id: id.into(),
        }
    }

    /// The key pairs at this place. A secret is read with region, credentials and HTTP client of `config`.
    #[cfg(feature = "aws")]
    #[must_use]
    pub fn at(location: &KeyLocation, config: &aws_types::SdkConfig) -> Self {
        match location {
            KeyLocation::File(path) => Self::File(path.clone()),
            KeyLocation::Secret(id) => Self::secret(config, id),
        }
    }

    /// Time until a change of the key pairs is noticed.
    #[must_use]
    pub fn interval(&self) -> Duration {
        match self {
            Self::File(_) => FILE_INTERVAL,
            #[cfg(feature = "aws")]
            Self::Secret { .. } => SECRET_INTERVAL,
        }
    }

    /// Reads the key pairs.
    ///
    /// # Errors
    ///
    /// [`KeySourceError`].
    pub async fn read(&self) -> Result<KeyPairs, KeySourceError> {
        Ok(self.read_with_digest().await?.key_pairs)
    }

    async fn read_with_digest(&self) -> Result<Read, KeySourceError> {
        let (name, text): (String, Zeroizing<Vec<u8>>) = match self {
            Self::File(path) => (format!("the key file {}", path.display()), read_file(path)?),
            #[cfg(feature = "aws")]
            Self::Secret { client, id } => (format!("the secret {id}"), read_text(client, id).await?),
        };
        Ok(Read {
            key_pairs: KeyPairs::parse(&name, &text)?,
            digest: Sha256::digest(&*text).into(),
        })
    }

    /// Renews the keys of a server whenever the source has other ones. Never ends.
    ///
    /// While the source cannot be read or is invalid, the last keys stay in use, and a warning is logged once.
    pub async fn renew(&self, authentication: &Authentication) {
        self.renew_every(authentication, self.interval()).await;
    }

    async fn renew_every(&self, authentication: &Authentication, interval: Duration) {
        let mut current = None;
        let mut last_error = None;
        loop {
            match self.read_with_digest().await {
                Ok(read) => {
                    if last_error.take().is_some() {
                        tracing::info!("the key pairs can be read again");
                    }
                    if current != Some(read.digest) {
                        // At the first read, too: they may have changed since the start.
                        let count = read.key_pairs.pairs().len();
                        authentication.replace(read.key_pairs);
                        if current.replace(read.digest).is_some() {
                            tracing::info!("key pairs renewed: {count}");
                        }
                    }
                }
                Err(error) => {
                    let error = error.to_string();
                    if last_error.as_ref() != Some(&error) {
                        tracing::warn!("{error}; the last key pairs stay in use");
                    }
                    last_error = Some(error);
                }
            }
            tokio::time::sleep(interval).await;
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use sigv4_verify::Keys;

    use super::*;
    use crate::auth::RateLimits;
    use crate::settings::Settings;

    fn write(path: &Path, id: &str) {
        let json = format!(
            r#"{{"keys": [{{"accessKeyId": "{id}", "secretAccessKey": "WlV0VkXkqDxw5YuS8tQSt7TUdbvHFQyJ8TmYFVg3", "access": "read-only"}}]}}"#
        );
        // As a whole: a reader sees either document.
        let new = path.with_extension("new");
        fs::write(&new, json).unwrap();
        fs::set_permissions(&new, Permissions::from_mode(0o600)).unwrap();
        fs::rename(&new, path).unwrap();
    }

    #[tokio::test]
    async fn changed_keys_are_used_and_invalid_ones_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.json");
        write(&path, "A");
        let source = KeySource::File(path.clone());
        let keys = source.read().await.unwrap();
        let authentication = Authentication::new(keys, &Settings::default(), RateLimits::default());
        let renewing = {
            let authentication = authentication.clone();
            tokio::spawn(async move {
                source.renew_every(&authentication, Duration::from_millis(5)).await;
            })
        };
        let has = |id: &str| authentication.find(id).is_some();
        assert!(has("A"));
        write(&path, "B");
        testkit::wait_until("the new key", async || has("B")).await;
        assert!(!has("A"));
        fs::write(&path, "{").unwrap();
        // Time for several reads of the invalid file.
        let reads = tokio::time::timeout(Duration::from_millis(100), std::future::pending::<()>());
        assert!(reads.await.is_err());
        assert!(has("B"));
        write(&path, "C");
        testkit::wait_until("the key after the invalid file", async || has("C")).await;
        renewing.abort();
    }
}
