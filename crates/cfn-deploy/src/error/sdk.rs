//! Converts errors of the SDK: one sentence with the call, the resource, AWS's message and the remedy.

use std::error::Error as StdError;
use std::time::SystemTime;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::clock;
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
    /// The profile that the credentials are from, if it was named.
    pub(crate) profile: Option<&'a str>,
}

impl Call<'_> {
    /// The command that renews the credentials of a profile with single sign-on.
    fn login(&self) -> String {
        login(self.profile)
    }

    fn region(&self) -> &str {
        self.location
            .split_once(' ')
            .map_or(self.location, |(region, _)| region)
    }
}

fn login(profile: Option<&str>) -> String {
    match profile {
        Some(profile) => format!("`aws sso login --profile {profile}`"),
        None => "`aws sso login`".to_owned(),
    }
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
/// Error codes of a region that the account has not enabled (EC2 user guide, "Error codes", and AWS Account Management
/// reference guide, "Enable or disable AWS Regions", read 2026-11-30). Other services report that they do not know the
/// credentials.
const REGION_DISABLED: [&str; 2] = ["OptInRequired", "RegionDisabledException"];
/// Regions that every account has. The list is complete: all regions since March 2019 have to be enabled.
const ALWAYS_ENABLED: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
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
        ..
    } = call;
    let (kind, what) = match &error {
        SdkError::ServiceError(failure) => {
            let (code, message) = (failure.err().code(), failure.err().message());
            let status = failure.raw().status().as_u16();
            let date = failure.raw().headers().get("date");
            let skew = clock::skew(
                code.unwrap_or_default(),
                message.unwrap_or_default(),
                date,
                SystemTime::now(),
            );
            match skew {
                Some(what) => (ErrorKind::ClockSkew, what),
                None => rejection(call, code.unwrap_or_default(), message.unwrap_or_default(), status),
            }
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
        _ if credentials(&error).is_some() => no_credentials(credentials(&error), call.profile),
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
    let code = error
        .as_service_error()
        .and_then(|error| error.code())
        .map(str::to_owned);
    Error::new(kind, format!("{service}:{action} for {resource} in {location}: {what}"))
        .with_code(code.as_deref())
        .with_source(error)
}

fn rejection(call: Call<'_>, code: &str, message: &str, status: u16) -> (ErrorKind, String) {
    let message = message.trim().trim_end_matches('.');
    let is_one_of = |codes: &[&str]| codes.contains(&code);
    if is_one_of(&THROTTLED) || status == 429 {
        let what = "throttled by AWS, also after backing off; wait a minute and try again";
        return (ErrorKind::Throttled, what.to_owned());
    }
    if is_one_of(&EXPIRED) {
        let what = format!(
            "the credentials have expired; renew them, for example with {}, and run the same command again",
            call.login()
        );
        return (ErrorKind::ExpiredCredentials, what);
    }
    let region = call.region();
    if is_one_of(&REGION_DISABLED) {
        let what = format!(
            "region {region} is not enabled in this account ({message}); enable it with `aws account enable-region \
             --region-name {region}`, or use another one"
        );
        return (ErrorKind::RegionDisabled, what);
    }
    if is_one_of(&UNKNOWN_CALLER) {
        let opt_in = match ALWAYS_ENABLED.contains(&region) {
            true => String::new(),
            false => format!(
                "; or region {region} is not enabled in this account: `aws account get-region-opt-status --region-name \
                 {region}` shows it"
            ),
        };
        let what = format!(
            "AWS does not know the credentials ({message}); check AWS_PROFILE, AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY{opt_in}"
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

pub(super) fn no_credentials(error: Option<&CredentialsError>, profile: Option<&str>) -> (ErrorKind, String) {
    let how = format!(
        "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with {}",
        login(profile)
    );
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
