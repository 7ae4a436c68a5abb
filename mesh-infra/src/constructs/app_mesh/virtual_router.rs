//! Virtual routers, whose routes distribute traffic.

use cfn::appmesh;
use mesh_model::app_mesh::virtual_router::VirtualRouterListener;
use mesh_model::app_mesh::{KeyCasing, Kind, PortMapping, Protocol, Spec, VirtualRouterSpec};

use super::mesh::MeshHandle;
use super::resource_ref::{ResourceRef, handle};
use crate::construct::Construct;
use crate::stack::Scope;

/// A virtual router, whose [routes](super::HttpRoute) distribute traffic to virtual nodes.
#[derive(Debug, Clone)]
pub struct VirtualRouter {
    mesh: MeshHandle,
    name: String,
    spec: VirtualRouterSpec,
}

impl VirtualRouter {
    /// A virtual router without listeners.
    #[must_use]
    pub fn new(mesh: &MeshHandle, name: impl Into<String>) -> Self {
        Self::from_spec(mesh, name, VirtualRouterSpec::default())
    }

    /// A virtual router with this spec.
    #[must_use]
    pub fn from_spec(mesh: &MeshHandle, name: impl Into<String>, spec: VirtualRouterSpec) -> Self {
        Self {
            mesh: mesh.clone(),
            name: name.into(),
            spec,
        }
    }

    /// Adds a port that applications call. Its protocol must be that of the routes and their targets.
    #[must_use]
    pub fn with_listener(mut self, port: u16, protocol: Protocol) -> Self {
        self.spec.listeners.push(VirtualRouterListener {
            port_mapping: PortMapping { port, protocol },
        });
        self
    }
}

handle! {
    /// A virtual router that was added to a stack.
    VirtualRouterHandle {}
}

impl Construct for VirtualRouter {
    type Handle = VirtualRouterHandle;
    const KIND: &'static str = "VirtualRouter";

    fn add_to(self, scope: &mut Scope<'_>) -> VirtualRouterHandle {
        let resource = ResourceRef::in_mesh(&self.mesh.resource, Kind::VirtualRouter, &self.name, scope);
        let spec = self.spec.write(KeyCasing::Pascal);
        let properties = appmesh::VirtualRouter::new(self.mesh.resource.mesh_name(), self.name, spec);
        resource.add(&properties, scope);
        VirtualRouterHandle { resource }
    }
}
