//! Virtual services: the names that applications call.

use cfn::appmesh;
use mesh_model::app_mesh::virtual_service::{
    VirtualNodeServiceProvider, VirtualRouterServiceProvider, VirtualServiceProvider,
};
use mesh_model::app_mesh::{Kind, VirtualServiceSpec};

use super::mesh::MeshHandle;
use super::references::to_get_att;
use super::resource_ref::{ResourceRef, handle};
use super::{VirtualNodeHandle, VirtualRouterHandle};
use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

/// A name that applications call, and its provider.
#[derive(Debug, Clone)]
pub struct VirtualService {
    mesh: MeshHandle,
    name: String,
    spec: VirtualServiceSpec,
    provider: Option<LogicalId>,
}

impl VirtualService {
    /// A virtual service without a provider: calls fail with status 503. Applications use the name as a host, such as
    /// `blue.appmesh`.
    #[must_use]
    pub fn new(mesh: &MeshHandle, name: impl Into<String>) -> Self {
        Self::from_spec(mesh, name, VirtualServiceSpec::default())
    }

    /// A virtual service with this spec.
    #[must_use]
    pub fn from_spec(mesh: &MeshHandle, name: impl Into<String>, spec: VirtualServiceSpec) -> Self {
        Self {
            mesh: mesh.clone(),
            name: name.into(),
            spec,
            provider: None,
        }
    }

    /// Sends all calls to a virtual node. Replaces another provider.
    #[must_use]
    pub fn with_provider_node(mut self, node: &VirtualNodeHandle) -> Self {
        self.spec.provider = Some(VirtualServiceProvider::VirtualNode(VirtualNodeServiceProvider {
            virtual_node_name: node.name().to_owned(),
        }));
        self.provider = Some(node.logical_id().clone());
        self
    }

    /// Sends calls to the routes of a virtual router. Replaces another provider.
    #[must_use]
    pub fn with_provider_router(mut self, router: &VirtualRouterHandle) -> Self {
        self.spec.provider = Some(VirtualServiceProvider::VirtualRouter(VirtualRouterServiceProvider {
            virtual_router_name: router.name().to_owned(),
        }));
        self.provider = Some(router.logical_id().clone());
        self
    }
}

handle! {
    /// A virtual service that was added to a stack.
    VirtualServiceHandle {}
}

impl Construct for VirtualService {
    type Handle = VirtualServiceHandle;
    const KIND: &'static str = "VirtualService";

    fn add_to(self, scope: &mut Scope<'_>) -> VirtualServiceHandle {
        let resource = ResourceRef::in_mesh(&self.mesh.resource, Kind::VirtualService, &self.name, scope);
        if let Some(provider) = &self.provider {
            scope.refer_to(provider, &format!("Resources.{}.Properties.Spec.Provider", resource.id));
        }
        let spec = to_get_att(&self.spec, &resource.path.mesh, scope);
        let properties = appmesh::VirtualService::new(self.mesh.resource.mesh_name(), self.name, spec);
        resource.add(&properties, scope);
        VirtualServiceHandle { resource }
    }
}
