//! The handle of a control plane, which meshes, virtual nodes and sidecars refer to.

use super::{PrivateDnsNamespaceHandle, ServiceHandle};
use crate::stack::LogicalId;

/// The port for Envoys, decided by us: the port of xDS server examples.
pub(super) const XDS_PORT: u16 = 18_000;

/// A control plane that was added to a stack.
#[derive(Debug, Clone)]
pub struct ControlPlaneHandle {
    service: ServiceHandle,
    mesh: String,
    name: String,
    namespace: PrivateDnsNamespaceHandle,
}

impl ControlPlaneHandle {
    pub(super) fn new(
        service: ServiceHandle,
        mesh: String,
        name: String,
        namespace: PrivateDnsNamespaceHandle,
    ) -> Self {
        Self {
            service,
            mesh,
            name,
            namespace,
        }
    }

    /// The logical id of its service.
    #[must_use]
    pub fn logical_id(&self) -> &LogicalId {
        self.service.logical_id()
    }

    /// Its service.
    pub(super) fn service(&self) -> &ServiceHandle {
        &self.service
    }

    /// The name of its mesh.
    #[must_use]
    pub fn mesh(&self) -> &str {
        &self.mesh
    }

    /// The DNS name by which Envoys find it, such as `mesh-control.appmesh`.
    #[must_use]
    pub fn host(&self) -> String {
        self.namespace.dns_name(&self.name)
    }

    /// The port for Envoys: 18000.
    #[must_use]
    pub fn port(&self) -> u16 {
        XDS_PORT
    }

    /// The namespace in which it registers.
    pub(super) fn namespace(&self) -> &str {
        self.namespace.name()
    }
}
