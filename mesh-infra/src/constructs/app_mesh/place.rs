//! What the handles of a mesh's resources have in common: a logical id and a path.

use mesh_model::app_mesh::{Kind, ResourcePath};

use crate::cfn::appmesh::name_properties;
use crate::stack::{LogicalId, Scope};
use crate::template::Resource;
use crate::value::Value;

/// Where a resource of a mesh is: in the stack, and among all meshes.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) id: LogicalId,
    pub(super) path: ResourcePath,
}

impl Place {
    pub(super) fn mesh(id: LogicalId, name: &str) -> Self {
        Self {
            id,
            path: ResourcePath::of_mesh(name),
        }
    }

    /// The place of something that is added to a mesh, by the handle of which it is known.
    pub(super) fn in_mesh(mesh: &Place, kind: Kind, name: &str, scope: &mut Scope<'_>) -> Self {
        let id = scope.logical_id();
        scope.expect_own(&mesh.id, &format!("Resources.{id}.Properties.MeshName"));
        Self {
            id,
            path: ResourcePath::new(&mesh.path.mesh, kind, name),
        }
    }

    /// The place of a route in a router, or of a gateway route in a gateway.
    pub(super) fn within(parent: &Place, kind: Kind, name: &str, scope: &mut Scope<'_>) -> Self {
        let id = scope.logical_id();
        let property = own_name_property(parent.path.kind);
        scope.expect_own(&parent.id, &format!("Resources.{id}.Properties.{property}"));
        Self {
            id,
            path: ResourcePath::within(&parent.path.mesh, &parent.path.name, kind, name),
        }
    }

    /// The mesh's name, as an attribute of this resource: whoever refers to it so is created after it.
    pub(super) fn mesh_name(&self) -> Value<String> {
        Value::attribute(self.id.as_str(), "MeshName")
    }

    /// The resource's name, as an attribute of it.
    pub(super) fn name(&self) -> Value<String> {
        Value::attribute(self.id.as_str(), own_name_property(self.path.kind))
    }

    /// Adds the resource that belongs here.
    pub(super) fn add(&self, resource: &impl crate::cfn::ResourceType, scope: &mut Scope<'_>) {
        scope.add_mesh_resource(&self.id, &self.path, Resource::of(resource));
    }
}

/// The property that holds the own name of a resource of this kind, which is an attribute of it as well.
pub(super) fn own_name_property(kind: Kind) -> &'static str {
    // The own name comes last, after those of what contains it.
    name_properties(kind).last().copied().unwrap_or("MeshName")
}

/// A handle, and what every handle of a mesh's resource can tell.
macro_rules! handle {
    ($(#[$doc:meta])* $handle:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $handle {
            pub(super) place: crate::constructs::app_mesh::place::Place,
            $($(#[$field_doc])* pub(super) $field: $type,)*
        }

        impl $handle {
            /// The resource's logical id.
            #[must_use]
            pub fn logical_id(&self) -> &crate::stack::LogicalId {
                &self.place.id
            }

            /// The resource's name.
            #[must_use]
            pub fn name(&self) -> &str {
                &self.place.path.name
            }

            /// The resource's place among all meshes. Written out it is what Envoys are told apart by:
            /// `mesh/demo/virtualNode/blue`.
            #[must_use]
            pub fn path(&self) -> &mesh_model::app_mesh::ResourcePath {
                &self.place.path
            }

            /// The resource's ARN; in a template of parameters, the path.
            #[must_use]
            pub fn arn(&self) -> crate::value::Value<String> {
                crate::value::Value::reference(self.place.id.as_str())
            }
        }
    };
}

pub(super) use handle;
