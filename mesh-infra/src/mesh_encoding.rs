//! The two encodings of a mesh in a template, and the conversion of one into the other.

mod parameters;
mod revision;

pub(crate) use parameters::to_parameters;
pub(crate) use revision::add_markers;
pub use revision::refresh_revision_markers;

/// The encoding of a mesh in a template.
///
/// Constructs write `AWS::AppMesh::…` resources, and [`Stack::override_property`](crate::Stack::override_property)
/// changes them. Synthesis converts them into the requested encoding: the same mesh under the same logical ids.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MeshEncoding {
    /// One `AWS::SSM::Parameter` per resource, which Meshwright's control plane reads. Its name is
    /// [`ResourcePath::to_parameter`](mesh_model::app_mesh::ResourcePath::to_parameter), such as
    /// `/meshwright/demo/virtualNode/blue`, and its value the spec in the JSON of the App Mesh API, in camelCase.
    ///
    /// References between the resources become names, and their order becomes `DependsOn`. References to the ARN of a
    /// resource become its path, `mesh/demo/virtualNode/blue`; an Envoy is identified by either.
    ///
    /// One more parameter, `/meshwright-revision/demo/STACK`, is the mesh's revision marker: written after all others, with
    /// a new value whenever one of them changes, so that a control plane reads one parameter often and all of them rarely.
    /// [`refresh_revision_markers`] updates or adds it after a change of a parameter in a finished
    /// template.
    ///
    /// The default, decided by us: App Mesh no longer exists, and CloudFormation creates, updates and rolls back
    /// parameters together with the rest of the stack.
    #[default]
    Parameters,
    /// `AWS::AppMesh::…` resources, for environments that emulate App Mesh, and for readers who know them.
    AppMesh,
}
