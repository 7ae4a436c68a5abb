//! Templates that are too long for a request: uploaded to an S3 bucket, each under the hash of its content.
//!
//! A bucket name is global, so another account may own the default name. Every call names the expected owner, and S3
//! rejects it for a bucket of another account.

mod create;
mod error;

use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::result::SdkError;
use sha2::{Digest as _, Sha256};
use std::time::{Duration, SystemTime};

use super::deployment_input::{Body, DeploymentInput, body};
use super::environment::Environment;
use super::error::{Error, ErrorKind};

/// Prefix of the default bucket, before account and region.
const DEFAULT_NAME: &str = "meshwright-templates";
/// Prefix of the keys, decided by us: a bucket of the user may have other content.
const KEY_PREFIX: &str = "meshwright/";
/// Age up to which an uploaded template is used again. A template that is about to expire must not be: CloudFormation reads
/// it within seconds, but lifecycle rules run once a day.
const REUSED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// The bucket of an upload.
#[derive(Debug)]
pub(crate) struct TemplateBucket {
    name: String,
    region: String,
    /// The account that must own it.
    owner: String,
    /// The partition, such as `aws`.
    partition: String,
    /// Whether it is the bucket of this crate, which is created on demand.
    is_default: bool,
}

impl TemplateBucket {
    /// The URL of an object. With the bucket in the path, because the certificate of a name per bucket does not cover names
    /// with dots.
    fn url(&self, key: &str) -> String {
        let suffix = match self.partition.as_str() {
            "aws-cn" => "amazonaws.com.cn",
            "aws-iso" => "c2s.ic.gov",
            "aws-iso-b" => "sc2s.sgov.gov",
            _ => "amazonaws.com",
        };
        format!("https://s3.{}.{suffix}/{}/{key}", self.region, self.name)
    }
}

/// The key of a template: the hash of its text, so that a template is uploaded once.
fn key(text: &str) -> String {
    let hash: String = Sha256::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{KEY_PREFIX}{hash}.json")
}

impl Environment {
    /// Uploads a template, unless it was uploaded within a day, and returns its URL.
    ///
    /// # Errors
    ///
    /// Errors of calls, with the bucket and the remedy. [`ErrorKind::Rejected`](crate::ErrorKind::Rejected) for a bucket of
    /// another account or region.
    pub(crate) async fn upload_template(&self, text: &str) -> Result<String, Error> {
        let bucket = self.template_bucket().await?;
        let key = key(text);
        if !self.was_uploaded(&bucket, &key).await? {
            if bucket.is_default {
                self.ensure_template_bucket(&bucket).await?;
            }
            let call = self
                .s3()
                .put_object()
                .bucket(&bucket.name)
                .key(&key)
                .expected_bucket_owner(&bucket.owner)
                .content_type("application/json")
                .body(ByteStream::from(text.as_bytes().to_vec()));
            if let Err(error) = call.send().await {
                return Err(self.bucket_error("PutObject", &bucket, error).await);
            }
        }
        Ok(bucket.url(&key))
    }

    /// Checks the bucket that was given ([`Environment::with_template_bucket`]), if a template of these inputs has to be
    /// uploaded to it: before the first of several stacks is deployed. A caller that may not see the bucket gets no error here;
    /// the upload has it. The default bucket is created on demand.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rejected`](crate::ErrorKind::Rejected) for a bucket that does not exist, or of another account or region;
    /// if the caller cannot be identified or S3 is unreachable.
    pub async fn check_template_bucket(&self, inputs: &[DeploymentInput]) -> Result<(), Error> {
        let needs_upload = |input| matches!(body(input), Ok(Body::Upload(_)));
        if self.given_template_bucket().is_none() || !inputs.iter().any(needs_upload) {
            return Ok(());
        }
        let bucket = self.template_bucket().await?;
        let call = self.s3().head_bucket().bucket(&bucket.name);
        match call.expected_bucket_owner(&bucket.owner).send().await {
            Ok(_) => Ok(()),
            Err(error @ SdkError::ServiceError(_)) => match self.bucket_error("HeadBucket", &bucket, error).await {
                // Uploads need no `s3:ListBucket`.
                error if error.kind() == ErrorKind::AccessDenied => Ok(()),
                error => Err(error),
            },
            Err(error) => Err(self.service_error("s3", "HeadBucket", &described(&bucket), error)),
        }
    }

    /// The name of the default bucket of this account and region, if it exists. It stays when stacks are deleted, because all
    /// stacks of the account and region share it.
    ///
    /// # Errors
    ///
    /// If the caller cannot be identified or S3 is unreachable. A caller that may not see the bucket gets `None`.
    pub async fn remaining_template_bucket(&self) -> Result<Option<String>, Error> {
        let bucket = self.default_bucket().await?;
        let call = self.s3().head_bucket().bucket(&bucket.name);
        match call.expected_bucket_owner(&bucket.owner).send().await {
            Ok(_) => Ok(Some(bucket.name)),
            Err(SdkError::ServiceError(_)) => Ok(None),
            Err(error) => Err(self.service_error("s3", "HeadBucket", &described(&bucket), error)),
        }
    }

    async fn template_bucket(&self) -> Result<TemplateBucket, Error> {
        let default = self.default_bucket().await?;
        Ok(match self.given_template_bucket() {
            None => default,
            Some(name) => TemplateBucket {
                name: name.to_owned(),
                is_default: false,
                ..default
            },
        })
    }

    async fn default_bucket(&self) -> Result<TemplateBucket, Error> {
        let caller = self.caller_identity().await?;
        let partition = caller.arn.split(':').nth(1).unwrap_or("aws").to_owned();
        Ok(TemplateBucket {
            name: format!("{DEFAULT_NAME}-{}-{}", caller.account, caller.region),
            region: caller.region,
            owner: caller.account,
            partition,
            is_default: true,
        })
    }

    /// Whether the object exists and is recent. A rejected call counts as no: the upload that follows has the reason, which
    /// a response without a body cannot have.
    async fn was_uploaded(&self, bucket: &TemplateBucket, key: &str) -> Result<bool, Error> {
        let call = self.s3().head_object().bucket(&bucket.name).key(key);
        match call.expected_bucket_owner(&bucket.owner).send().await {
            Ok(found) => {
                let uploaded = found.last_modified.and_then(|time| SystemTime::try_from(time).ok());
                Ok(uploaded.is_some_and(|time| time.elapsed().unwrap_or_default() < REUSED_FOR))
            }
            Err(SdkError::ServiceError(_)) => Ok(false),
            Err(error) => Err(self.service_error("s3", "HeadObject", &described(bucket), error)),
        }
    }
}

fn described(bucket: &TemplateBucket) -> String {
    format!("bucket `{}`", bucket.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_follow_the_partition() {
        let url = |partition: &str, region: &str| {
            TemplateBucket {
                name: "b.c".to_owned(),
                region: region.to_owned(),
                owner: "1".to_owned(),
                partition: partition.to_owned(),
                is_default: false,
            }
            .url("meshwright/k.json")
        };
        assert_eq!(
            url("aws", "eu-west-1"),
            "https://s3.eu-west-1.amazonaws.com/b.c/meshwright/k.json"
        );
        assert_eq!(
            url("aws-cn", "cn-north-1"),
            "https://s3.cn-north-1.amazonaws.com.cn/b.c/meshwright/k.json"
        );
    }

    #[test]
    fn keys_are_hashes_of_the_content() {
        assert_eq!(
            key("{}"),
            "meshwright/44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a.json"
        );
    }
}
