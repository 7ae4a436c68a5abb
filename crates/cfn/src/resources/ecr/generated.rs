//! Generated from the CloudFormation resource schemas of 2026-10-20 in cfn-lint by `cargo run -p xtask -- generate`.
//! Do not edit.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::ResourceType;
use crate::value::Value;

/// `AWS::ECR::Repository`: a repository of container images.
///
/// `Ref` returns the repository's name. `Fn::GetAtt` supports `Arn` and `RepositoryUri`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Repository {
    /// The name: 2 to 256 of `a-z 0-9 . _ / -`. Default, decided by CloudFormation: stack name, logical id and a random
    /// part. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository_name: Option<Value<String>>,
    /// Whether a tag can be pushed again with another image. Default, decided by ECR: `MUTABLE`. Allowed: `MUTABLE`,
    /// `IMMUTABLE`, `MUTABLE_WITH_EXCLUSION`, `IMMUTABLE_WITH_EXCLUSION`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_tag_mutability: Option<Value<String>>,
    /// Whether images are scanned for vulnerabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_scanning_configuration: Option<ImageScanningConfiguration>,
    /// The key with which images are encrypted. Default, decided by ECR: a key of Amazon S3. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_configuration: Option<EncryptionConfiguration>,
    /// When images are deleted. Default, decided by ECR: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_policy: Option<LifecyclePolicy>,
    /// Properties without a field here: `EmptyOnDelete`, `ImageTagMutabilityExclusionFilters`, `RepositoryPolicyText`,
    /// `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for Repository {
    const KIND: &'static str = "AWS::ECR::Repository";
}

/// Scans of a repository's images.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ImageScanningConfiguration {
    /// Whether an image is scanned when it is pushed. Default, decided by ECR: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan_on_push: Option<Json>,
}

/// The encryption of a repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EncryptionConfiguration {
    /// `AES256`, `KMS` or `KMS_DSSE`. Required.
    pub encryption_type: Json,
    /// The ARN of a key of KMS. Default, decided by ECR: the key `aws/ecr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key: Option<Json>,
}

impl EncryptionConfiguration {
    /// With these properties, and no others.
    pub fn new(encryption_type: Json) -> Self {
        Self {
            encryption_type,
            kms_key: None,
        }
    }
}

/// The rules by which images are deleted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LifecyclePolicy {
    /// The rules, as JSON text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_policy_text: Option<Json>,
    /// Properties without a field here: `RegistryId`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}
