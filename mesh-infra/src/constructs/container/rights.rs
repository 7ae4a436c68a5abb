//! User and rights of a container.

use cfn::{StringList, Value, ecs};

use super::Container;

/// Kernel options that drop all Linux capabilities.
pub(super) fn without_capabilities() -> ecs::LinuxParameters {
    ecs::LinuxParameters {
        capabilities: Some(ecs::KernelCapabilities {
            drop: Some(StringList::list(["ALL"])),
            ..ecs::KernelCapabilities::default()
        }),
        ..ecs::LinuxParameters::default()
    }
}

impl Container {
    /// Sets the user, such as `1000` or `1000:1000`. Default: the image's.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<Value<String>>) -> Self {
        self.definition.user = Some(user.into());
        self
    }

    /// Makes its root file system writable. Default, decided by us: read-only; volumes and `/dev/shm` are writable
    /// ([`Container::with_writable_directory`]). Envoys and control planes keep a read-only one.
    #[must_use]
    pub fn with_writable_root_filesystem(mut self) -> Self {
        self.definition.readonly_root_filesystem = Some(Value::Known(false));
        self
    }

    /// Keeps the Linux capabilities of Docker, for images that start as root and become another user, or change owners of
    /// files. Default, decided by us: none. Envoys and control planes have none.
    ///
    /// A capability that an image has on a file, such as one to listen on low ports, then stops its program from starting;
    /// low ports are open to all users in tasks that have one.
    #[must_use]
    pub fn with_default_capabilities(mut self) -> Self {
        if let Some(parameters) = &mut self.definition.linux_parameters {
            parameters.capabilities = None;
        }
        self.without_empty_parameters()
    }

    /// Makes it usable by ECS Exec, whose agent writes to the root file system and starts further processes.
    pub(in crate::constructs) fn with_exec_agent(self) -> Self {
        let mut container = self.with_writable_root_filesystem().with_default_capabilities();
        let parameters = container.definition.linux_parameters.get_or_insert_default();
        parameters.init_process_enabled = Some(Value::Known(true));
        container
    }

    fn without_empty_parameters(mut self) -> Self {
        let empty = ecs::LinuxParameters::default();
        self.definition.linux_parameters = self.definition.linux_parameters.filter(|own| *own != empty);
        self
    }
}
