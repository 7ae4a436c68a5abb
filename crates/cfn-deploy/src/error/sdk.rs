//! From an error of the SDK to ours: what AWS said, in one sentence, with the call, the resource and the remedy.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::{Error, ErrorKind};

/// Which call it was, and what it was about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// The prefix of its action in a policy: `cloudformation`, `servicediscovery`.
    pub(crate) service: &'static str,
    /// Its name: `CreateChangeSet`.
    pub(crate) action: &'static str,
    /// What it was about: "stack `demo`".
    pub(crate) resource: &'a str,
    /// Where it went: "eu-west-1", or with an endpoint that was given.
    pub(crate) place: &'a str,
}

/// Codes that mean "fewer calls" (AWS SDKs and Tools reference guide, "Retry behavior", read 2026-11-23; the last one
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

/// The error of a call that did not succeed.
pub(crate) fn from_sdk_error<E>(call: Call<'_>, error: &SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let Call {
        service,
        action,
        resource,
        place,
    } = call;
    let (kind, what) = match error {
        SdkError::ServiceError(refused) => {
            let (code, said) = (refused.err().code(), refused.err().message());
            let status = refused.raw().status().as_u16();
            refusal(call, code.unwrap_or_default(), said.unwrap_or_default(), status)
        }
        SdkError::ResponseError(answer) => {
            let status = answer.raw().status().as_u16();
            let kind = if status >= 500 {
                ErrorKind::Unreachable
            } else {
                ErrorKind::Unexpected
            };
            (
                kind,
                format!(
                    "the answer, with HTTP status {status}, cannot be read: {}",
                    innermost(error)
                ),
            )
        }
        _ if credentials(error).is_some() => no_credentials(credentials(error)),
        SdkError::ConstructionFailure(_) => (ErrorKind::Invalid, format!("it cannot be sent: {}", innermost(error))),
        SdkError::TimeoutError(_) => (
            ErrorKind::Unreachable,
            "there was no answer in time; check the network and try again".to_owned(),
        ),
        _ => (
            ErrorKind::Unreachable,
            format!(
                "the endpoint cannot be reached: {}; check the network, and AWS_ENDPOINT_URL and the region if they \
                 are set",
                innermost(error)
            ),
        ),
    };
    Error::new(kind, format!("{service}:{action} for {resource} in {place}: {what}"))
}

fn refusal(call: Call<'_>, code: &str, said: &str, status: u16) -> (ErrorKind, String) {
    let said = said.trim().trim_end_matches('.');
    let is_one_of = |codes: &[&str]| codes.contains(&code);
    if is_one_of(&THROTTLED) || status == 429 {
        let what =
            "AWS throttles the calls of this account, also when they are spread out; wait a minute and try again";
        return (ErrorKind::Throttled, what.to_owned());
    }
    if is_one_of(&EXPIRED) {
        let what = "the credentials have expired; get new ones, such as with `aws sso login`, and try again";
        return (ErrorKind::ExpiredCredentials, what.to_owned());
    }
    if is_one_of(&UNKNOWN_CALLER) {
        let what = format!(
            "AWS does not know the credentials ({said}); check AWS_PROFILE, AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, and the clock of this machine"
        );
        return (ErrorKind::NoCredentials, what);
    }
    if is_one_of(&DENIED) || status == 403 {
        // Sometimes it is not the call itself, but something that it leads to.
        let named = said.split_once("not authorized to perform: ");
        let named = named.and_then(|(_, rest)| rest.split_whitespace().next());
        let action = named.map_or_else(|| format!("{}:{}", call.service, call.action), str::to_owned);
        let what = format!("access denied ({said}); a policy of the caller has to allow `{action}`");
        return (ErrorKind::AccessDenied, what);
    }
    if status >= 500 {
        let what = format!("AWS failed with HTTP status {status} ({code}: {said}); try again");
        return (ErrorKind::Unreachable, what);
    }
    let what = match (said, code) {
        ("", "") => format!("refused with HTTP status {status}"),
        ("", code) => format!("refused with {code}"),
        (said, _) => said.to_owned(),
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
                format!("the AWS credentials cannot be had: {why}; {how}"),
            )
        }
    }
}

/// The error of whoever was to give credentials, if there is one behind this error.
fn credentials<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a CredentialsError> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// What is behind everything else: the words of those who know.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| (*error).source())
}
