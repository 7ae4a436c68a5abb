//! From a request's method and path to its operation.
//!
//! ```text
//! PUT    /v20190125/meshes                       CreateMesh
//! GET    /v20190125/meshes                       ListMeshes
//! GET    /v20190125/meshes/M                     DescribeMesh
//! PUT    /v20190125/meshes/M                     UpdateMesh
//! DELETE /v20190125/meshes/M                     DeleteMesh
//!        …/M/virtualNodes[/N]                    the same for virtualRouters, virtualServices and virtualGateways
//!        …/M/virtualRouter/R/routes[/N]          the same, in a virtual router
//!        …/M/virtualGateway/G/gatewayRoutes[/N]  the same, in a virtual gateway
//! PUT    /v20190125/tag, /v20190125/untag        TagResource, UntagResource
//! GET    /v20190125/tags                         ListTagsForResource
//! ```

use http::Method;
use mesh_model::app_mesh::{Kind, ResourcePath};
use percent_encoding::percent_decode_str;

use super::body;
use super::parameters::Query;
use crate::error::{ApiError, ErrorCode};
use crate::operation::{Collection, Operation};
use crate::settings::Settings;

/// An operation without the parameters in query and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    Create(Collection),
    List(Collection),
    Describe(ResourcePath),
    Update(ResourcePath),
    Delete(ResourcePath),
    Tag,
    Untag,
    ListTags,
}

impl Target {
    /// # Errors
    ///
    /// `UnknownOperationException`, or `BadRequestException` for a name that no resource can have.
    pub(super) fn of(method: &Method, path: &str) -> Result<Self, ApiError> {
        let unknown = || {
            let message = format!("{method} {path} is not an operation of App Mesh's API 2019-01-25");
            ApiError::new(ErrorCode::UnknownOperation, message)
        };
        let segments = path.strip_prefix("/v20190125/").ok_or_else(unknown)?;
        let segments: Vec<&str> = segments.split('/').collect();
        let (collection, name) = match segments.as_slice() {
            ["tag"] if method == Method::PUT => return Ok(Self::Tag),
            ["untag"] if method == Method::PUT => return Ok(Self::Untag),
            ["tags"] if method == Method::GET => return Ok(Self::ListTags),
            ["meshes", rest @ ..] => collection(rest).ok_or_else(unknown)?,
            _ => return Err(unknown()),
        };
        let decode = |segment: Option<String>, kind| segment.map(|segment| decoded(&segment, kind)).transpose();
        let (kind, mesh, parent) = collection;
        let parent_kind = if kind == Kind::GatewayRoute {
            Kind::VirtualGateway
        } else {
            Kind::VirtualRouter
        };
        let collection = Collection {
            kind,
            mesh: decode(mesh, Kind::Mesh)?,
            parent: decode(parent, parent_kind)?,
        };
        let name = decode(name, kind)?;
        match (method, name) {
            (&Method::PUT, None) => Ok(Self::Create(collection)),
            (&Method::GET, None) => Ok(Self::List(collection)),
            (&Method::GET, Some(name)) => Ok(Self::Describe(item(&collection, name))),
            (&Method::PUT, Some(name)) => Ok(Self::Update(item(&collection, name))),
            (&Method::DELETE, Some(name)) => Ok(Self::Delete(item(&collection, name))),
            _ => Err(unknown()),
        }
    }

    /// True for operations with the parameter `meshOwner`.
    fn has_mesh_owner(&self) -> bool {
        match self {
            Self::Create(collection) | Self::List(collection) => collection.kind != Kind::Mesh,
            Self::Update(path) | Self::Delete(path) => path.kind != Kind::Mesh,
            Self::Describe(_) => true,
            Self::Tag | Self::Untag | Self::ListTags => false,
        }
    }

    /// The operation, with its parameters.
    ///
    /// # Errors
    ///
    /// `BadRequestException` with the parameter; `NotFoundException` for the mesh of another account.
    pub(super) fn operation(self, query: &Query, body: &[u8], settings: &Settings) -> Result<Operation, ApiError> {
        if self.has_mesh_owner() {
            query.check_mesh_owner(settings)?;
        }
        match self {
            Self::Create(collection) => body::create(collection, body),
            Self::List(collection) => Ok(Operation::List {
                collection,
                page: query.page()?,
            }),
            Self::Describe(path) => Ok(Operation::Describe(path)),
            Self::Update(path) => body::update(path, body),
            Self::Delete(path) => Ok(Operation::Delete(path)),
            Self::Tag => body::tag(query.resource(settings)?, body),
            Self::Untag => body::untag(query.resource(settings)?, body),
            Self::ListTags => Ok(Operation::ListTags {
                path: query.resource(settings)?,
                page: query.page()?,
            }),
        }
    }
}

type RawCollection = (Kind, Option<String>, Option<String>);

/// The collection and the name of an item in it, both still encoded. `None` for other paths.
fn collection(segments: &[&str]) -> Option<(RawCollection, Option<String>)> {
    let own = |text: &str| Some(text.to_owned());
    Some(match segments {
        [] => ((Kind::Mesh, None, None), None),
        [mesh] => ((Kind::Mesh, None, None), own(mesh)),
        [mesh, kind] => ((contained(kind)?, own(mesh), None), None),
        [mesh, kind, name] => ((contained(kind)?, own(mesh), None), own(name)),
        [mesh, "virtualRouter", router, "routes"] => ((Kind::Route, own(mesh), own(router)), None),
        [mesh, "virtualRouter", router, "routes", name] => ((Kind::Route, own(mesh), own(router)), own(name)),
        [mesh, "virtualGateway", gateway, "gatewayRoutes"] => ((Kind::GatewayRoute, own(mesh), own(gateway)), None),
        [mesh, "virtualGateway", gateway, "gatewayRoutes", name] => {
            ((Kind::GatewayRoute, own(mesh), own(gateway)), own(name))
        }
        _ => return None,
    })
}

fn contained(segment: &str) -> Option<Kind> {
    match segment {
        "virtualNodes" => Some(Kind::VirtualNode),
        "virtualRouters" => Some(Kind::VirtualRouter),
        "virtualServices" => Some(Kind::VirtualService),
        "virtualGateways" => Some(Kind::VirtualGateway),
        _ => None,
    }
}

/// The path of a resource in a collection.
pub(super) fn item(collection: &Collection, name: String) -> ResourcePath {
    ResourcePath {
        mesh: collection.mesh.clone().unwrap_or_else(|| name.clone()),
        kind: collection.kind,
        parent: collection.parent.clone(),
        name,
    }
}

fn decoded(segment: &str, kind: Kind) -> Result<String, ApiError> {
    let key = crate::response::name_key(kind);
    let name = percent_decode_str(segment)
        .decode_utf8()
        .map_err(|_invalid| ApiError::bad_request(format!("{key}: is not valid UTF-8")))?;
    check_name(kind, &name)?;
    Ok(name.into_owned())
}

/// Checks a resource's name.
pub(super) fn check_name(kind: Kind, name: &str) -> Result<(), ApiError> {
    let key = crate::response::name_key(kind);
    kind.check_name(name)
        .map_err(|invalid| ApiError::bad_request(format!("{key}: {invalid}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(method: Method, path: &str) -> Result<Target, ApiError> {
        Target::of(&method, path)
    }

    #[test]
    fn paths_of_app_mesh_are_operations() {
        let mesh = "/v20190125/meshes/m";
        assert_eq!(
            target(Method::PUT, "/v20190125/meshes").unwrap(),
            Target::Create(Collection {
                kind: Kind::Mesh,
                mesh: None,
                parent: None
            })
        );
        assert_eq!(
            target(Method::DELETE, mesh).unwrap(),
            Target::Delete(ResourcePath::of_mesh("m"))
        );
        assert_eq!(
            target(Method::GET, &format!("{mesh}/virtualServices/a%20b.local")).unwrap(),
            Target::Describe(ResourcePath::new("m", Kind::VirtualService, "a b.local"))
        );
        assert_eq!(
            target(Method::PUT, &format!("{mesh}/virtualRouter/r/routes/all")).unwrap(),
            Target::Update(ResourcePath::within("m", "r", Kind::Route, "all"))
        );
        assert_eq!(
            target(Method::GET, &format!("{mesh}/virtualGateway/g/gatewayRoutes")).unwrap(),
            Target::List(Collection {
                kind: Kind::GatewayRoute,
                mesh: Some("m".to_owned()),
                parent: Some("g".to_owned())
            })
        );
        assert_eq!(target(Method::PUT, "/v20190125/untag").unwrap(), Target::Untag);
    }

    #[test]
    fn other_paths_are_unknown_operations() {
        for (method, path) in [
            (Method::GET, "/"),
            (Method::GET, "/v20190125"),
            (Method::GET, "/v20181001/meshes"),
            (Method::POST, "/v20190125/meshes"),
            (Method::DELETE, "/v20190125/meshes"),
            (Method::GET, "/v20190125/tag"),
            (Method::PUT, "/v20190125/tags"),
            (Method::GET, "/v20190125/meshes/m/virtualRouters/r/routes"),
            (Method::GET, "/v20190125/meshes/m/routes"),
            (Method::PATCH, "/v20190125/meshes/m/virtualNodes/n"),
        ] {
            let error = target(method.clone(), path).unwrap_err();
            assert_eq!(error.code(), ErrorCode::UnknownOperation, "{method} {path}");
            assert!(error.message().contains(path), "{error}");
        }
    }

    #[test]
    fn names_are_checked() {
        let long = format!("/v20190125/meshes/{}", "n".repeat(256));
        assert_eq!(
            target(Method::GET, &long).unwrap_err().message(),
            "meshName: has 256 characters; allowed are 1 to 255"
        );
        for name in ["", "a%2Fb", "a%00", "%FF"] {
            let error = target(Method::GET, &format!("/v20190125/meshes/m/virtualNodes/{name}")).unwrap_err();
            assert_eq!(error.code(), ErrorCode::BadRequest, "{name}");
            assert!(error.message().starts_with("virtualNodeName: "), "{error}");
        }
    }
}
