//! Errors of calls on a bucket: another owner, another region, a missing bucket or permission.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_smithy_runtime_api::client::result::SdkError;

use super::{KEY_PREFIX, TemplateBucket, described};
use crate::environment::Environment;
use crate::error::{Error, ErrorKind, HttpResponse};

/// The header with the region of a bucket, which also responses to callers without permission have (S3 API reference,
/// `HeadBucket`, read 2026-11-30).
const REGION_HEADER: &str = "x-amz-bucket-region";

impl TemplateBucket {
    /// The error for a bucket of another account.
    pub(super) fn foreign(&self) -> Error {
        let Self { name, owner, .. } = self;
        let message = format!(
            "bucket `{name}` for templates belongs to another account than {owner}; nothing was uploaded: use a bucket of \
             yours by --template-bucket"
        );
        Error::new(ErrorKind::Rejected, message)
    }

    fn remedy(&self) -> &'static str {
        match self.is_default {
            true => "Or use an existing bucket by --template-bucket",
            false => "Or leave out --template-bucket, for a bucket that is created",
        }
    }
}

impl Environment {
    /// The error of a call on the bucket.
    pub(super) async fn bucket_error<E>(
        &self,
        action: &'static str,
        bucket: &TemplateBucket,
        error: SdkError<E, HttpResponse>,
    ) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let TemplateBucket {
            name, region, owner, ..
        } = bucket;
        let response = error.raw_response();
        let status = response.map_or(0, |response| response.status().as_u16());
        let located = response.and_then(|response| response.headers().get(REGION_HEADER));
        if let Some(other) = located.filter(|located| located != region) {
            let message = format!(
                "bucket `{name}` for templates is in {other}, and the stack in {region}; use a bucket in {region} by \
                 --template-bucket"
            );
            return Error::new(ErrorKind::Rejected, message);
        }
        // A response to `HEAD` has no code.
        if error.code() == Some("NoSuchBucket") || action == "HeadBucket" && status == 404 {
            let message = format!(
                "bucket `{name}` for templates does not exist; create it in {region}, or leave out --template-bucket, for a \
                 bucket that is created"
            );
            return Error::new(ErrorKind::Rejected, message);
        }
        let failed = self.service_error("s3", action, &described(bucket), error);
        if status != 403 || failed.kind() != ErrorKind::AccessDenied {
            return failed.with_sentence(bucket.remedy());
        }
        // S3 gives one error for a bucket of another account and for a missing permission.
        let call = self.s3().head_bucket().bucket(name).expected_bucket_owner(owner);
        if call.send().await.is_ok() {
            return failed.with_sentence(bucket.remedy());
        }
        if self.s3().head_bucket().bucket(name).send().await.is_ok() {
            return bucket.foreign();
        }
        failed.with_sentence(&format!(
            "Uploads need `s3:PutObject` and `s3:GetObject` for {name}/{KEY_PREFIX}*, and account {owner} must own the bucket. {}",
            bucket.remedy()
        ))
    }
}
