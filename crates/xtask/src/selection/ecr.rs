//! ECR: repositories of container images.

use super::{Module, structs};

pub(super) const MODULE: Module = Module {
    name: "ecr",
    hand_written: &[],
    structs: structs! {
        /// A repository of container images.
        ///
        /// `Ref` returns the repository's name. `Fn::GetAtt` supports `Arn` and `RepositoryUri`.
        Repository = "AWS::ECR::Repository" {
            /// The name: 2 to 256 of `a-z 0-9 . _ / -`. Default, decided by CloudFormation: stack name, logical id and a random
            /// part.
            RepositoryName,
            /// Whether a tag can be pushed again with another image. Default, decided by ECR: `MUTABLE`.
            ImageTagMutability,
            /// Whether images are scanned for vulnerabilities.
            ImageScanningConfiguration,
            /// The key with which images are encrypted. Default, decided by ECR: a key of Amazon S3.
            EncryptionConfiguration,
            /// When images are deleted. Default, decided by ECR: never.
            LifecyclePolicy,
        }

        /// Scans of a repository's images.
        ImageScanningConfiguration = "AWS::ECR::Repository.ImageScanningConfiguration" {
            /// Whether an image is scanned when it is pushed. Default, decided by ECR: false.
            ScanOnPush.json,
        }

        /// The encryption of a repository.
        EncryptionConfiguration = "AWS::ECR::Repository.EncryptionConfiguration" {
            /// `AES256`, `KMS` or `KMS_DSSE`.
            EncryptionType.json,
            /// The ARN of a key of KMS. Default, decided by ECR: the key `aws/ecr`.
            KmsKey.json,
        }

        /// The rules by which images are deleted.
        LifecyclePolicy = "AWS::ECR::Repository.LifecyclePolicy" {
            /// The rules, as JSON text.
            LifecyclePolicyText.json,
        }
    },
};
