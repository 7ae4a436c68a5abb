//! References to the resources of a mesh: logical id and resource path, which every handle has.

use cfn::{Resource, Value, appmesh::name_properties};
use mesh_model::app_mesh::{Kind, ResourcePath};

use crate::stack::{LogicalId, Scope};

/// A resource of a mesh: its logical id in the stack and its path, which is unique among all meshes.
#[derive(Debug, Clone)]
pub(super) struct ResourceRef {
    pub(super) id: LogicalId,
    pub(super) path: ResourcePath,
}

impl ResourceRef {
    pub(super) fn mesh(id: LogicalId, name: &str) -> Self {
        Self {
            id,
            path: ResourcePath::of_mesh(name),
        }
    }

    /// A resource that is being added to this mesh.
    pub(super) fn in_mesh(mesh: &ResourceRef, kind: Kind, name: &str, scope: &mut Scope<'_>) -> Self {
        let id = scope.logical_id();
        scope.refer_to(&mesh.id, &format!("Resources.{id}.Properties.MeshName"));
        Self {
            id,
            path: ResourcePath::new(&mesh.path.mesh, kind, name),
        }
    }

    /// A route that is being added to a router, or a gateway route to a gateway.
    pub(super) fn within(parent: &ResourceRef, kind: Kind, name: &str, scope: &mut Scope<'_>) -> Self {
        let id = scope.logical_id();
        let property = own_name_property(parent.path.kind);
        scope.refer_to(&parent.id, &format!("Resources.{id}.Properties.{property}"));
        Self {
            id,
            path: ResourcePath::within(&parent.path.mesh, &parent.path.name, kind, name),
        }
    }

    /// The mesh's name, as an attribute of this resource, which makes CloudFormation create this resource first.
    pub(super) fn mesh_name(&self) -> Value<String> {
        Value::attribute(self.id.qualified(), "MeshName")
    }

    /// The resource's name, as an attribute of it.
    pub(super) fn name(&self) -> Value<String> {
        Value::attribute(self.id.qualified(), own_name_property(self.path.kind))
    }

    /// Adds the resource to the stack.
    pub(super) fn add(&self, resource: &impl cfn::ResourceType, scope: &mut Scope<'_>) {
        scope.add_mesh_resource(&self.id, &self.path, Resource::of(resource));
    }
}

/// The property that holds the own name of a resource of this kind, which is also the name of the attribute.
pub(super) fn own_name_property(kind: Kind) -> &'static str {
    // The own name comes last, after the names of the mesh, router or gateway that contains the resource.
    name_properties(kind).last().copied().unwrap_or("MeshName")
}

/// Defines a handle with the methods that all handles of mesh resources have.
macro_rules! handle {
    ($(#[$doc:meta])* $handle:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $handle {
            pub(super) resource: crate::constructs::app_mesh::resource_ref::ResourceRef,
            $($(#[$field_doc])* pub(super) $field: $type,)*
        }

        impl $handle {
            /// The resource's logical id.
            #[must_use]
            pub fn logical_id(&self) -> &crate::stack::LogicalId {
                &self.resource.id
            }

            /// The resource's name.
            #[must_use]
            pub fn name(&self) -> &str {
                &self.resource.path.name
            }

            /// The resource's path, unique among all meshes. Its text form identifies an Envoy:
            /// `mesh/demo/virtualNode/blue`.
            #[must_use]
            pub fn path(&self) -> &mesh_model::app_mesh::ResourcePath {
                &self.resource.path
            }

            /// The resource's ARN; in a template of parameters, the path.
            #[must_use]
            pub fn arn(&self) -> cfn::Value<String> {
                cfn::Value::reference(self.resource.id.qualified())
            }
        }
    };
}

pub(super) use handle;
