//! Volumes of tasks in Amazon EFS.

use cfn::{Value, ecs};
use serde_json::{Value as Json, json};
use sidecar_contract::Diagnostics;

use super::{AccessPointHandle, FileSystemHandle};
use crate::constructs::concat::concat;
use crate::constructs::iam::{allow, own_arn_value};
use crate::stack::LogicalId;

/// A file system as a volume of a task ([`Container::with_efs_volume`]), writable by default.
///
/// Connections have TLS, and the file system checks the role of the task, both decided by us: the role may mount this file
/// system, by this access point if it has one, and write to it unless the volume is read-only. A role that is given by its
/// ARN must allow `elasticfilesystem:ClientMount` and `ClientWrite` itself.
///
/// It has no root access, so the user root of a container has the rights of other users. Those have read access only to the
/// root directory of a new file system, which belongs to root: to write, use an access point ([`EfsVolume::of_access_point`],
/// recommended) or [`EfsVolume::with_root_access`].
///
/// Source: ECS developer guide, "Use Amazon EFS volumes with Amazon ECS"; EFS user guide, "Using IAM to control access to file
/// systems" and "Working with users, groups, and permissions at the NFS level" (read 2026-11-30).
///
/// [`Container::with_efs_volume`]: crate::Container::with_efs_volume
#[derive(Debug, Clone, PartialEq)]
pub struct EfsVolume {
    name: String,
    file_system: Value<String>,
    arn: Json,
    access_point: Option<(Value<String>, Json)>,
    root_directory: Option<String>,
    is_read_only: bool,
    has_iam: bool,
    has_root_access: bool,
    /// Whether the file system belongs to a stack, so that its root directory belongs to root.
    is_new: bool,
    /// What exists before the volume can be mounted.
    dependencies: Vec<LogicalId>,
}

impl EfsVolume {
    /// A file system of the stack. `name` is the name of the volume, unique in the task. Its root directory belongs to root:
    /// synthesis reports a writable volume without an access point, root access or another directory.
    #[must_use]
    pub fn new(name: impl Into<String>, file_system: &FileSystemHandle) -> Self {
        Self {
            name: name.into(),
            file_system: file_system.id(),
            arn: file_system.arn().to_json(),
            access_point: None,
            root_directory: None,
            is_read_only: false,
            has_iam: true,
            has_root_access: false,
            is_new: true,
            dependencies: file_system.mount_targets().to_vec(),
        }
    }

    /// An access point of the stack, and its file system.
    #[must_use]
    pub fn of_access_point(name: impl Into<String>, access_point: &AccessPointHandle) -> Self {
        Self {
            access_point: Some((access_point.id(), access_point.arn().to_json())),
            ..Self::new(name, &access_point.file_system)
        }
    }

    /// An existing file system of the account, by id: `fs-0123456789abcdef0`. Its security groups must allow port 2049 from
    /// the tasks.
    #[must_use]
    pub fn existing(name: impl Into<String>, file_system_id: impl Into<Value<String>>) -> Self {
        let file_system = file_system_id.into();
        Self {
            name: name.into(),
            arn: arn_of("file-system", &file_system),
            file_system,
            access_point: None,
            root_directory: None,
            is_read_only: false,
            has_iam: true,
            has_root_access: false,
            is_new: false,
            dependencies: Vec::new(),
        }
    }

    /// Sets an existing access point, by id: `fsap-0123456789abcdef0`. Default: none; the task accesses the file system as
    /// its own user.
    #[must_use]
    pub fn with_access_point_id(mut self, id: impl Into<Value<String>>) -> Self {
        let id = id.into();
        let arn = arn_of("access-point", &id);
        self.access_point = Some((id, arn));
        self
    }

    /// Mounts a directory of the file system, which must exist. Not with an access point, which has its own. Default,
    /// decided by ECS: `/`.
    #[must_use]
    pub fn with_root_directory(mut self, path: impl Into<String>) -> Self {
        self.root_directory = Some(path.into());
        self
    }

    /// Makes it read-only, in the container and for the role of the task. Default: writable.
    #[must_use]
    pub fn with_read_only(mut self) -> Self {
        self.is_read_only = true;
        self
    }

    /// Lets the user root of the containers act as root in the file system, if the role of the task is checked: it may write
    /// to directories of all users. Required for a container that runs as root and writes to the root directory of a new file
    /// system, and for an access point with the user 0. Default, decided by us: no root access.
    #[must_use]
    pub fn with_root_access(mut self) -> Self {
        self.has_root_access = true;
        self
    }

    /// Leaves the role of the task unchecked, for an existing file system without a policy. Default, decided by us: checked.
    #[must_use]
    pub fn without_iam(mut self) -> Self {
        self.has_iam = false;
        self
    }

    pub(in crate::constructs) fn name(&self) -> &str {
        &self.name
    }

    pub(in crate::constructs) fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    pub(in crate::constructs) fn dependencies(&self) -> &[LogicalId] {
        &self.dependencies
    }

    pub(in crate::constructs) fn to_cfn(&self) -> ecs::EfsVolumeConfiguration {
        let authorization = ecs::AuthorizationConfig {
            access_point_id: self.access_point.as_ref().map(|(id, _)| id.clone()),
            iam: self.has_iam.then(|| Value::from("ENABLED")),
        };
        ecs::EfsVolumeConfiguration {
            root_directory: self.root_directory.as_deref().map(Value::from),
            transit_encryption: Some(Value::from("ENABLED")),
            authorization_config: Some(authorization).filter(|config| *config != ecs::AuthorizationConfig::default()),
            ..ecs::EfsVolumeConfiguration::new(self.file_system.clone())
        }
    }

    /// The statement that the role of the task needs.
    pub(in crate::constructs) fn statement(&self) -> Option<Json> {
        let mut actions = vec!["elasticfilesystem:ClientMount"];
        if !self.is_read_only {
            actions.push("elasticfilesystem:ClientWrite");
        }
        if self.has_root_access {
            actions.push("elasticfilesystem:ClientRootAccess");
        }
        let mut statement = allow(&actions, vec![self.arn.clone()]);
        if let Some((_, arn)) = &self.access_point {
            statement["Condition"] = json!({"StringEquals": {"elasticfilesystem:AccessPointArn": arn}});
        }
        self.has_iam.then_some(statement)
    }

    /// Reports what ECS or EFS reject. `path` is the path of the volume.
    pub(in crate::constructs) fn check(&self, path: &str, diagnostics: &mut Diagnostics) {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if self.name.is_empty() || self.name.len() > 255 || !self.name.chars().all(is_allowed) {
            let message = format!("is `{}`; allowed are 1 to 255 of a-z, A-Z, 0-9, _ and -", self.name);
            diagnostics.add(format!("{path}.Name"), message);
        }
        let path = format!("{path}.EFSVolumeConfiguration");
        let ids = [("FilesystemId", "fs-", Some(&self.file_system))];
        let access_point = self.access_point.as_ref().map(|(id, _)| id);
        let access_point = [("AuthorizationConfig.AccessPointId", "fsap-", access_point)];
        for (property, prefix, id) in ids.into_iter().chain(access_point) {
            if let Some(Value::Known(id)) = id
                && !is_id(id, prefix)
            {
                let message = format!("is `{id}`; expected an id such as {prefix}0123456789abcdef0");
                diagnostics.add(format!("{path}.{property}"), message);
            }
        }
        if let (Some(directory), Some(_)) = (&self.root_directory, &self.access_point)
            && directory != "/"
        {
            let message = format!(
                "is `{directory}`, but the volume has an access point with a directory of its own; remove \
                 EfsVolume::with_root_directory"
            );
            diagnostics.add(format!("{path}.RootDirectory"), message);
        }
        if self.cannot_write() {
            let message = "is writable, but only root may write to the root directory of a new file system, and the volume has no \
                           root access; use EfsVolume::of_access_point, EfsVolume::with_root_access or \
                           EfsVolume::with_read_only";
            diagnostics.add(path, message);
        }
    }

    fn cannot_write(&self) -> bool {
        let is_root_directory = self.root_directory.as_deref().is_none_or(|directory| directory == "/");
        self.is_new && is_root_directory && self.access_point.is_none() && !self.is_read_only && !self.has_root_access
    }
}

fn arn_of(kind: &str, id: &Value<String>) -> Json {
    let start = own_arn_value("elasticfilesystem", &format!("{kind}/"));
    concat(&[start, id.clone()]).to_json()
}

fn is_id(id: &str, prefix: &str) -> bool {
    let digits = id.strip_prefix(prefix).unwrap_or_default();
    (8..=40).contains(&digits.len()) && digits.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c))
}
