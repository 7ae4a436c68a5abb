//! EFS: file systems, their mount targets and access points.

use super::{Module, structs};

pub(super) const MODULE: Module = Module {
    name: "efs",
    hand_written: &[],
    structs: structs! {
        /// A file system that tasks in all availability zones can mount.
        ///
        /// `Ref` returns the file system's id. `Fn::GetAtt` supports `Arn`.
        FileSystem = "AWS::EFS::FileSystem" {
            /// Whether it is encrypted at rest. Default, decided by EFS: false.
            Encrypted,
            /// The key of its encryption. Default, decided by EFS: `aws/elasticfilesystem`.
            KmsKeyId,
            /// Its throughput. Default, decided by EFS: `bursting`.
            ThroughputMode,
            /// Whether AWS Backup saves it daily. Default, decided by EFS: it does not.
            BackupPolicy.json,
            /// When files move to a cheaper storage class. Default, decided by EFS: never.
            LifecyclePolicies.json,
            /// Its resource policy. Default, decided by EFS: all clients that reach a mount target have access.
            FileSystemPolicy,
        }

        /// The address of a file system in a subnet; at most one in each availability zone.
        ///
        /// `Ref` returns the mount target's id.
        MountTarget = "AWS::EFS::MountTarget" {
            /// The file system, by id.
            FileSystemId,
            /// The subnet, by id.
            SubnetId,
            /// Its security groups, at most 5.
            SecurityGroups,
        }

        /// A directory of a file system, with a user of its own.
        ///
        /// `Ref` returns the access point's id. `Fn::GetAtt` supports `Arn`.
        AccessPoint = "AWS::EFS::AccessPoint" {
            /// The file system, by id.
            FileSystemId,
            /// The user as whom all clients access it. Default: the client's.
            PosixUser,
            /// The directory. Default, decided by EFS: `/`.
            RootDirectory,
        }

        /// The user of an access point.
        PosixUser = "AWS::EFS::AccessPoint.PosixUser" {
            /// The user's id.
            Uid,
            /// The group's id.
            Gid,
        }

        /// The directory of an access point.
        RootDirectory = "AWS::EFS::AccessPoint.RootDirectory" {
            /// Its path: at most four names and 100 characters.
            Path,
            /// Owner and permissions of a directory that does not exist. Without them, the file system cannot be mounted.
            CreationInfo,
        }

        /// Owner and permissions of a new directory.
        CreationInfo = "AWS::EFS::AccessPoint.CreationInfo" {
            /// The owner's id.
            OwnerUid,
            /// The group's id.
            OwnerGid,
            /// The permissions, such as `0750`.
            Permissions,
        }
    },
};
