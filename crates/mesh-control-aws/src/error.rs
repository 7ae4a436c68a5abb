//! An AWS call that failed, in one line: the call, the resource, the reason, what to do.

use std::error::Error;
use std::fmt;

use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};

/// Maximum length of AWS's message, in characters.
const QUOTED: usize = 200;

/// A failed call, after the retries of the SDK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsError {
    /// The IAM action, such as `ssm:GetParameter`.
    pub call: &'static str,
    /// The parameter, path, or Cloud Map service.
    pub resource: String,
    /// The kind of error.
    pub reason: ErrorKind,
    /// The message of AWS or of the connection.
    pub message: String,
}

/// The kind of error of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The role lacks the permission.
    Denied,
    /// Credentials are missing or have expired.
    Credentials,
    /// Too many calls in this account and region.
    Throttled,
    /// No response.
    Unreachable,
    /// Any other error.
    Other,
}

impl AwsError {
    /// From the SDK's error.
    pub(crate) fn of<E>(call: &'static str, resource: impl Into<String>, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let (reason, message) = match error {
            SdkError::ServiceError(_) => {
                let code = error.code().unwrap_or("an error without a code");
                let text = error.message().unwrap_or_default();
                (ErrorKind::of_code(code), format!("{code}: {text}"))
            }
            // Before a request was sent: no credentials, or no region.
            SdkError::ConstructionFailure(_) => (ErrorKind::Other, innermost(error)),
            SdkError::DispatchFailure(failure) if !(failure.is_io() || failure.is_timeout()) => {
                let message = innermost(error);
                let reason = if message.contains("credential") {
                    ErrorKind::Credentials
                } else {
                    ErrorKind::Unreachable
                };
                (reason, message)
            }
            SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => (ErrorKind::Unreachable, innermost(error)),
            SdkError::ResponseError(response) => {
                let status = response.raw().status().as_u16();
                (
                    ErrorKind::Other,
                    format!("a response with status {status} that is not from AWS"),
                )
            }
            _ => (ErrorKind::Other, innermost(error)),
        };
        Self {
            call,
            resource: resource.into(),
            reason,
            message: in_one_line(&message),
        }
    }
}

impl ErrorKind {
    /// Codes of the common errors of all services (AWS, "Common errors" of both API references, and the SDK's
    /// `aws-runtime`, `retries/classifiers.rs`, for throttling; read 2026-11-23).
    fn of_code(code: &str) -> Self {
        match code {
            "AccessDenied" | "AccessDeniedException" | "NotAuthorized" | "UnauthorizedOperation" => Self::Denied,
            "ExpiredToken"
            | "ExpiredTokenException"
            | "RequestExpired"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "IncompleteSignature"
            | "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "MissingAuthenticationToken"
            | "OptInRequired" => Self::Credentials,
            "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "TooManyRequestsException"
            | "RequestLimitExceeded"
            | "BandwidthLimitExceeded"
            | "LimitExceededException"
            | "SlowDown"
            | "PriorRequestNotComplete"
            | "TooManyUpdates" => Self::Throttled,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            call,
            resource,
            reason,
            message,
        } = self;
        match reason {
            ErrorKind::Denied => write!(
                f,
                "{call} on {resource} is denied: allow the action {call} on {} in a policy of the caller, on ECS the role of this \
                 task ({message})",
                in_a_policy(call, resource)
            ),
            ErrorKind::Credentials => write!(
                f,
                "{call} on {resource} has no valid credentials: they are missing or have expired; look at the role of \
                 this task, or sign in again outside of ECS ({message})"
            ),
            ErrorKind::Throttled => write!(
                f,
                "{call} on {resource} is throttled and backs off: other callers of this account and region count, too; \
                 if it persists, increase the interval or the quota ({message})"
            ),
            ErrorKind::Unreachable => write!(
                f,
                "{call} on {resource} got no response: look at the endpoint, at the route from this task to it, and at \
                 security groups ({message})"
            ),
            ErrorKind::Other => write!(f, "{call} on {resource} failed: {message}"),
        }
    }
}

impl Error for AwsError {}

/// The resource of a call in an IAM policy.
fn in_a_policy(call: &str, resource: &str) -> String {
    if call.starts_with("ssm:") {
        format!("arn:aws:ssm:*:*:parameter{resource}")
    } else if call == "servicediscovery:GetNamespace" && !resource.starts_with("arn:") {
        format!("arn:aws:servicediscovery:*:*:namespace/{resource}")
    } else if call == "servicediscovery:GetNamespace" {
        resource.to_owned()
    } else {
        // As in AWS's own policy, `AWSCloudMapDiscoverInstanceAccess` (read 2026-11-23).
        "*".to_owned()
    }
}

/// The message of the innermost cause.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn in_one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_ssm::error::ErrorMetadata;
    use aws_sdk_ssm::operation::get_parameter::GetParameterError;

    use super::*;

    fn failure(code: &str, message: &str) -> AwsError {
        let error = GetParameterError::generic(ErrorMetadata::builder().code(code).message(message).build());
        let raw = aws_smithy_runtime_api::client::orchestrator::HttpResponse::new(
            400.try_into().expect("a status"),
            "".into(),
        );
        AwsError::of(
            "ssm:GetParameter",
            "/meshwright/demo",
            &SdkError::service_error(error, raw),
        )
    }

    #[test]
    fn access_denied_names_the_action_and_the_resource_to_allow() {
        let text = failure("AccessDeniedException", "User: x is not\nauthorized").to_string();
        assert_eq!(
            text,
            "ssm:GetParameter on /meshwright/demo is denied: allow the action ssm:GetParameter on \
             arn:aws:ssm:*:*:parameter/meshwright/demo in a policy of the caller, on ECS the role of this task \
             (AccessDeniedException: User: x is not authorized)"
        );
    }

    #[test]
    fn each_error_code_has_a_hint() {
        let about = |code| failure(code, "").to_string();
        assert!(about("ExpiredTokenException").contains("have expired"));
        assert!(about("ThrottlingException").contains("is throttled"));
        assert!(about("RequestLimitExceeded").contains("is throttled"));
        assert!(about("InternalServerError").contains("failed: InternalServerError"));
    }

    #[test]
    fn messages_of_aws_are_truncated() {
        let failure = failure("Other", &"ä".repeat(1000));
        assert_eq!(failure.message.chars().count(), QUOTED + 1);
    }
}
