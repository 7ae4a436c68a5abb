//! The volumes that the containers of a task mount.

use cfn::ecs;
use sidecar_contract::Diagnostics;

use super::{Container, TaskDefinition};
use crate::constructs::{Mount, Storage};

impl TaskDefinition {
    /// The volumes of its containers, each once.
    pub(super) fn volumes(&self) -> Vec<ecs::Volume> {
        let volumes = self.distinct_mounts().into_iter().map(|mount| {
            let mut volume = ecs::Volume::new(mount.volume.as_str());
            volume.efs_volume_configuration = match &mount.storage {
                Storage::Efs(efs) => Some(efs.to_cfn()),
                Storage::Ephemeral => None,
            };
            volume
        });
        volumes.collect()
    }

    fn distinct_mounts(&self) -> Vec<&Mount> {
        let mut distinct: Vec<&Mount> = Vec::new();
        for mount in self.containers.iter().flat_map(Container::mounts) {
            if !distinct.iter().any(|known| known.volume == mount.volume) {
                distinct.push(mount);
            }
        }
        distinct
    }

    /// Reports invalid containers and volumes. `path` is the path of its properties.
    pub(in crate::constructs) fn check(&self, path: &str, diagnostics: &mut Diagnostics) {
        for (index, container) in self.containers.iter().enumerate() {
            container.check(&format!("{path}.ContainerDefinitions[{index}]"), diagnostics);
        }
        let distinct = self.distinct_mounts();
        for (index, mount) in distinct.iter().enumerate() {
            if let Storage::Efs(volume) = &mount.storage {
                volume.check(&format!("{path}.Volumes[{index}]"), diagnostics);
            }
        }
        let mut reported: Vec<&str> = Vec::new();
        for mount in self.containers.iter().flat_map(Container::mounts) {
            let Some(index) = distinct.iter().position(|known| known.volume == mount.volume) else {
                continue;
            };
            if distinct[index].storage.differs(&mount.storage) && !reported.contains(&mount.volume.as_str()) {
                let message = format!(
                    "is `{}`, which is the name of two different volumes; give each a name of its own",
                    mount.volume
                );
                diagnostics.add(format!("{path}.Volumes[{index}].Name"), message);
                reported.push(&mount.volume);
            }
        }
    }
}

impl Storage {
    /// Whether it is another volume: one that is read-only in some container is still the same.
    fn differs(&self, other: &Self) -> bool {
        match (self, other) {
            (Storage::Efs(one), Storage::Efs(other)) => one.to_cfn() != other.to_cfn(),
            (one, other) => one != other,
        }
    }
}
