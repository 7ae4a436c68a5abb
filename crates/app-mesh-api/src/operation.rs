//! Operations of the API as data, independent of HTTP.

use std::collections::BTreeMap;

use mesh_model::app_mesh::{Kind, ResourcePath};
use serde_json::Value;

/// One of App Mesh's 38 operations with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// `CreateMesh`, `CreateVirtualNode`, …
    Create {
        /// The new resource.
        path: ResourcePath,
        /// Its spec. Optional for meshes only.
        spec: Option<Value>,
        /// Its tags.
        tags: BTreeMap<String, String>,
        /// Makes repetitions of the request idempotent.
        client_token: Option<String>,
    },
    /// `DescribeMesh`, `DescribeVirtualNode`, …
    Describe(ResourcePath),
    /// `UpdateMesh`, `UpdateVirtualNode`, …: replaces the spec.
    Update {
        /// The resource.
        path: ResourcePath,
        /// The new spec. Optional for meshes only.
        spec: Option<Value>,
        /// Makes repetitions of the request idempotent.
        client_token: Option<String>,
    },
    /// `DeleteMesh`, `DeleteVirtualNode`, …
    Delete(ResourcePath),
    /// `ListMeshes`, `ListVirtualNodes`, …
    List {
        /// What to list.
        collection: Collection,
        /// Which part of it.
        page: PageRequest,
    },
    /// `TagResource`
    Tag {
        /// The resource.
        path: ResourcePath,
        /// Tags to add or to replace.
        tags: BTreeMap<String, String>,
    },
    /// `UntagResource`
    Untag {
        /// The resource.
        path: ResourcePath,
        /// Keys of the tags to remove; unknown ones are ignored.
        keys: Vec<String>,
    },
    /// `ListTagsForResource`
    ListTags {
        /// The resource.
        path: ResourcePath,
        /// Which part of its tags.
        page: PageRequest,
    },
}

/// The resources of one type in their container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// The type.
    pub kind: Kind,
    /// The mesh. `None` for the list of meshes.
    pub mesh: Option<String>,
    /// The virtual router of routes, the virtual gateway of gateway routes.
    pub parent: Option<String>,
}

/// A part of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Maximum number of items. Default: the operation's maximum.
    pub limit: Option<usize>,
    /// `nextToken` of the part before.
    pub next_token: Option<String>,
}

impl Operation {
    /// The operation's name in the API, such as `CreateVirtualNode`.
    #[must_use]
    pub fn name(&self) -> String {
        let (verb, kind) = match self {
            Self::Create { path, .. } => ("Create", path.kind),
            Self::Describe(path) => ("Describe", path.kind),
            Self::Update { path, .. } => ("Update", path.kind),
            Self::Delete(path) => ("Delete", path.kind),
            Self::List { collection, .. } if collection.kind == Kind::Mesh => return "ListMeshes".to_owned(),
            Self::List { collection, .. } => return format!("List{:?}s", collection.kind),
            Self::Tag { .. } => return "TagResource".to_owned(),
            Self::Untag { .. } => return "UntagResource".to_owned(),
            Self::ListTags { .. } => return "ListTagsForResource".to_owned(),
        };
        format!("{verb}{kind:?}")
    }

    /// True if it changes something.
    #[must_use]
    pub fn is_write(&self) -> bool {
        !matches!(self, Self::Describe(_) | Self::List { .. } | Self::ListTags { .. })
    }

    /// The resource that it is about. `None` for lists of resources.
    #[must_use]
    pub fn path(&self) -> Option<&ResourcePath> {
        match self {
            Self::Create { path, .. }
            | Self::Describe(path)
            | Self::Update { path, .. }
            | Self::Delete(path)
            | Self::Tag { path, .. }
            | Self::Untag { path, .. }
            | Self::ListTags { path, .. } => Some(path),
            Self::List { .. } => None,
        }
    }

    /// The mesh that it is about. `None` for the list of meshes.
    #[must_use]
    pub fn mesh(&self) -> Option<&str> {
        match self {
            Self::List { collection, .. } => collection.mesh.as_deref(),
            other => other.path().map(|path| path.mesh.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_api_has_38_operations() {
        let path = |kind| match kind {
            Kind::Mesh => ResourcePath::of_mesh("m"),
            Kind::Route | Kind::GatewayRoute => ResourcePath::within("m", "p", kind, "n"),
            _ => ResourcePath::new("m", kind, "n"),
        };
        let of_kind = |kind| {
            let path = path(kind);
            let collection = Collection {
                kind,
                mesh: (kind != Kind::Mesh).then(|| "m".to_owned()),
                parent: path.parent.clone(),
            };
            let (spec, client_token) = (None, None);
            [
                Operation::Create {
                    path: path.clone(),
                    spec: spec.clone(),
                    tags: BTreeMap::new(),
                    client_token: client_token.clone(),
                },
                Operation::Describe(path.clone()),
                Operation::Update {
                    path: path.clone(),
                    spec,
                    client_token,
                },
                Operation::Delete(path),
                Operation::List {
                    collection,
                    page: PageRequest::default(),
                },
            ]
        };
        let mesh = path(Kind::Mesh);
        let tags = [
            Operation::Tag {
                path: mesh.clone(),
                tags: BTreeMap::new(),
            },
            Operation::Untag {
                path: mesh.clone(),
                keys: Vec::new(),
            },
            Operation::ListTags {
                path: mesh,
                page: PageRequest::default(),
            },
        ];
        let all = Kind::ALL.into_iter().flat_map(of_kind).chain(tags);
        let names: BTreeSet<String> = all.map(|operation| operation.name()).collect();
        assert_eq!(names.len(), 38, "{names:?}");
        for name in ["ListMeshes", "ListVirtualServices", "UpdateGatewayRoute", "DeleteMesh"] {
            assert!(names.contains(name), "{name} is missing: {names:?}");
        }
    }
}
