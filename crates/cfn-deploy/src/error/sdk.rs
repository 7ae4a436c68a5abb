//! Converts errors of the SDK: one sentence with the call, the resource, AWS's message and the remedy.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::{Error, ErrorKind};

/// A call and its resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// The service prefix of the IAM action: `cloudformation`, `servicediscovery`.
    pub(crate) service: &'static str,
    /// The API operation: `CreateChangeSet`.
    pub(crate) action: &'static str,
    /// The resource: "stack `demo`".
    pub(crate) resource: &'a str,
    /// Region, with the endpoint if one is configured: "eu-west-1".
    pub(crate) location: &'a str,
}

/// Error codes of throttling (AWS SDKs and Tools reference guide, "Retry behavior", read 2026-11-23; the last one
/// is Cloud Map's).
const THROTTLED: [&str; 12] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "BandwidthLimitExceeded",
    "SlowDown",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
];
const EXPIRED: [&str; 3] = ["ExpiredToken", "ExpiredTokenException", "RequestExpired"];
const UNKNOWN_CALLER: [&str; 7] = [
    "AuthFailure",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];
const DENIED: [&str; 4] = [
    "AccessDenied",
    "AccessDeniedException",
    "NotAuthorized",
    "UnauthorizedOperation",
];

/// The error of a failed call.
pub(crate) fn from_sdk_error<E>(call: Call<'_>, error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let Call {
        service,
        action,
        resource,
        location,
    } = call;
    let (kind, what) = match &error {
        SdkError::ServiceError(failure) => {
            let (code, message) = (failure.err().code(), failure.err().message());
            let status = failure.raw().status().as_u16();
            rejection(call, code.unwrap_or_default(), message.unwrap_or_default(), status)
        }
        SdkError::ResponseError(response) => {
            let status = response.raw().status().as_u16();
            let kind = if status >= 500 {
                ErrorKind::Unreachable
            } else {
                ErrorKind::Unexpected
            };
            (
                kind,
                format!(
                    "the response with HTTP status {status} cannot be parsed: {}",
                    innermost(&error)
                ),
            )
        }
        _ if credentials(&error).is_some() => no_credentials(credentials(&error)),
        SdkError::ConstructionFailure(_) => (
            ErrorKind::Invalid,
            format!("the request cannot be built: {}", innermost(&error)),
        ),
        SdkError::TimeoutError(_) => (
            ErrorKind::Unreachable,
            "timed out; check the network and try again".to_owned(),
        ),
        _ => (
            ErrorKind::Unreachable,
            format!(
                "the endpoint cannot be reached: {}; check the network, the region and AWS_ENDPOINT_URL",
                innermost(&error)
            ),
        ),
    };
    Error::new(kind, format!("{service}:{action} for {resource} in {location}: {what}")).with_source(error)
}

fn rejection(call: Call<'_>, code: &str, message: &str, status: u16) -> (ErrorKind, String) {
    let message = message.trim().trim_end_matches('.');
    let is_one_of = |codes: &[&str]| codes.contains(&code);
    if is_one_of(&THROTTLED) || status == 429 {
        let what = "throttled by AWS, also after backing off; wait a minute and try again";
        return (ErrorKind::Throttled, what.to_owned());
    }
    if is_one_of(&EXPIRED) {
        let what = "the credentials have expired; renew them, for example with `aws sso login`, and try again";
        return (ErrorKind::ExpiredCredentials, what.to_owned());
    }
    if is_one_of(&UNKNOWN_CALLER) {
        let what = format!(
            "AWS does not know the credentials ({message}); check AWS_PROFILE, AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, and the clock of this machine"
        );
        return (ErrorKind::NoCredentials, what);
    }
    if is_one_of(&DENIED) || status == 403 {
        // The denied action may be one that the call requires.
        let named = message.split_once("not authorized to perform: ");
        let named = named.and_then(|(_, rest)| rest.split_whitespace().next());
        let action = named.map_or_else(|| format!("{}:{}", call.service, call.action), str::to_owned);
        let what = format!("access denied ({message}); a policy of the caller must allow `{action}`");
        return (ErrorKind::AccessDenied, what);
    }
    if status >= 500 {
        let what = format!("AWS failed with HTTP status {status} ({code}: {message}); try again");
        return (ErrorKind::Unreachable, what);
    }
    let what = match (message, code) {
        ("", "") => format!("rejected with HTTP status {status}"),
        ("", code) => format!("rejected with {code}"),
        (message, _) => message.to_owned(),
    };
    (ErrorKind::Rejected, what)
}

pub(super) fn no_credentials(error: Option<&CredentialsError>) -> (ErrorKind, String) {
    let how = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with `aws sso login`";
    match error {
        None | Some(CredentialsError::CredentialsNotLoaded(_)) => {
            (ErrorKind::NoCredentials, format!("there are no AWS credentials; {how}"))
        }
        Some(error) => {
            let why = innermost(error);
            (
                ErrorKind::NoCredentials,
                format!("the AWS credentials cannot be loaded: {why}; {how}"),
            )
        }
    }
}

/// The error of the credentials provider, if it is among the sources.
fn credentials<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a CredentialsError> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// The text of the last source.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
}
