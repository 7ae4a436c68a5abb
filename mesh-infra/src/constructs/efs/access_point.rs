//! Access points: directories of a file system, each with a user of its own.

use cfn::{Resource, Value, efs};

use super::FileSystemHandle;
use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

/// Characters and names of a path. Source: EFS API reference, `RootDirectory` (read 2026-11-30).
const PATH: usize = 100;
const DEPTH: usize = 4;

/// A directory of a file system, which is created if it does not exist, and the user as whom all clients access it: for an
/// image that does not run as root, whatever its user.
#[derive(Debug, Clone)]
pub struct AccessPoint {
    file_system: FileSystemHandle,
    path: String,
    user: u32,
    group: u32,
    permissions: String,
}

impl AccessPoint {
    /// The directory at `path`, with the user and group 1000 and the permissions 0750, both decided by us.
    #[must_use]
    pub fn new(file_system: &FileSystemHandle, path: impl Into<String>) -> Self {
        Self {
            file_system: file_system.clone(),
            path: path.into(),
            user: 1000,
            group: 1000,
            permissions: "0750".to_owned(),
        }
    }

    /// Sets the ids of user and group, which also own the directory when it is created. The user 0 requires
    /// [`EfsVolume::with_root_access`](super::EfsVolume::with_root_access). Default, decided by us: 1000.
    #[must_use]
    pub fn with_user(mut self, user: u32, group: u32) -> Self {
        (self.user, self.group) = (user, group);
        self
    }

    /// Sets the permissions of the directory when it is created, such as `0755`. Default, decided by us: `0750`.
    #[must_use]
    pub fn with_permissions(mut self, octal: impl Into<String>) -> Self {
        self.permissions = octal.into();
        self
    }

    fn check(&self, path: &str, scope: &mut Scope<'_>) {
        let directory = &self.path;
        let names: Vec<&str> = directory.split('/').skip(1).collect();
        let is_allowed = |c: char| !"$#<>;`|&?{}^*\n".contains(c);
        let is_valid = directory.starts_with('/')
            && directory.len() <= PATH
            && names.len() <= DEPTH
            && names.iter().all(|name| !name.is_empty() && !name.starts_with('.'))
            && directory.chars().all(is_allowed);
        if !is_valid {
            let message = format!(
                "is `{directory}`; expected an absolute path of 1 to {DEPTH} names and at most {PATH} characters, such as /data"
            );
            scope.diagnostics().add(format!("{path}.RootDirectory.Path"), message);
        }
        let permissions = &self.permissions;
        let is_octal = permissions.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        if !(3..=4).contains(&permissions.len()) || !is_octal {
            let message = format!("are `{permissions}`; expected three or four octal digits, such as 0750");
            let path = format!("{path}.RootDirectory.CreationInfo.Permissions");
            scope.diagnostics().add(path, message);
        }
    }
}

/// An access point that was added to a stack.
#[derive(Debug, Clone, PartialEq)]
pub struct AccessPointHandle {
    id: LogicalId,
    pub(super) file_system: FileSystemHandle,
}

impl AccessPointHandle {
    /// The access point's logical id.
    #[must_use]
    pub fn logical_id(&self) -> &LogicalId {
        &self.id
    }

    /// Its id, such as `fsap-0123456789abcdef0`.
    #[must_use]
    pub fn id(&self) -> Value<String> {
        Value::reference(self.id.qualified())
    }

    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> Value<String> {
        Value::attribute(self.id.qualified(), "Arn")
    }
}

impl Construct for AccessPoint {
    type Handle = AccessPointHandle;
    const KIND: &'static str = "AccessPoint";

    fn add_to(self, scope: &mut Scope<'_>) -> AccessPointHandle {
        let id = scope.logical_id();
        let path = format!("Resources.{id}.Properties");
        scope.refer_to(self.file_system.logical_id(), &format!("{path}.FileSystemId"));
        self.check(&path, scope);
        let (user, group) = (
            Value::Known(self.user.to_string()),
            Value::Known(self.group.to_string()),
        );
        let properties = efs::AccessPoint {
            posix_user: Some(efs::PosixUser {
                uid: user.clone(),
                gid: group.clone(),
                ..efs::PosixUser::new("", "")
            }),
            root_directory: Some(efs::RootDirectory {
                path: Some(Value::Known(self.path)),
                creation_info: Some(efs::CreationInfo {
                    owner_uid: user,
                    owner_gid: group,
                    permissions: Value::Known(self.permissions),
                }),
            }),
            ..efs::AccessPoint::new(self.file_system.id())
        };
        scope.add_resource(&id, Resource::of(&properties));
        AccessPointHandle {
            id,
            file_system: self.file_system,
        }
    }
}
