//! Meshes, which contain all other resources.

use cfn::appmesh;
use mesh_model::app_mesh::mesh::{EgressFilter, EgressFilterType, MeshServiceDiscovery};
use mesh_model::app_mesh::{IpPreference, KeyCasing, MeshSpec, Spec};

use super::resource_ref::{ResourceRef, handle};
use crate::construct::Construct;
use crate::constructs::ControlPlaneHandle;
use crate::stack::Scope;

/// A mesh.
#[derive(Debug, Clone)]
pub struct Mesh {
    name: String,
    spec: MeshSpec,
    control_plane: Option<ControlPlaneHandle>,
}

impl Mesh {
    /// A mesh with this name: 1 to 255 characters without `/`. In parameter names, the names of the mesh and of
    /// everything in it are further limited to `a-z A-Z 0-9 . - _`.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self::from_spec(name, MeshSpec::default())
    }

    /// A mesh with this spec.
    #[must_use]
    pub fn from_spec(name: impl Into<String>, spec: MeshSpec) -> Self {
        Self {
            name: name.into(),
            spec,
            control_plane: None,
        }
    }

    /// Sets which destinations outside the mesh services can call. Default, decided by App Mesh:
    /// [`EgressFilterType::DropAll`], none but AWS endpoints.
    #[must_use]
    pub fn with_egress_filter(mut self, kind: EgressFilterType) -> Self {
        self.spec.egress_filter = Some(EgressFilter { kind });
        self
    }

    /// Sets the control plane that configures its Envoys, which must be that of a mesh of this name. Default: none;
    /// Envoys are added to tasks without a bootstrap, which is sufficient for the local runner.
    ///
    /// With a control plane, each Envoy of the mesh has a bootstrap with its address, services are created after it,
    /// and applications get the address of their Envoy:
    /// [`Service::with_virtual_node`](crate::Service::with_virtual_node).
    #[must_use]
    pub fn with_control_plane(mut self, control_plane: &ControlPlaneHandle) -> Self {
        self.control_plane = Some(control_plane.clone());
        self
    }

    /// Sets the IP version of endpoints, unless a virtual node sets another. Default: no preference.
    #[must_use]
    pub fn with_ip_preference(mut self, preference: IpPreference) -> Self {
        self.spec.service_discovery = Some(MeshServiceDiscovery {
            ip_preference: Some(preference),
        });
        self
    }
}

handle! {
    /// A mesh that was added to a stack.
    MeshHandle { control_plane: Option<ControlPlaneHandle> }
}

impl Construct for Mesh {
    type Handle = MeshHandle;
    const KIND: &'static str = "Mesh";

    fn add_to(self, scope: &mut Scope<'_>) -> MeshHandle {
        let resource = ResourceRef::mesh(scope.logical_id(), &self.name);
        if let Some(control_plane) = &self.control_plane {
            let path = format!("Resources.{}", resource.id);
            scope.refer_to(control_plane.logical_id(), &path);
            let of = match control_plane.mesh() {
                Some(mesh) if mesh == self.name => None,
                Some(mesh) => Some(format!("that of the mesh `{mesh}`")),
                None => Some("that of App Mesh's API, and reads no mesh of a stack".to_owned()),
            };
            if let Some(of) = of {
                let message = format!(
                    "is the mesh `{}`, but the control plane `{}` is {of}",
                    self.name,
                    control_plane.logical_id(),
                );
                scope.diagnostics().add(path, message);
            }
        }
        let spec = self.spec.write(KeyCasing::Pascal);
        resource.add(&appmesh::Mesh::new(self.name, spec), scope);
        MeshHandle {
            resource,
            control_plane: self.control_plane,
        }
    }
}
