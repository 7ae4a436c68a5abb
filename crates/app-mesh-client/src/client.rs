//! A client of one server, and the errors of its calls.

use std::time::Duration;

use aws_sdk_appmesh::Client;
use aws_sdk_appmesh::config::retry::RetryConfig;
use aws_sdk_appmesh::config::timeout::TimeoutConfig;
use aws_sdk_appmesh::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_types::SdkConfig;

/// A server limits the rate of a key, to 8 writes per second by default: the SDK waits and tries again, up to 6 seconds.
const MAX_ATTEMPTS: u32 = 6;
const INITIAL_BACKOFF: Duration = Duration::from_millis(200);

/// A client of a server of App Mesh's API.
#[derive(Debug, Clone)]
pub struct ApiClient {
    pub(crate) client: Client,
    url: String,
}

/// A call failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {subject} at {url}: {reason}")]
pub struct ClientError {
    action: &'static str,
    /// A resource, or a list of them.
    subject: String,
    url: String,
    /// The name of an exception. Without one there was no response of the API.
    code: Option<String>,
    reason: String,
}

impl ClientError {
    /// The name of the exception, such as `NotFoundException`. `None` if there was no response of the API.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }
}

impl ApiClient {
    /// A client of the server at this URL, with region, credentials and HTTP client of `config`.
    ///
    /// Requests are signed for the region, which must be the server's if it verifies signatures.
    #[must_use]
    pub fn new(config: &SdkConfig, url: impl Into<String>) -> Self {
        let url = url.into();
        let retries = RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS);
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .operation_attempt_timeout(Duration::from_secs(30))
            .build();
        let config = aws_sdk_appmesh::config::Builder::from(config)
            .endpoint_url(&url)
            .retry_config(retries.with_initial_backoff(INITIAL_BACKOFF))
            .timeout_config(timeouts);
        Self {
            client: Client::from_conf(config.build()),
            url,
        }
    }

    /// The URL of the server.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The error of a call.
    pub(crate) fn error<E, R>(&self, action: &'static str, subject: String, error: SdkError<E, R>) -> ClientError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
        R: std::fmt::Debug,
    {
        let code = error.code().map(str::to_owned);
        let reason = match (&code, error.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.clone(),
            (None, _) => DisplayErrorContext(&error).to_string(),
        };
        ClientError {
            action,
            subject,
            url: self.url.clone(),
            code,
            reason,
        }
    }
}
