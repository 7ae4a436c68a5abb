//! What became of a call that failed, in one line: which call, about what, why, and what to do.

use std::error::Error;
use std::fmt;

use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};

/// How much of what AWS said is repeated, in characters.
const QUOTED: usize = 200;

/// A call that failed, with the retries of the SDK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsError {
    /// The call, as IAM calls the action: `ssm:GetParameter`.
    pub call: &'static str,
    /// What it was about: a parameter, a path, or a service of Cloud Map.
    pub resource: String,
    /// What went wrong.
    pub reason: ErrorKind,
    /// What was said, by AWS or by the connection.
    pub said: String,
}

/// What went wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The role may not do it.
    Denied,
    /// There are no credentials, or they are not valid any more.
    Credentials,
    /// There were too many calls in this account and region.
    Throttled,
    /// There was no response.
    Unreachable,
    /// AWS answered with something else.
    Other,
}

impl AwsError {
    /// Of what the SDK says.
    pub(crate) fn of<E>(call: &'static str, resource: impl Into<String>, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let (reason, said) = match error {
            SdkError::ServiceError(_) => {
                let code = error.code().unwrap_or("an error without a code");
                let message = error.message().unwrap_or_default();
                (ErrorKind::of_code(code), format!("{code}: {message}"))
            }
            // Before anything was sent: credentials could not be had, or the region is not known.
            SdkError::ConstructionFailure(_) => (ErrorKind::Other, innermost(error)),
            SdkError::DispatchFailure(failure) if !(failure.is_io() || failure.is_timeout()) => {
                let said = innermost(error);
                let reason = if said.contains("credential") {
                    ErrorKind::Credentials
                } else {
                    ErrorKind::Unreachable
                };
                (reason, said)
            }
            SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => (ErrorKind::Unreachable, innermost(error)),
            SdkError::ResponseError(response) => {
                let status = response.raw().status().as_u16();
                (
                    ErrorKind::Other,
                    format!("an answer with status {status} that is not AWS's"),
                )
            }
            _ => (ErrorKind::Other, innermost(error)),
        };
        Self {
            call,
            resource: resource.into(),
            reason,
            said: in_one_line(&said),
        }
    }
}

impl ErrorKind {
    /// The codes are those of the errors that all services share (AWS, "Common errors" of both API references, and the
    /// SDK's `aws-runtime`, `retries/classifiers.rs`, for throttling; read 2026-11-23).
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
            said,
        } = self;
        match reason {
            ErrorKind::Denied => write!(
                f,
                "{call} on {resource} is denied: allow the action {call} on {} in the role of this task ({said})",
                in_a_policy(call, resource)
            ),
            ErrorKind::Credentials => write!(
                f,
                "{call} on {resource} has no valid credentials: they are missing or have expired; look at the role of \
                 this task, or sign in again where it is no task ({said})"
            ),
            ErrorKind::Throttled => write!(
                f,
                "{call} on {resource} is throttled and asked more rarely for a while: other callers of this account \
                 and region count, too; if it stays so, lengthen the interval or raise the quota ({said})"
            ),
            ErrorKind::Unreachable => write!(
                f,
                "{call} on {resource} got no response: look at the endpoint, at the route from this task to it, and at \
                 security groups ({said})"
            ),
            ErrorKind::Other => write!(f, "{call} on {resource} failed: {said}"),
        }
    }
}

impl Error for AwsError {}

/// What a policy names as the resource of a call.
fn in_a_policy(call: &str, resource: &str) -> String {
    if call.starts_with("ssm:") {
        format!("arn:aws:ssm:*:*:parameter{resource}")
    } else if call == "servicediscovery:GetNamespace" && !resource.starts_with("arn:") {
        format!("arn:aws:servicediscovery:*:*:namespace/{resource}")
    } else if call == "servicediscovery:GetNamespace" {
        resource.to_owned()
    } else {
        // As AWS's own policy has it, `AWSCloudMapDiscoverInstanceAccess` (read 2026-11-23).
        "*".to_owned()
    }
}

/// What the cause of all the others says.
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
             arn:aws:ssm:*:*:parameter/meshwright/demo in the role of this task (AccessDeniedException: User: x is not \
             authorized)"
        );
    }

    #[test]
    fn each_code_has_its_remedy() {
        let about = |code| failure(code, "").to_string();
        assert!(about("ExpiredTokenException").contains("have expired"));
        assert!(about("ThrottlingException").contains("is throttled"));
        assert!(about("RequestLimitExceeded").contains("is throttled"));
        assert!(about("InternalServerError").contains("failed: InternalServerError"));
    }

    #[test]
    fn what_aws_says_is_not_repeated_at_length() {
        let failure = failure("Other", &"ä".repeat(1000));
        assert_eq!(failure.said.chars().count(), QUOTED + 1);
    }
}
