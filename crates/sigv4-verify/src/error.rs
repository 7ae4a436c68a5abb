//! What a rejected client receives.
//!
//! Codes and statuses are those of AWS's front end for services with the REST-JSON protocol, and so are the messages
//! that clients print and people search for: they are AWS's sentences, not this project's style. Sources: the common
//! errors in the references of services with that protocol (Lambda, Application Migration Service) and responses quoted
//! in bug reports of SDKs (aws/aws-sdk-js#4545, basak/glacier-cli#36), read 2026-11-30.

use http::StatusCode;

/// Why a request is not accepted.
///
/// `Display` is the message for the client. It has nothing secret: no expected signature and no canonical request, which
/// could contain a session token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The request is not signed.
    #[error("Missing Authentication Token")]
    Unsigned,
    /// The statements about the signature are missing, repeated or unreadable; the text says which.
    #[error("{0}")]
    Incomplete(String),
    /// There is no key with this id, or the session token is not the key's.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// The session of the key is over.
    #[error("The security token included in the request is expired")]
    ExpiredToken,
    /// The signature is for another date, region or service; the text says which.
    #[error("{0}")]
    WrongScope(String),
    /// The signature is too old or in the future; the text has the limits.
    #[error("{0}")]
    OutOfTime(String),
    /// The request was altered, or signed with another secret.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
    /// The body is not the one that was signed.
    #[error("The value of x-amz-content-sha256 does not match the SHA-256 of the body.")]
    PayloadMismatch,
    /// The body is not signed, and this server requires that.
    #[error("The payload must be signed: x-amz-content-sha256 is '{0}'.")]
    UnsignedPayload(String),
    /// The path has empty or dot segments, which the signature does not distinguish.
    #[error("The path must be in normal form: it has an empty segment, '.' or '..'.")]
    AmbiguousPath,
    /// The same signed write was accepted before.
    #[error("The signature of this request was used before. Sign each request anew.")]
    Replayed,
    /// The same signed write was accepted a moment ago, perhaps from an SDK that repeats it. SDKs retry on this error, with
    /// another signature.
    #[error("The signature of this request was used a moment ago. Sign each attempt anew.")]
    Repeated,
    /// The key sends more requests than it may; the text has its limit.
    #[error("{0}")]
    Throttled(String),
    /// The key has sent more writes than the server remembers; it may try again later.
    #[error("Too many signed writes within the validity of a signature. Try again later.")]
    ReplayMemoryFull,
    /// The body exceeds the limit, in bytes.
    #[error("The request body exceeds {0} bytes.")]
    BodyTooLarge(usize),
    /// The connection failed while the body was read.
    #[error("The request body could not be read: {0}")]
    BodyUnreadable(String),
}

impl VerifyError {
    /// AWS's name of the error, as in the header `x-amzn-ErrorType`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsigned => "MissingAuthenticationTokenException",
            Self::Incomplete(_) => "IncompleteSignatureException",
            Self::UnknownKey => "UnrecognizedClientException",
            Self::ExpiredToken => "ExpiredTokenException",
            Self::WrongScope(_)
            | Self::OutOfTime(_)
            | Self::Mismatch
            | Self::PayloadMismatch
            | Self::UnsignedPayload(_)
            | Self::AmbiguousPath
            | Self::Replayed => "InvalidSignatureException",
            Self::Repeated => "ServiceUnavailableException",
            Self::ReplayMemoryFull | Self::Throttled(_) => "TooManyRequestsException",
            Self::BodyTooLarge(_) => "RequestEntityTooLargeException",
            Self::BodyUnreadable(_) => "RequestAbortedException",
        }
    }

    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Repeated => StatusCode::SERVICE_UNAVAILABLE,
            Self::ReplayMemoryFull | Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyUnreadable(_) => StatusCode::BAD_REQUEST,
            _ => StatusCode::FORBIDDEN,
        }
    }
}
