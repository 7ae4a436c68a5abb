//! The caller of an operation, and what it may do.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use mesh_model::app_mesh::ResourcePath;

use crate::error::{ApiError, ErrorCode};
use crate::operation::Operation;
use crate::settings::Settings;

/// The caller of an operation. Authentication puts it into the request's extensions; a request without one has
/// [`Caller::unrestricted`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Its name in the audit log and in messages: an access key id, a user.
    pub name: String,
    /// Operations that it may use.
    pub access: Access,
    /// Meshes that it may use. `None`: all.
    pub meshes: Option<BTreeSet<String>>,
    /// Where its request came from.
    pub origin: Origin,
}

/// Where a request came from, for the audit log. The router fills it in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The other end of the connection, if the server was made with
    /// [`into_make_service_with_connect_info`](axum::Router::into_make_service_with_connect_info).
    pub address: Option<SocketAddr>,
    /// The id of the request, as in the response's `x-amzn-RequestId`.
    pub request_id: Option<String>,
}

/// Operations that a caller may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Describe and List.
    ReadOnly,
    /// All.
    ReadWrite,
}

impl Caller {
    /// A caller that may do everything.
    #[must_use]
    pub fn unrestricted(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            access: Access::ReadWrite,
            meshes: None,
            origin: Origin::default(),
        }
    }

    /// True if it may use this mesh.
    #[must_use]
    pub fn may_use_mesh(&self, mesh: &str) -> bool {
        self.meshes.as_ref().is_none_or(|meshes| meshes.contains(mesh))
    }

    /// Checks that it may use this operation.
    ///
    /// # Errors
    ///
    /// `ForbiddenException`, with the operation and the resource.
    pub fn authorize(&self, operation: &Operation, settings: &Settings) -> Result<(), ApiError> {
        let is_allowed = !operation.is_write() || self.access == Access::ReadWrite;
        let mesh = operation.mesh();
        if is_allowed && mesh.is_none_or(|mesh| self.may_use_mesh(mesh)) {
            return Ok(());
        }
        let resource = mesh.map_or_else(
            || "*".to_owned(),
            |mesh| match operation.path() {
                Some(path) => settings.arn(path),
                None => settings.arn(&ResourcePath::of_mesh(mesh)),
            },
        );
        let Self { name, .. } = self;
        let action = operation.name();
        Err(ApiError::new(
            ErrorCode::Forbidden,
            format!("User: {name} is not authorized to perform: appmesh:{action} on resource: {resource}"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use mesh_model::app_mesh::Kind;

    use super::*;

    fn caller(access: Access, meshes: Option<&[&str]>) -> Caller {
        Caller {
            name: "AKIDEXAMPLE".to_owned(),
            access,
            meshes: meshes.map(|meshes| meshes.iter().map(|mesh| (*mesh).to_owned()).collect()),
            origin: Origin::default(),
        }
    }

    #[test]
    fn callers_are_limited_to_their_operations_and_meshes() {
        let settings = Settings::default();
        let node = ResourcePath::new("demo", Kind::VirtualNode, "blue");
        let read = Operation::Describe(node.clone());
        let write = Operation::Delete(node);
        let all = caller(Access::ReadWrite, None);
        assert!(all.authorize(&read, &settings).is_ok() && all.authorize(&write, &settings).is_ok());
        let reader = caller(Access::ReadOnly, None);
        assert!(reader.authorize(&read, &settings).is_ok());
        let error = reader.authorize(&write, &settings).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Forbidden);
        assert_eq!(
            error.message(),
            "User: AKIDEXAMPLE is not authorized to perform: appmesh:DeleteVirtualNode on resource: \
             arn:aws:appmesh:us-east-1:000000000000:mesh/demo/virtualNode/blue"
        );
        let other = caller(Access::ReadWrite, Some(&["other"]));
        assert!(other.authorize(&read, &settings).is_err() && other.may_use_mesh("other"));
    }
}
