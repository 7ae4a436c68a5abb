//! Environment: the AWS clients of one account and region, and their errors.

use std::sync::{Arc, OnceLock};

use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_types::SdkConfig;
use aws_types::region::Region;

use super::error::{Call, Error, ErrorKind, from_sdk_error};
use super::json_api::JsonClient;
use super::poll::{PollInterval, Poller};
use super::timeouts::with_timeouts;

/// An AWS account and region.
///
/// Clones are cheap and share their connections. All futures are cancel-safe: a dropped future makes no further call, and
/// CloudFormation completes operations that have started.
#[derive(Debug, Clone)]
pub struct Environment(Arc<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    cloudformation: aws_sdk_cloudformation::Client,
    s3: aws_sdk_s3::Client,
    template_bucket: Option<String>,
    service_role: Option<String>,
    cloud_map: aws_sdk_servicediscovery::Client,
    sts: aws_sdk_sts::Client,
    json: JsonClient,
    region: String,
    /// The profile of the credentials, for messages.
    profile: Option<String>,
    /// The account ID, once it is known.
    account: OnceLock<String>,
    /// Region and endpoint, for messages.
    location: String,
    sleep: SharedAsyncSleep,
}

/// The identity of the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallerIdentity {
    /// The account ID.
    pub account: String,
    /// The ARN of the user or role.
    pub arn: String,
    /// The region.
    pub region: String,
}

impl Environment {
    /// The environment of a configuration, from the crate `aws-config` for example: region, credentials, endpoint, retries
    /// and HTTP client. Waits use its sleep implementation, or Tokio's. Time limits that it lacks are added, see
    /// [`with_timeouts`](crate::with_timeouts).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NoRegion`] without a region, [`ErrorKind::NoCredentials`] without a credentials provider. No call is
    /// made.
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
        let config = &with_timeouts(config);
        Ok(Self(Arc::new(Inner {
            cloudformation: aws_sdk_cloudformation::Client::new(config),
            s3: s3_client(config),
            template_bucket: None,
            service_role: None,
            cloud_map: aws_sdk_servicediscovery::Client::new(config),
            sts: aws_sdk_sts::Client::new(config),
            json: JsonClient::new(config, Region::new(region.clone())),
            location: config
                .endpoint_url()
                .map_or_else(|| region.clone(), |url| format!("{region} ({url})")),
            region,
            profile: None,
            account: OnceLock::new(),
            sleep: config
                .sleep_impl()
                .unwrap_or_else(|| SharedAsyncSleep::new(TokioSleep::new())),
        })))
    }

    /// Sets the S3 bucket of templates over 51,200 bytes. It must exist, in this region and account. Default, decided by us:
    /// `meshwright-templates-ACCOUNT-REGION`, which the first upload creates: private, encrypted, reachable by TLS only, and
    /// templates expire after 30 days.
    #[must_use]
    pub fn with_template_bucket(self, name: impl Into<String>) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        inner.template_bucket = Some(name.into());
        Self(Arc::new(inner))
    }

    /// Sets the IAM role with whose permissions CloudFormation changes the resources of stacks, by its ARN. CloudFormation
    /// keeps it for later operations on the stack, deletion included. Default, decided by CloudFormation: the role of the
    /// stack's last operation, or the permissions of the caller (CloudFormation API reference, `CreateChangeSet`, `RoleARN`,
    /// read 2026-11-30).
    #[must_use]
    pub fn with_service_role(self, arn: impl Into<String>) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        inner.service_role = Some(arn.into());
        Self(Arc::new(inner))
    }

    /// The ARN of the service role, if one is set.
    pub(crate) fn service_role(&self) -> Option<&str> {
        self.0.service_role.as_deref()
    }

    /// Names the profile that the credentials are from, so that messages can name the command that renews them. Default:
    /// not named.
    #[must_use]
    pub fn with_profile(self, profile: Option<&str>) -> Self {
        let mut inner = Arc::unwrap_or_clone(self.0);
        inner.profile = profile.map(str::to_owned);
        Self(Arc::new(inner))
    }

    /// The region, such as `eu-west-1`.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.0.region
    }

    /// The identity of the caller, to show before anything is changed. One call, which needs no permission.
    ///
    /// # Errors
    ///
    /// If the call fails: credentials, network.
    pub async fn caller_identity(&self) -> Result<CallerIdentity, Error> {
        let response = self.0.sts.get_caller_identity().send().await;
        let response = response.map_err(|error| self.service_error("sts", "GetCallerIdentity", "the caller", error))?;
        let account = response.account.unwrap_or_default();
        self.0.account.get_or_init(|| account.clone());
        Ok(CallerIdentity {
            account,
            arn: response.arn.unwrap_or_default(),
            region: self.0.region.clone(),
        })
    }

    /// The account ID.
    pub(super) async fn account(&self) -> Result<String, Error> {
        match self.0.account.get() {
            Some(account) => Ok(account.clone()),
            None => Ok(self.caller_identity().await?.account),
        }
    }

    pub(super) fn cloudformation(&self) -> &aws_sdk_cloudformation::Client {
        &self.0.cloudformation
    }

    pub(super) fn s3(&self) -> &aws_sdk_s3::Client {
        &self.0.s3
    }

    /// The bucket of [`Environment::with_template_bucket`].
    pub(super) fn given_template_bucket(&self) -> Option<&str> {
        self.0.template_bucket.as_deref()
    }

    pub(super) fn cloud_map(&self) -> &aws_sdk_servicediscovery::Client {
        &self.0.cloud_map
    }

    pub(super) fn json(&self) -> &JsonClient {
        &self.0.json
    }

    pub(super) fn poller(&self, interval: PollInterval) -> Poller {
        Poller::new(self.0.sleep.clone(), interval)
    }

    /// The error of a CloudFormation call about a stack.
    pub(super) fn call_error<E>(&self, action: &'static str, stack: &str, error: SdkError<E, HttpResponse>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.service_error("cloudformation", action, &format!("stack `{stack}`"), error)
    }

    /// The error of a call about a resource.
    pub(super) fn service_error<E>(
        &self,
        service: &'static str,
        action: &'static str,
        resource: &str,
        error: SdkError<E, HttpResponse>,
    ) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let call = Call {
            service,
            action,
            resource,
            location: &self.0.location,
            profile: self.0.profile.as_deref(),
        };
        from_sdk_error(call, error)
    }
}

/// The S3 client. An emulator has no host name per bucket.
fn s3_client(config: &SdkConfig) -> aws_sdk_s3::Client {
    let is_emulator = config.endpoint_url().is_some();
    let config = aws_sdk_s3::config::Builder::from(config).force_path_style(is_emulator);
    aws_sdk_s3::Client::from_conf(config.build())
}
