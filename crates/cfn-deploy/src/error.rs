//! What can go wrong with an account: one error, one message, and a kind to act upon.

mod sdk;

use std::fmt;

use sidecar_contract::ValidationErrors;

use super::root_cause::RootCause;

pub(super) use sdk::{Call, from_sdk_error};

/// What went wrong. The message names the call, the resource and the remedy; there is nothing more to be had from a
/// source behind it.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    failure: Option<RootCause>,
}

/// What kind of thing went wrong, for those who act upon it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request cannot be right, whatever the account holds. No call was made.
    Invalid,
    /// Nobody said in which region.
    NoRegion,
    /// There are no credentials, or they are not known to AWS.
    NoCredentials,
    /// The credentials were good once.
    ExpiredCredentials,
    /// The caller may not do that.
    AccessDenied,
    /// AWS wants fewer calls, and went on wanting that however long they were spread.
    Throttled,
    /// The endpoint did not answer.
    Unreachable,
    /// Another operation on the stack is under way. [`Environment::wait`](super::Environment::wait) waits for its end.
    Busy,
    /// The stack is in a state that somebody has to lead it out of first.
    Blocked,
    /// The operation began and failed. [`Error::failure`] tells what failed first.
    Failed,
    /// The stack was deleted while something else was done with it.
    Deleted,
    /// The stack may not be deleted: it is protected, or others import from it.
    Protected,
    /// AWS refused for another reason, which the message gives in its words.
    Rejected,
    /// AWS answered what it should not have answered.
    Unexpected,
}

impl Error {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            failure: None,
        }))
    }

    /// Nobody gives credentials.
    pub(super) fn no_credentials() -> Self {
        let (kind, message) = sdk::no_credentials(None);
        Self::new(kind, message)
    }

    /// All that is wrong with a request.
    pub(super) fn invalid(what: &str, diagnostics: &ValidationErrors) -> Self {
        Self::new(ErrorKind::Invalid, format!("{what} cannot be deployed:\n{diagnostics}"))
    }

    pub(super) fn failed(message: impl Into<String>, failure: RootCause) -> Self {
        let mut error = Self::new(ErrorKind::Failed, message);
        error.0.failure = Some(failure);
        error
    }

    /// The same error with another sentence after it.
    pub(super) fn and(mut self, sentence: &str) -> Self {
        self.0.message.push_str(". ");
        self.0.message.push_str(sentence);
        self
    }

    /// What kind of thing went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What failed first, if an operation began and failed.
    #[must_use]
    pub fn failure(&self) -> Option<&RootCause> {
        self.0.failure.as_ref()
    }

    /// Whether it may pass by itself, so that whoever waits goes on waiting.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Throttled | ErrorKind::Unreachable)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// The kind and the message, for `unwrap` and its like.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0.kind, self.0.message)
    }
}

impl std::error::Error for Error {}
