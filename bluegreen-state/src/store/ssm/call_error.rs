//! Causes of failed calls, in one sentence.

use std::error::Error as StdError;

use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};

/// Why a call to Parameter Store failed: AWS's code and message, or what happened to the connection. The SDK spreads that
/// over several sources.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct CallError(String);

impl CallError {
    pub(super) fn new<E: ProvideErrorMetadata + StdError + 'static, R: std::fmt::Debug + 'static>(
        error: &SdkError<E, R>,
    ) -> Self {
        let text = match error {
            SdkError::TimeoutError(_) => "no response in time".to_owned(),
            SdkError::ServiceError(service) => match (service.err().code(), service.err().message()) {
                (Some(code), Some(message)) => format!("{code}: {message}"),
                (Some(code), None) => code.to_owned(),
                (None, _) => innermost(service.err()),
            },
            other => innermost(other),
        };
        Self(text)
    }
}

/// The text of the last source.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
