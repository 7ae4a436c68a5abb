//! Creates and configures the default bucket.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, BucketLocationConstraint, CreateBucketConfiguration,
    ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter, PublicAccessBlockConfiguration,
    ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
    Tag, Tagging,
};
use serde_json::json;

use super::TemplateBucket;
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};

/// The tag that marks a configured bucket. It is set last, so that a bucket whose creation was interrupted is configured by
/// the next upload.
const SETTINGS_TAG: (&str, &str) = ("meshwright:settings", "1");
const PURPOSE_TAG: (&str, &str) = ("meshwright:purpose", "templates");
/// Days after which templates expire, decided by us: CloudFormation keeps its own copy of a deployed template.
const EXPIRY_DAYS: i32 = 30;
/// Days after which incomplete uploads are removed: the minimum of S3.
const ABORT_DAYS: i32 = 1;
/// The only region that is not named as a location.
const FIRST_REGION: &str = "us-east-1";

/// The result of a call on the bucket.
type Sent<E> = Result<(), aws_smithy_runtime_api::client::result::SdkError<E, crate::error::HttpResponse>>;

impl Environment {
    /// Creates the bucket, or completes its configuration, if needed.
    pub(super) async fn ensure_template_bucket(&self, bucket: &TemplateBucket) -> Result<(), Error> {
        let call = self.s3().get_bucket_tagging().bucket(&bucket.name);
        match call.expected_bucket_owner(&bucket.owner).send().await {
            Ok(found) => {
                let has_settings = |tag: &Tag| (tag.key(), tag.value()) == SETTINGS_TAG;
                if found.tag_set().iter().any(has_settings) {
                    return Ok(());
                }
            }
            Err(error) => match error.code() {
                Some("NoSuchTagSet") => {}
                Some("NoSuchBucket") => self.create_template_bucket(bucket).await?,
                _ => return Err(self.bucket_error("GetBucketTagging", bucket, error).await),
            },
        }
        self.configure_template_bucket(bucket).await
    }

    async fn create_template_bucket(&self, bucket: &TemplateBucket) -> Result<(), Error> {
        // New buckets have the object ownership "bucket owner enforced"; with the header that sets it, the call requires
        // `s3:PutBucketOwnershipControls` as well. Source: S3 user guide, "Setting Object Ownership when you create a bucket",
        // and API reference, `CreateBucket` (read 2026-11-30).
        let mut call = self.s3().create_bucket().bucket(&bucket.name);
        if bucket.region != FIRST_REGION {
            let location = BucketLocationConstraint::from(bucket.region.as_str());
            let location = CreateBucketConfiguration::builder().location_constraint(location);
            call = call.create_bucket_configuration(location.build());
        }
        match call.send().await {
            Ok(_) => Ok(()),
            // By another deployment at the same time.
            Err(error) if error.code() == Some("BucketAlreadyOwnedByYou") => Ok(()),
            Err(error) if error.code() == Some("BucketAlreadyExists") => Err(bucket.foreign()),
            Err(error) => Err(self.bucket_error("CreateBucket", bucket, error).await),
        }
    }

    /// Access only for the account, by TLS; encrypted; without old templates.
    async fn configure_template_bucket(&self, bucket: &TemplateBucket) -> Result<(), Error> {
        let TemplateBucket { name, owner, .. } = bucket;
        let s3 = self.s3();
        let access = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        let call = s3.put_public_access_block().bucket(name).expected_bucket_owner(owner);
        let sent = call.public_access_block_configuration(access).send().await;
        self.expect_sent("PutPublicAccessBlock", bucket, sent.map(drop)).await?;

        let call = s3.put_bucket_policy().bucket(name).expected_bucket_owner(owner);
        let sent = call.policy(tls_only(bucket)).send().await;
        self.expect_sent("PutBucketPolicy", bucket, sent.map(drop)).await?;

        let sent = s3
            .put_bucket_encryption()
            .bucket(name)
            .expected_bucket_owner(owner)
            .server_side_encryption_configuration(encryption()?)
            .send()
            .await;
        self.expect_sent("PutBucketEncryption", bucket, sent.map(drop)).await?;

        let call = s3.put_bucket_lifecycle_configuration().bucket(name);
        let call = call.expected_bucket_owner(owner).lifecycle_configuration(expiry()?);
        let sent = call.send().await;
        self.expect_sent("PutBucketLifecycleConfiguration", bucket, sent.map(drop))
            .await?;

        let call = s3.put_bucket_tagging().bucket(name).expected_bucket_owner(owner);
        let sent = call.tagging(tags()?).send().await;
        self.expect_sent("PutBucketTagging", bucket, sent.map(drop)).await
    }

    async fn expect_sent<E>(&self, action: &'static str, bucket: &TemplateBucket, sent: Sent<E>) -> Result<(), Error>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        match sent {
            Ok(()) => Ok(()),
            Err(error) => Err(self.bucket_error(action, bucket, error).await),
        }
    }
}

/// Denies access without TLS.
fn tls_only(bucket: &TemplateBucket) -> String {
    let arn = format!("arn:{}:s3:::{}", bucket.partition, bucket.name);
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "DenyWithoutTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, format!("{arn}/*")],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}
        }]
    })
    .to_string()
}

fn encryption() -> Result<ServerSideEncryptionConfiguration, Error> {
    let default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256);
    let default = default.build().map_err(incomplete)?;
    let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default);
    let configuration = ServerSideEncryptionConfiguration::builder().rules(rule.build());
    configuration.build().map_err(incomplete)
}

fn expiry() -> Result<BucketLifecycleConfiguration, Error> {
    let abort = AbortIncompleteMultipartUpload::builder().days_after_initiation(ABORT_DAYS);
    let rule = LifecycleRule::builder()
        .id("templates")
        .status(ExpirationStatus::Enabled)
        // All objects.
        .filter(LifecycleRuleFilter::builder().prefix("").build())
        .expiration(LifecycleExpiration::builder().days(EXPIRY_DAYS).build())
        .abort_incomplete_multipart_upload(abort.build());
    let rule = rule.build().map_err(incomplete)?;
    let configuration = BucketLifecycleConfiguration::builder().rules(rule);
    configuration.build().map_err(incomplete)
}

fn tags() -> Result<Tagging, Error> {
    let mut tags = Tagging::builder();
    for (key, value) in [PURPOSE_TAG, SETTINGS_TAG] {
        tags = tags.tag_set(Tag::builder().key(key).value(value).build().map_err(incomplete)?);
    }
    tags.build().map_err(incomplete)
}

/// A required field is missing, which the functions above set.
fn incomplete(error: aws_sdk_s3::error::BuildError) -> Error {
    let message = format!("a request for the bucket of templates cannot be built: {error}");
    Error::new(ErrorKind::Unexpected, message).with_source(error)
}
