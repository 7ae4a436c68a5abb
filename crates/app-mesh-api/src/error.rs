//! Errors of the API: App Mesh's exceptions, with their HTTP status.

use std::fmt;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};
use serde_json::json;

/// The header with the name of an exception, of AWS's protocol restJson1.
pub(crate) const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// An error of an operation: one of App Mesh's exceptions with its message.
///
/// As an HTTP response it has the exception's status, its name in the header `x-amzn-ErrorType`, and the body
/// `{"message": …}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ApiError {
    code: ErrorCode,
    message: String,
}

/// The exceptions of App Mesh's API, and those that every AWS API has.
///
/// Source: the AWS SDK's service model of App Mesh, version 2019-01-25, as of botocore 1.44.5 (read 2026-11-23).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// 400: the request is malformed or not valid.
    BadRequest,
    /// 413: the body is too large. Not an exception of App Mesh; AWS's front end has it.
    BodyTooLarge,
    /// 409: the name exists, or a client token was used for another request.
    Conflict,
    /// 403: the caller may not do this.
    Forbidden,
    /// 500: a fault of the server.
    InternalServerError,
    /// 400: a quota is exhausted.
    LimitExceeded,
    /// 404: the resource does not exist.
    NotFound,
    /// 409: the resource cannot be deleted, because others need it.
    ResourceInUse,
    /// 408: the request was not complete in time. Not an exception of App Mesh; SDKs try again.
    RequestTimeout,
    /// 503: the storage is not available, try again.
    ServiceUnavailable,
    /// 429: the caller sends more requests than it may.
    TooManyRequests,
    /// 400: more than 50 tags.
    TooManyTags,
    /// 404: the API has no such operation. Not an exception of App Mesh; AWS's front end has it.
    UnknownOperation,
}

impl ErrorCode {
    /// The exception's name, such as `NotFoundException`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "BadRequestException",
            Self::BodyTooLarge => "RequestEntityTooLargeException",
            Self::Conflict => "ConflictException",
            Self::Forbidden => "ForbiddenException",
            Self::InternalServerError => "InternalServerErrorException",
            Self::LimitExceeded => "LimitExceededException",
            Self::NotFound => "NotFoundException",
            Self::ResourceInUse => "ResourceInUseException",
            Self::RequestTimeout => "RequestTimeoutException",
            Self::ServiceUnavailable => "ServiceUnavailableException",
            Self::TooManyRequests => "TooManyRequestsException",
            Self::TooManyTags => "TooManyTagsException",
            Self::UnknownOperation => "UnknownOperationException",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::BadRequest | Self::LimitExceeded | Self::TooManyTags => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Conflict | Self::ResourceInUse => StatusCode::CONFLICT,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::InternalServerError => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotFound | Self::UnknownOperation => StatusCode::NOT_FOUND,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl ApiError {
    /// An exception with its message.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// Which exception it is.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The message, without the exception's name.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::BadRequest, message)
    }

    pub(crate) fn in_use(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ResourceInUse, message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({ "message": self.message }).to_string();
        let name = HeaderValue::from_static(self.code.name());
        let json = HeaderValue::from_static("application/json");
        (self.code.status(), [(ERROR_TYPE, name), (CONTENT_TYPE, json)], body).into_response()
    }
}
