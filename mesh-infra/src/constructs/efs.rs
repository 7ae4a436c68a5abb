//! File systems of Amazon EFS: a file system in the stack, access points, and volumes of tasks.

mod access_point;
mod volume;

use cfn::{Resource, StringList, Value, ec2, efs};
use serde_json::{Value as Json, json};

use super::NetworkHandle;
use super::iam::VERSION;
use super::security_groups::{from_group, group, id_of, no_egress};
use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

pub use access_point::{AccessPoint, AccessPointHandle};
pub use volume::EfsVolume;

/// The port of NFS.
const NFS: u16 = 2049;

/// A file system of Amazon EFS, with an address in each subnet of a network, which the tasks of the network can mount.
///
/// It is encrypted, backed up daily by AWS Backup, has elastic throughput, and moves files that were not used for 30 days to
/// a cheaper storage class, all decided by us. **It is kept when it is removed from the stack**, or the stack is deleted:
/// its files exist nowhere else, except in backups. A later deployment creates a new one; [`EfsVolume::existing`] mounts the
/// one that was kept, from new mount targets. One whose creation is rolled back is deleted.
///
/// Its policy rejects connections without TLS. Clients have the access that their role allows ([`EfsVolume`] gives the role
/// of a task exactly that), and its security group allows NFS from the tasks of the network alone.
#[derive(Debug, Clone)]
pub struct FileSystem {
    network: NetworkHandle,
    kms_key: Option<Value<String>>,
    has_backups: bool,
}

impl FileSystem {
    /// A file system for the tasks of a network whose subnets are known, one in each availability zone, and whose security
    /// groups are known.
    #[must_use]
    pub fn new(network: &NetworkHandle) -> Self {
        Self {
            network: network.clone(),
            kms_key: None,
            has_backups: true,
        }
    }

    /// Sets the ARN or id of the KMS key of its encryption. Default, decided by EFS: `aws/elasticfilesystem`. A change
    /// replaces the file system.
    #[must_use]
    pub fn with_kms_key(mut self, key: impl Into<Value<String>>) -> Self {
        self.kms_key = Some(key.into());
        self
    }

    /// Removes the daily backup. Default, decided by us: AWS Backup keeps one for 35 days.
    #[must_use]
    pub fn without_backups(mut self) -> Self {
        self.has_backups = false;
        self
    }

    fn properties(&self) -> efs::FileSystem {
        efs::FileSystem {
            encrypted: Some(Value::Known(true)),
            kms_key_id: self.kms_key.clone(),
            throughput_mode: Some(Value::from("elastic")),
            backup_policy: Some(json!({"Status": if self.has_backups { "ENABLED" } else { "DISABLED" }})),
            lifecycle_policies: Some(json!([
                {"TransitionToIA": "AFTER_30_DAYS"},
                {"TransitionToPrimaryStorageClass": "AFTER_1_ACCESS"}
            ])),
            file_system_policy: Some(policy()),
            ..efs::FileSystem::default()
        }
    }

    /// The subnets, if they are known and each exists once.
    fn subnets(&self, path: &str, scope: &mut Scope<'_>) -> Vec<Value<String>> {
        match self.network.subnets() {
            Some(StringList::Known(subnets)) => subnets.clone(),
            _ => {
                let message = "is in a network whose subnets are parameters, and needs one mount target for each; use a Vpc or \
                               Network::in_subnets";
                scope.diagnostics().add(path, message);
                Vec::new()
            }
        }
    }

    fn add_security_group(&self, path: &str, scope: &mut Scope<'_>) -> LogicalId {
        let id = scope.part("FileSystemSecurityGroup");
        let vpc = self.network.vpc_id(scope);
        let sources = self.network.task_security_groups();
        if sources.is_empty() {
            let message = "is in a network without known security groups, so that it cannot allow its tasks; use a Vpc, \
                           Network::with_vpc_id or Network::with_security_groups";
            scope.diagnostics().add(path, message);
        }
        let rules: Vec<ec2::Ingress> = sources
            .iter()
            .map(|source| from_group(source, NFS..=NFS, "NFS from tasks of the network"))
            .collect();
        let properties = group("Mount targets of a file system", &vpc, Some(json!(rules)), &no_egress());
        scope.add_resource(&id, Resource::of(&properties));
        id
    }
}

/// Rejects connections without TLS. As it allows nothing, clients have the access of their roles alone.
///
/// Source: EFS user guide, "Using IAM to control access to file systems" (read 2026-11-30).
fn policy() -> Json {
    json!({"Version": VERSION, "Statement": [{
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}}
    }]})
}

/// A file system that was added to a stack.
#[derive(Debug, Clone, PartialEq)]
pub struct FileSystemHandle {
    id: LogicalId,
    mount_targets: Vec<LogicalId>,
}

impl FileSystemHandle {
    /// The file system's logical id.
    #[must_use]
    pub fn logical_id(&self) -> &LogicalId {
        &self.id
    }

    /// Its id, such as `fs-0123456789abcdef0`.
    #[must_use]
    pub fn id(&self) -> Value<String> {
        Value::reference(self.id.qualified())
    }

    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> Value<String> {
        Value::attribute(self.id.qualified(), "Arn")
    }

    /// What exists before a task can mount it.
    pub(super) fn mount_targets(&self) -> &[LogicalId] {
        &self.mount_targets
    }
}

impl Construct for FileSystem {
    type Handle = FileSystemHandle;
    const KIND: &'static str = "FileSystem";

    fn add_to(self, scope: &mut Scope<'_>) -> FileSystemHandle {
        let id = scope.logical_id();
        let path = format!("Resources.{id}");
        scope.refer_to(self.network.logical_id(), &path);
        let resource = Resource {
            update_replace_policy: Some(Json::from("Retain")),
            // Kept with the stack's deletion, and not when its creation fails: each attempt would leave one behind.
            // Source: CloudFormation template reference, `DeletionPolicy` (read 2026-11-30).
            deletion_policy: Some(Json::from("RetainExceptOnCreate")),
            ..Resource::of(&self.properties())
        };
        scope.add_resource(&id, resource);
        let security_group = self.add_security_group(&path, scope);
        let mut mount_targets = Vec::new();
        for (index, subnet) in self.subnets(&path, scope).into_iter().enumerate() {
            let target = scope.part(&format!("MountTarget{}", index + 1));
            let properties = efs::MountTarget::new(
                Value::<String>::reference(id.as_str()),
                subnet,
                StringList::list([id_of(&security_group)]),
            );
            scope.add_resource(&target, Resource::of(&properties));
            mount_targets.push(target);
        }
        FileSystemHandle { id, mount_targets }
    }
}
