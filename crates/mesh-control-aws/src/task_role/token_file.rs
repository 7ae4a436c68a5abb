//! A file with a role token for an Envoy, renewed before the token ends.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials;
use aws_types::SdkConfig;
use mesh_control::token_secret;

use super::presigned::{self, PresignedError};
use super::sts::StsEndpoint;

/// Time after which the token is renewed: it is good for 15 minutes, and STS and clocks may be slow.
const RENEWAL: Duration = Duration::from_secs(8 * 60);

/// Time between two attempts after a failure.
const RETRY: Duration = Duration::from_secs(10);

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFileError {
    /// The configuration has no credentials, or no region.
    #[error("{0}")]
    Config(String),
    /// The credentials cannot be read.
    #[error("cannot read the credentials of the task: {0}")]
    Credentials(String),
    /// They cannot sign.
    #[error(transparent)]
    Sign(#[from] PresignedError),
    /// The file cannot be written.
    #[error("cannot write {}: {source}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// Writes the token of this process's role for the control plane named `audience` into a file, as an Envoy reads it, and
/// another one every 8 minutes. Only a failure of the first one ends it; later ones are logged, and tried again.
///
/// # Errors
///
/// If the first token cannot be made or written.
pub async fn write_token_file(config: &SdkConfig, audience: &str, file: &Path) -> Result<(), TokenFileError> {
    write_once(config, audience, file).await?;
    let mut wait = RENEWAL;
    loop {
        tokio::time::sleep(wait).await;
        wait = match write_once(config, audience, file).await {
            Ok(()) => RENEWAL,
            Err(error) => {
                tracing::warn!("the token file is not renewed: {error}");
                RETRY
            }
        };
    }
}

async fn write_once(config: &SdkConfig, audience: &str, file: &Path) -> Result<(), TokenFileError> {
    let endpoint = StsEndpoint::of_config(config).map_err(TokenFileError::Config)?;
    let provider = config.credentials_provider();
    let provider = provider.ok_or_else(|| TokenFileError::Config("no credentials".to_owned()))?;
    let credentials = provider.provide_credentials().await;
    let credentials = credentials.map_err(|error| TokenFileError::Credentials(with_causes(&error)))?;
    let token = presigned::token(credentials, &endpoint, audience, SystemTime::now())?;
    write(file, &token_secret(&token)).map_err(|source| TokenFileError::Write {
        file: file.to_owned(),
        source,
    })
}

/// The error with its causes: the SDK's own text has none.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}

/// Replaces the file, so that Envoy never reads a half-written one.
fn write(file: &Path, content: &str) -> io::Result<()> {
    use std::io::Write as _;

    let new = file.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&new)?.write_all(content.as_bytes())?;
    std::fs::rename(new, file)
}
