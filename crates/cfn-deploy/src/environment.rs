//! The account: its clients, whose credentials they use and where, and what every call has in common.

use std::sync::Arc;

use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_types::SdkConfig;

use super::error::{Call, Error, ErrorKind, from_sdk_error};
use super::poll::{PollInterval, Poller};

/// An AWS account in one region, to deploy to.
///
/// Cloning is cheap, and clones share their connections. Every method is a future that does something only while it is
/// polled: what is dropped makes no further call. What CloudFormation was told by then, it does.
#[derive(Debug, Clone)]
pub struct Environment(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cloudformation: aws_sdk_cloudformation::Client,
    cloud_map: aws_sdk_servicediscovery::Client,
    sts: aws_sdk_sts::Client,
    region: String,
    place: String,
    sleep: SharedAsyncSleep,
}

/// Who makes the calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerIdentity {
    /// The account's number.
    pub account: String,
    /// The ARN of the user or the role.
    pub arn: String,
    /// The region.
    pub region: String,
}

impl Environment {
    /// The account that a configuration leads to, such as `aws-config` makes of the environment: region, credentials,
    /// endpoint, retries and HTTP client are all taken from there. Waiting is done with its sleep, or with Tokio's if it
    /// has none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoRegion`] if it has no region, [`ErrorKind::NoCredentials`] if nobody in it gives credentials. No
    /// call is made.
    pub fn new(config: &SdkConfig) -> Result<Self, Error> {
        let Some(region) = config.region() else {
            return Err(Error::new(
                ErrorKind::NoRegion,
                "no AWS region is configured; set AWS_REGION, or `region` for the profile in ~/.aws/config",
            ));
        };
        if config.credentials_provider().is_none() {
            return Err(Error::no_credentials());
        }
        let region = region.as_ref().to_owned();
        Ok(Self(Arc::new(Inner {
            cloudformation: aws_sdk_cloudformation::Client::new(config),
            cloud_map: aws_sdk_servicediscovery::Client::new(config),
            sts: aws_sdk_sts::Client::new(config),
            place: config
                .endpoint_url()
                .map_or_else(|| region.clone(), |url| format!("{region} ({url})")),
            region,
            sleep: config
                .sleep_impl()
                .unwrap_or_else(|| SharedAsyncSleep::new(TokioSleep::new())),
        })))
    }

    /// The region, such as `eu-west-1`.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.0.region
    }

    /// Who makes the calls, and in which account: to be shown before anything is changed. It takes one call, which
    /// everybody is allowed to make.
    ///
    /// # Errors
    ///
    /// Whatever keeps calls from being made: credentials, the network.
    pub async fn caller_identity(&self) -> Result<CallerIdentity, Error> {
        let answer = self.0.sts.get_caller_identity().send().await;
        let answer = answer.map_err(|error| self.service_error("sts", "GetCallerIdentity", "the caller", &error))?;
        Ok(CallerIdentity {
            account: answer.account.unwrap_or_default(),
            arn: answer.arn.unwrap_or_default(),
            region: self.0.region.clone(),
        })
    }

    pub(super) fn cloudformation(&self) -> &aws_sdk_cloudformation::Client {
        &self.0.cloudformation
    }

    pub(super) fn cloud_map(&self) -> &aws_sdk_servicediscovery::Client {
        &self.0.cloud_map
    }

    pub(super) fn poller(&self, interval: PollInterval) -> Poller {
        Poller::new(self.0.sleep.clone(), interval)
    }

    /// The error of a call to CloudFormation about a stack.
    pub(super) fn call_error<E>(&self, action: &'static str, stack: &str, error: &SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.service_error("cloudformation", action, &format!("stack `{stack}`"), error)
    }

    /// The error of a call about something.
    pub(super) fn service_error<E>(
        &self,
        service: &'static str,
        action: &'static str,
        resource: &str,
        error: &SdkError<E, HttpResponse>,
    ) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let call = Call {
            service,
            action,
            resource,
            place: &self.0.place,
        };
        from_sdk_error(call, error)
    }
}
