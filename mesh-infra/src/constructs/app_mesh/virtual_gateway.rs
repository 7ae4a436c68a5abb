//! Virtual gateways: ingress into the mesh.

use cfn::appmesh;
use mesh_model::app_mesh::client_policy::{BackendDefaults, ClientPolicy};
use mesh_model::app_mesh::{KeyCasing, Kind, PortMapping, Spec, VirtualGatewaySpec};

use super::Listener;
use super::mesh::MeshHandle;
use super::resource_ref::{ResourceRef, handle};
use super::virtual_node::access_log;
use crate::construct::Construct;
use crate::constructs::ControlPlaneHandle;
use crate::stack::Scope;

/// An ingress gateway: an Envoy of its own, which [`Service::gateway`](crate::Service::gateway) runs.
#[derive(Debug, Clone)]
pub struct VirtualGateway {
    mesh: MeshHandle,
    name: String,
    spec: VirtualGatewaySpec,
}

impl VirtualGateway {
    /// A virtual gateway without listeners.
    #[must_use]
    pub fn new(mesh: &MeshHandle, name: impl Into<String>) -> Self {
        Self::from_spec(mesh, name, VirtualGatewaySpec::default())
    }

    /// A virtual gateway with this spec.
    #[must_use]
    pub fn from_spec(mesh: &MeshHandle, name: impl Into<String>, spec: VirtualGatewaySpec) -> Self {
        Self {
            mesh: mesh.clone(),
            name: name.into(),
            spec,
        }
    }

    /// Adds a port for requests, by HTTP, HTTP/2 or gRPC.
    #[must_use]
    pub fn with_listener(mut self, listener: Listener) -> Self {
        self.spec.listeners.push(listener.into());
        self
    }

    /// Sets how it calls virtual services. Default, decided by App Mesh: with TLS if the service offers it.
    #[must_use]
    pub fn with_backend_defaults(mut self, policy: ClientPolicy) -> Self {
        self.spec.backend_defaults = Some(BackendDefaults {
            client_policy: Some(policy),
        });
        self
    }

    /// Writes an access log to a file, usually `/dev/stdout`. Default: none.
    #[must_use]
    pub fn with_access_log(mut self, path: impl Into<String>) -> Self {
        self.spec.logging = Some(access_log(path.into()));
        self
    }
}

handle! {
    /// A virtual gateway that was added to a stack.
    VirtualGatewayHandle {
        listeners: Vec<PortMapping>,
        /// The control plane of its Envoys.
        control_plane: Option<ControlPlaneHandle>
    }
}

impl VirtualGatewayHandle {
    /// Its ports and their protocols.
    #[must_use]
    pub fn listeners(&self) -> &[PortMapping] {
        &self.listeners
    }
}

impl Construct for VirtualGateway {
    type Handle = VirtualGatewayHandle;
    const KIND: &'static str = "VirtualGateway";

    fn add_to(self, scope: &mut Scope<'_>) -> VirtualGatewayHandle {
        let resource = ResourceRef::in_mesh(&self.mesh.resource, Kind::VirtualGateway, &self.name, scope);
        let spec = self.spec.write(KeyCasing::Pascal);
        let properties = appmesh::VirtualGateway::new(self.mesh.resource.mesh_name(), self.name, spec);
        resource.add(&properties, scope);
        let listeners = self.spec.listeners.iter().map(|listener| listener.port_mapping);
        VirtualGatewayHandle {
            resource,
            listeners: listeners.collect(),
            control_plane: self.mesh.control_plane,
        }
    }
}
