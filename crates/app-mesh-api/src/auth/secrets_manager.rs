//! Key pairs in AWS Secrets Manager.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::SdkError;
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use zeroize::Zeroizing;

use super::key_pairs::{KeyPairs, KeyPairsError};

/// A secret does not have key pairs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// It cannot be read. The task's role needs `secretsmanager:GetSecretValue` on it.
    #[error("cannot read the secret {id}; does it exist, and may this role call secretsmanager:GetSecretValue on it?")]
    Unreadable {
        /// Name or ARN of the secret.
        id: String,
        /// The reason.
        source: Box<SdkError<GetSecretValueError>>,
    },
    /// It is binary.
    #[error("the secret {id} is binary; store the key pairs as text")]
    Binary {
        /// Name or ARN of the secret.
        id: String,
    },
    /// It has something else.
    #[error(transparent)]
    Invalid(#[from] KeyPairsError),
}

/// Reads key pairs from a secret, given by its name or ARN. Its text is the same document as a key file.
///
/// # Errors
///
/// [`SecretError`].
pub async fn read_secret(client: &Client, id: &str) -> Result<KeyPairs, SecretError> {
    Ok(KeyPairs::parse(
        &format!("the secret {id}"),
        &read_text(client, id).await?,
    )?)
}

/// The text of a secret.
pub(super) async fn read_text(client: &Client, id: &str) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let response = client.get_secret_value().secret_id(id).send().await;
    let response = response.map_err(|source| SecretError::Unreadable {
        id: id.to_owned(),
        source: Box::new(source),
    })?;
    let text = response.secret_string.map(|text| Zeroizing::new(text.into_bytes()));
    text.ok_or_else(|| SecretError::Binary { id: id.to_owned() })
}
