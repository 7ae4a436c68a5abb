//! The handle of a control plane, which meshes, virtual nodes and sidecars refer to.

use super::configuration_store::ConfigurationStoreHandle;
use super::xds_access::XdsAccessHandle;
use super::{PrivateDnsNamespaceHandle, ServiceHandle};
use crate::stack::LogicalId;

/// The port for Envoys, decided by us: the port of xDS server examples.
pub(super) const XDS_PORT: u16 = 18_000;

/// The port of App Mesh's API, as of `meshwright serve`.
pub(super) const API_PORT: u16 = 18_002;

/// A control plane that was added to a stack.
#[derive(Debug, Clone)]
pub struct ControlPlaneHandle {
    service: ServiceHandle,
    mesh: Option<String>,
    name: String,
    namespace: PrivateDnsNamespaceHandle,
    has_api: bool,
    store: Option<ConfigurationStoreHandle>,
    access: Option<XdsAccessHandle>,
}

impl ControlPlaneHandle {
    pub(super) fn new(
        service: ServiceHandle,
        mesh: Option<String>,
        name: String,
        namespace: PrivateDnsNamespaceHandle,
        has_api: bool,
    ) -> Self {
        Self {
            service,
            mesh,
            name,
            namespace,
            has_api,
            store: None,
            access: None,
        }
    }

    pub(super) fn with_store(self, store: Option<ConfigurationStoreHandle>) -> Self {
        Self { store, ..self }
    }

    pub(super) fn with_access(self, access: Option<XdsAccessHandle>) -> Self {
        Self { access, ..self }
    }

    /// How its Envoys prove who they are.
    pub(super) fn access(&self) -> Option<&XdsAccessHandle> {
        self.access.as_ref()
    }

    /// The store that its Envoys' agents serve from.
    pub(super) fn store(&self) -> Option<&ConfigurationStoreHandle> {
        self.store.as_ref()
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

    /// The name of its mesh in Parameter Store. `None` if its meshes are those of App Mesh's API alone.
    #[must_use]
    pub fn mesh(&self) -> Option<&str> {
        self.mesh.as_deref()
    }

    /// The URL of App Mesh's API, for `AWS_ENDPOINT_URL_APP_MESH` of tasks in the same network. `None` without
    /// [`ControlPlane::with_app_mesh_api`](crate::ControlPlane::with_app_mesh_api).
    #[must_use]
    pub fn api_url(&self) -> Option<String> {
        self.has_api.then(|| format!("http://{}:{API_PORT}", self.host()))
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
