//! Generated from the CloudFormation resource schemas of 2026-10-20 in cfn-lint by `cargo run -p xtask -- generate`.
//! Do not edit.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::ResourceType;
use crate::value::{StringList, Value};

/// `AWS::EFS::FileSystem`: a file system that tasks in all availability zones can mount.
///
/// `Ref` returns the file system's id. `Fn::GetAtt` supports `Arn`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FileSystem {
    /// Whether it is encrypted at rest. Default, decided by EFS: false. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted: Option<Value<bool>>,
    /// The key of its encryption. Default, decided by EFS: `aws/elasticfilesystem`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<Value<String>>,
    /// Its throughput. Default, decided by EFS: `bursting`. Allowed: `bursting`, `elastic`, `provisioned`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput_mode: Option<Value<String>>,
    /// Whether AWS Backup saves it daily. Default, decided by EFS: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup_policy: Option<Json>,
    /// When files move to a cheaper storage class. Default, decided by EFS: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_policies: Option<Json>,
    /// Its resource policy. Default, decided by EFS: all clients that reach a mount target have access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_system_policy: Option<Json>,
    /// Properties without a field here: `AvailabilityZoneName`, `BypassPolicyLockoutSafetyCheck`,
    /// `FileSystemProtection`, `FileSystemTags`, `PerformanceMode`, `ProvisionedThroughputInMibps`,
    /// `ReplicationConfiguration`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for FileSystem {
    const KIND: &'static str = "AWS::EFS::FileSystem";
}

/// `AWS::EFS::MountTarget`: the address of a file system in a subnet; at most one in each availability zone.
///
/// `Ref` returns the mount target's id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MountTarget {
    /// The file system, by id. Replaced when changed. Required.
    pub file_system_id: Value<String>,
    /// The subnet, by id. Replaced when changed. Required.
    pub subnet_id: Value<String>,
    /// Its security groups, at most 5. Required.
    pub security_groups: StringList,
    /// Properties without a field here: `IpAddress`, `IpAddressType`, `Ipv6Address`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl MountTarget {
    /// With these properties, and no others.
    pub fn new(
        file_system_id: impl Into<Value<String>>,
        subnet_id: impl Into<Value<String>>,
        security_groups: impl Into<StringList>,
    ) -> Self {
        Self {
            file_system_id: file_system_id.into(),
            subnet_id: subnet_id.into(),
            security_groups: security_groups.into(),
            other: Map::new(),
        }
    }
}

impl ResourceType for MountTarget {
    const KIND: &'static str = "AWS::EFS::MountTarget";
}

/// `AWS::EFS::AccessPoint`: a directory of a file system, with a user of its own.
///
/// `Ref` returns the access point's id. `Fn::GetAtt` supports `Arn`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccessPoint {
    /// The file system, by id. Replaced when changed. Required.
    pub file_system_id: Value<String>,
    /// The user as whom all clients access it. Default: the client's. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posix_user: Option<PosixUser>,
    /// The directory. Default, decided by EFS: `/`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_directory: Option<RootDirectory>,
    /// Properties without a field here: `AccessPointTags`, `ClientToken`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl AccessPoint {
    /// With these properties, and no others.
    pub fn new(file_system_id: impl Into<Value<String>>) -> Self {
        Self {
            file_system_id: file_system_id.into(),
            posix_user: None,
            root_directory: None,
            other: Map::new(),
        }
    }
}

impl ResourceType for AccessPoint {
    const KIND: &'static str = "AWS::EFS::AccessPoint";
}

/// The user of an access point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PosixUser {
    /// The user's id. Allowed: 0 to 4294967295. Required.
    pub uid: Value<String>,
    /// The group's id. Allowed: 0 to 4294967295. Required.
    pub gid: Value<String>,
    /// Properties without a field here: `SecondaryGids`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl PosixUser {
    /// With these properties, and no others.
    pub fn new(uid: impl Into<Value<String>>, gid: impl Into<Value<String>>) -> Self {
        Self {
            uid: uid.into(),
            gid: gid.into(),
            other: Map::new(),
        }
    }
}

/// The directory of an access point.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RootDirectory {
    /// Its path: at most four names and 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Value<String>>,
    /// Owner and permissions of a directory that does not exist. Without them, the file system cannot be mounted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub creation_info: Option<CreationInfo>,
}

/// Owner and permissions of a new directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CreationInfo {
    /// The owner's id. Allowed: 0 to 4294967295. Required.
    pub owner_uid: Value<String>,
    /// The group's id. Allowed: 0 to 4294967295. Required.
    pub owner_gid: Value<String>,
    /// The permissions, such as `0750`. Required.
    pub permissions: Value<String>,
}
