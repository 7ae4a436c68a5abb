//! The two forms in which a template describes a mesh, and how one becomes the other.

mod parameters;

pub(crate) use parameters::to_parameters;

/// How a template describes a mesh.
///
/// Constructs write `AWS::AppMesh::…` resources, and [`Stack::override_property`](crate::Stack::override_property)
/// changes those. Synthesis turns them into the form that is asked for: the same mesh, under the same logical ids.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MeshEncoding {
    /// One `AWS::SSM::Parameter` per resource, which our control plane reads. The parameter is named by
    /// [`ResourcePath::to_parameter`](mesh_model::app_mesh::ResourcePath::to_parameter), such as
    /// `/meshwright/demo/virtualNode/blue`, and holds the spec as the App Mesh API writes it: JSON, in camelCase.
    ///
    /// References between the resources become names. The order that they gave stays, as `DependsOn`. What took
    /// a resource's ARN takes its path, `mesh/demo/virtualNode/blue`: Envoys are told apart by either.
    ///
    /// The default, decided by us: App Mesh is gone, and a parameter is created, updated and rolled back with the
    /// rest of its stack.
    #[default]
    Parameters,
    /// `AWS::AppMesh::…` resources, for environments that emulate App Mesh, and for people who know them.
    AppMesh,
}
