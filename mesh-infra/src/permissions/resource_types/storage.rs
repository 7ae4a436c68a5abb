//! File systems, tables, buckets and image repositories.

use super::{ResourceActions, Scope};

const FILE_SYSTEMS: &str = "elasticfilesystem.amazonaws.com";

pub(super) const TYPES: &[ResourceActions] = &[
    ResourceActions {
        kind: "AWS::EFS::FileSystem",
        rules: &[(
            Scope::Region,
            &[
                "elasticfilesystem:CreateFileSystem",
                "elasticfilesystem:UpdateFileSystem",
                "elasticfilesystem:UpdateFileSystemProtection",
                "elasticfilesystem:DeleteFileSystem",
                "elasticfilesystem:DescribeFileSystems",
                "elasticfilesystem:PutLifecycleConfiguration",
                "elasticfilesystem:DescribeLifecycleConfiguration",
                "elasticfilesystem:PutBackupPolicy",
                "elasticfilesystem:DescribeBackupPolicy",
                "elasticfilesystem:PutFileSystemPolicy",
                "elasticfilesystem:DeleteFileSystemPolicy",
                "elasticfilesystem:DescribeFileSystemPolicy",
                "elasticfilesystem:DescribeReplicationConfigurations",
                "elasticfilesystem:TagResource",
                "elasticfilesystem:UntagResource",
                "elasticfilesystem:ListTagsForResource",
            ],
        )],
        linked_services: &[FILE_SYSTEMS],
    },
    ResourceActions {
        kind: "AWS::EFS::MountTarget",
        rules: &[(
            Scope::Region,
            &[
                "elasticfilesystem:CreateMountTarget",
                "elasticfilesystem:DeleteMountTarget",
                "elasticfilesystem:DescribeMountTargets",
                "elasticfilesystem:DescribeMountTargetSecurityGroups",
                "elasticfilesystem:ModifyMountTargetSecurityGroups",
                // EFS makes the network interface with the caller's permissions.
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSubnets",
            ],
        )],
        linked_services: &[FILE_SYSTEMS],
    },
    ResourceActions {
        kind: "AWS::EFS::AccessPoint",
        rules: &[(
            Scope::Region,
            &[
                "elasticfilesystem:CreateAccessPoint",
                "elasticfilesystem:DeleteAccessPoint",
                "elasticfilesystem:DescribeAccessPoints",
                "elasticfilesystem:TagResource",
                "elasticfilesystem:UntagResource",
            ],
        )],
        linked_services: &[],
    },
    ResourceActions {
        kind: "AWS::S3::Bucket",
        rules: &[(
            // Names are generated. Reads of drift detection that the bucket has no property for are left out.
            Scope::Region,
            &[
                "s3:CreateBucket",
                "s3:DeleteBucket",
                "s3:ListBucket",
                "s3:GetBucketLocation",
                "s3:PutBucketPublicAccessBlock",
                "s3:GetBucketPublicAccessBlock",
                "s3:PutBucketOwnershipControls",
                "s3:GetBucketOwnershipControls",
                "s3:PutEncryptionConfiguration",
                "s3:GetEncryptionConfiguration",
                "s3:PutLifecycleConfiguration",
                "s3:GetLifecycleConfiguration",
                "s3:PutBucketTagging",
                "s3:GetBucketTagging",
            ],
        )],
        linked_services: &[],
    },
    ResourceActions {
        kind: "AWS::S3::BucketPolicy",
        rules: &[(
            Scope::Region,
            &["s3:PutBucketPolicy", "s3:GetBucketPolicy", "s3:DeleteBucketPolicy"],
        )],
        linked_services: &[],
    },
    ResourceActions {
        kind: "AWS::DynamoDB::Table",
        rules: &[(
            // Names are generated.
            Scope::Region,
            &[
                "dynamodb:CreateTable",
                "dynamodb:DeleteTable",
                "dynamodb:UpdateTable",
                "dynamodb:DescribeTable",
                "dynamodb:DescribeContinuousBackups",
                "dynamodb:UpdateContinuousBackups",
                "dynamodb:DescribeTimeToLive",
                "dynamodb:UpdateTimeToLive",
                "dynamodb:DescribeContributorInsights",
                "dynamodb:DescribeKinesisStreamingDestination",
                "dynamodb:GetResourcePolicy",
                "dynamodb:ListTagsOfResource",
                "dynamodb:TagResource",
                "dynamodb:UntagResource",
            ],
        )],
        linked_services: &[],
    },
    ResourceActions {
        kind: "AWS::ECR::Repository",
        rules: &[(
            Scope::Repository,
            &[
                "ecr:CreateRepository",
                "ecr:DeleteRepository",
                "ecr:DescribeRepositories",
                "ecr:PutLifecyclePolicy",
                "ecr:GetLifecyclePolicy",
                "ecr:DeleteLifecyclePolicy",
                "ecr:SetRepositoryPolicy",
                "ecr:GetRepositoryPolicy",
                "ecr:DeleteRepositoryPolicy",
                "ecr:PutImageTagMutability",
                "ecr:PutImageScanningConfiguration",
                "ecr:TagResource",
                "ecr:UntagResource",
                "ecr:ListTagsForResource",
            ],
        )],
        linked_services: &[],
    },
];
