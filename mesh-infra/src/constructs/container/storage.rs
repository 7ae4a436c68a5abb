//! Volumes of a container.

use cfn::{Value, ecs};
use sidecar_contract::Diagnostics;

use super::Container;
use crate::constructs::EfsVolume;

/// A volume at a path of a container.
#[derive(Debug, Clone)]
pub(in crate::constructs) struct Mount {
    pub(in crate::constructs) volume: String,
    pub(in crate::constructs) storage: Storage,
    path: String,
    is_read_only: bool,
}

/// What a volume consists of.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::constructs) enum Storage {
    /// A directory of the task's ephemeral storage.
    Ephemeral,
    /// A file system of Amazon EFS.
    Efs(Box<EfsVolume>),
}

impl Container {
    /// Adds a directory for files that last as long as the task, such as `/tmp`: a volume of the task's ephemeral storage,
    /// because Fargate has no tmpfs. The root file system is read-only by default.
    ///
    /// The directory belongs to root, with the permissions 0755, unless the image declares it by `VOLUME`; then it has the
    /// owner and permissions of the image's directory. A container with another user needs this. Source: ECS developer
    /// guide, "Use bind mounts with Amazon ECS" (read 2026-11-30).
    ///
    /// The local runner starts containers as processes, which use the directories of the machine.
    #[must_use]
    pub fn with_writable_directory(mut self, path: impl Into<String>) -> Self {
        // The number at the end keeps names of different containers apart.
        let name = self.definition.name.known().cloned().unwrap_or_default();
        self.mounts.push(Mount {
            volume: format!("scratch-{name}-{}", self.mounts.len()),
            storage: Storage::Ephemeral,
            path: path.into(),
            is_read_only: false,
        });
        self
    }

    /// Mounts a volume of the task's ephemeral storage that other containers mount, too.
    pub(in crate::constructs) fn with_shared_directory(mut self, volume: &str, path: &str, is_read_only: bool) -> Self {
        self.mounts.push(Mount {
            volume: volume.to_owned(),
            storage: Storage::Ephemeral,
            path: path.to_owned(),
            is_read_only,
        });
        self
    }

    /// Mounts a file system of Amazon EFS at a path. Several containers of a task can mount the same volume.
    ///
    /// The local runner starts containers as processes, which do not have it.
    #[must_use]
    pub fn with_efs_volume(mut self, volume: &EfsVolume, path: impl Into<String>) -> Self {
        self.mounts.push(Mount {
            volume: volume.name().to_owned(),
            storage: Storage::Efs(Box::new(volume.clone())),
            path: path.into(),
            is_read_only: volume.is_read_only(),
        });
        self
    }

    pub(in crate::constructs) fn mounts(&self) -> &[Mount] {
        &self.mounts
    }

    pub(super) fn check_mounts(&self, path: &str, diagnostics: &mut Diagnostics) {
        for (index, mount) in self.mounts.iter().enumerate() {
            let path = format!("{path}.MountPoints[{index}].ContainerPath");
            let at = &mount.path;
            if !at.starts_with('/') || at == "/" || at.contains(':') {
                let message = format!("is `{at}`; expected an absolute path below /, without a colon");
                diagnostics.add(path, message);
            } else if self.mounts[..index].iter().any(|other| other.path == *at) {
                diagnostics.add(
                    path,
                    format!("is `{at}`, where another volume is mounted; each path is mounted once"),
                );
            }
        }
    }
}

impl Mount {
    pub(super) fn to_cfn(&self) -> ecs::MountPoint {
        ecs::MountPoint {
            source_volume: Value::from(self.volume.as_str()),
            container_path: Value::from(self.path.as_str()),
            read_only: Some(Value::Known(self.is_read_only)),
        }
    }
}
