//! The revision markers of a mesh, as read. Pure.

use mesh_model::app_mesh::resource_path::UNVERSIONED;

use crate::parameter::Parameter;

/// Names, versions and values, sorted by name: a marker that was deleted and created again has another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RevisionMarkers(Vec<(String, i64, String)>);

impl RevisionMarkers {
    /// The markers in these parameters, in any order.
    pub(crate) fn of(parameters: &[Parameter]) -> Self {
        let marker = |of: &Parameter| (of.name.clone(), of.version, of.value.clone());
        let mut markers: Vec<_> = parameters.iter().map(marker).collect();
        markers.sort_unstable();
        Self(markers)
    }

    /// Whether there are markers, each with a revision: then a stack that writes parameters of the mesh changes one.
    ///
    /// Not each stack of the mesh may have a marker: a stack that an earlier release deployed gets it with the next change
    /// of its weights, or the next deployment. Until then, changes of it by other means are noticed at the regular read of
    /// all parameters.
    pub(crate) fn are_complete(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|(_, _, value)| value != UNVERSIONED)
    }
}
