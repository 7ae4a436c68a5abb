//! The error of this crate: a message, a kind and a source.

mod clock;
mod sdk;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use sidecar_contract::ValidationErrors;

use super::diagnosis::ServiceDiagnosis;
use super::root_cause::RootCause;

pub(super) use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
pub(super) use sdk::{Call, from_sdk_error};

/// Why an operation failed. The message names the call, the resource and the remedy.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    root_cause: Option<RootCause>,
    services: Vec<ServiceDiagnosis>,
    /// The error code of AWS.
    code: Option<String>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The kind of an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is invalid, or is not the template in S3. The stack was not changed.
    Invalid,
    /// No region is configured.
    NoRegion,
    /// There are no credentials, or AWS does not know them.
    NoCredentials,
    /// The credentials have expired.
    ExpiredCredentials,
    /// The clock of this machine is wrong by more than AWS accepts.
    ClockSkew,
    /// The account has not enabled the region.
    RegionDisabled,
    /// A policy of the caller does not allow the call.
    AccessDenied,
    /// AWS throttles the calls, even after backing off.
    Throttled,
    /// The endpoint is unreachable.
    Unreachable,
    /// Another operation on the stack is in progress, or has changed it first. Nothing was changed by this one. [`Environment::wait`](super::Environment::wait) waits for its end.
    Busy,
    /// The stack is in a status that requires a manual step first.
    Blocked,
    /// The operation failed. [`Error::root_cause`] has the first failure.
    Failed,
    /// The stack was deleted during another operation.
    Deleted,
    /// The stack has termination protection, or other stacks import its exports.
    Protected,
    /// The stack belongs to another app, or was not created by this tool. Nothing was changed.
    Foreign,
    /// AWS rejected the call for another reason, which the message quotes.
    Rejected,
    /// AWS returned an unexpected response.
    Unexpected,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            root_cause: None,
            services: Vec::new(),
            code: None,
            source: None,
        }))
    }

    /// There are no credentials.
    pub(super) fn no_credentials() -> Self {
        let (kind, message) = sdk::no_credentials(None, None);
        Self::new(kind, message)
    }

    /// All diagnostics of an input.
    pub(super) fn invalid(what: &str, diagnostics: &ValidationErrors) -> Self {
        Self::new(ErrorKind::Invalid, format!("{what} cannot be deployed:\n{diagnostics}"))
    }

    pub(super) fn failed(message: impl Into<String>, root_cause: RootCause) -> Self {
        let mut error = Self::new(ErrorKind::Failed, message);
        error.0.root_cause = Some(root_cause);
        error
    }

    /// Sets the diagnoses of ECS services.
    pub(super) fn with_services(mut self, services: Vec<ServiceDiagnosis>) -> Self {
        self.0.services = services;
        self
    }

    /// Sets AWS's error code.
    pub(super) fn with_code(mut self, code: Option<&str>) -> Self {
        self.0.code = code.map(str::to_owned);
        self
    }

    /// Sets the source.
    pub(super) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// Appends a sentence to the message.
    pub(super) fn with_sentence(mut self, sentence: &str) -> Self {
        self.0.message.push_str(". ");
        self.0.message.push_str(sentence);
        self
    }

    /// The kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The first failure of a failed operation.
    #[must_use]
    pub fn root_cause(&self) -> Option<&RootCause> {
        self.0.root_cause.as_ref()
    }

    /// The ECS services that a failed operation did not complete: why their tasks stopped, and their last log lines.
    #[must_use]
    pub fn services(&self) -> &[ServiceDiagnosis] {
        &self.0.services
    }

    /// Whether it is a rejection with this error code.
    pub(super) fn has_code(&self, code: &str) -> bool {
        self.0.code.as_deref() == Some(code)
    }

    /// Whether a retry may succeed.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Throttled | ErrorKind::Unreachable)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// Kind and message, for `unwrap` and `main`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.0.message)
    }
}

/// The source is the SDK's error, whose text the message quotes already: print the message, or the chain of the source.
impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.0.source.as_deref()?;
        Some(source)
    }
}
