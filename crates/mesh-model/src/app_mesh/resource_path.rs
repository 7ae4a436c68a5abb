//! Path of a resource: part of its ARN, of its Envoys' node ids, and of the name of the parameter that contains it.
//!
//! ```text
//! mesh/demo/virtualRouter/split/route/all                        in ARNs and node ids
//! /meshwright/demo/virtualRouter/split/route/all                 as a parameter
//! ```

use std::fmt;

use super::kind::Kind;
use super::resource_name::{InvalidName, split_owner};

/// Prefix of the names of all parameters that contain a mesh's resources.
pub const PARAMETER_PREFIX: &str = "/meshwright/";

/// Prefix of the revision markers of a mesh, `/meshwright-revision/MESH/STACK`: one for each stack that writes parameters
/// of the mesh, with a new value at each change. They are not below the mesh's own parameters, which are all resources.
pub const REVISION_PREFIX: &str = "/meshwright-revision/";

/// The value of a revision marker whose stack contains values that the marker cannot cover: its value may stay the same
/// when a parameter changes.
pub const UNVERSIONED: &str = "unversioned";

/// The mesh, the parent and the name of a resource. Names are not empty and contain no `/`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourcePath {
    /// The mesh's name.
    pub mesh: String,
    /// The type of the resource.
    pub kind: Kind,
    /// The virtual router of a route, the virtual gateway of a gateway route; otherwise `None`.
    pub parent: Option<String>,
    /// The resource's name; for a mesh, the mesh's name.
    pub name: String,
}

impl ResourcePath {
    /// The path of a mesh.
    #[must_use]
    pub fn of_mesh(mesh: &str) -> Self {
        Self {
            mesh: mesh.to_owned(),
            kind: Kind::Mesh,
            parent: None,
            name: mesh.to_owned(),
        }
    }

    /// The path of a resource that a mesh contains directly.
    #[must_use]
    pub fn new(mesh: &str, kind: Kind, name: &str) -> Self {
        Self {
            mesh: mesh.to_owned(),
            kind,
            parent: None,
            name: name.to_owned(),
        }
    }

    /// The path of a route in its virtual router, or of a gateway route in its virtual gateway.
    #[must_use]
    pub fn within(mesh: &str, parent: &str, kind: Kind, name: &str) -> Self {
        Self {
            parent: Some(parent.to_owned()),
            ..Self::new(mesh, kind, name)
        }
    }

    /// Parses `mesh/MESH/…`, also at the end of an ARN, and with the owner of the mesh, as in `mesh/MESH@ACCOUNT/…`.
    /// `None` for other strings.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts = parts_of(text)?;
        match Self::mesh_owner(text) {
            Some(owner) => Self::from_parts(&parts.replacen(&format!("@{owner}"), "", 1)),
            None => Self::from_parts(parts),
        }
    }

    /// Parses `mesh/MESH/…` as [`Display`](fmt::Display) writes it: what follows `mesh/` is the mesh's name, with any `@`.
    /// `None` for other strings, also for ARNs.
    #[must_use]
    pub fn from_path(path: &str) -> Option<Self> {
        Self::from_parts(path.strip_prefix("mesh/")?)
    }

    /// Checks all names of the path.
    ///
    /// # Errors
    ///
    /// The type of resource whose name is not valid, and the reason.
    pub fn check_names(&self) -> Result<(), (Kind, InvalidName)> {
        let check = |kind: Kind, name: &str| kind.check_name(name).map_err(|reason| (kind, reason));
        check(Kind::Mesh, &self.mesh)?;
        if let (Some(parent), Some(container)) = (&self.parent, container(self.kind)) {
            check(container, parent)?;
        }
        check(self.kind, &self.name)
    }

    /// The account in `mesh/MESH@ACCOUNT/…`, 12 digits: the owner of a mesh that is shared with other accounts. Source: the
    /// App Mesh agent's `APPMESH_RESOURCE_ARN` (read 2026-11-30).
    #[must_use]
    pub fn mesh_owner(text: &str) -> Option<&str> {
        let mesh = parts_of(text)?.split('/').next()?;
        split_owner(mesh).map(|(_, owner)| owner)
    }

    /// Parses the name of a parameter, `/meshwright/MESH/…`. `None` for other names.
    #[must_use]
    pub fn from_parameter(name: &str) -> Option<Self> {
        Self::from_parts(name.strip_prefix(PARAMETER_PREFIX)?)
    }

    /// The name of the parameter that contains the resource.
    #[must_use]
    pub fn to_parameter(&self) -> String {
        format!("{PARAMETER_PREFIX}{}", self.parts())
    }

    /// Description for messages: ``virtual node `blue` ``, ``route `all` of virtual router `split` ``.
    #[must_use]
    pub fn description(&self) -> String {
        let (kind, name) = (self.kind, &self.name);
        match (&self.parent, container(kind)) {
            (Some(parent), Some(container)) => format!("{kind} `{name}` of {container} `{parent}`"),
            _ => format!("{kind} `{name}`"),
        }
    }

    fn from_parts(parts: &str) -> Option<Self> {
        let parts: Vec<&str> = parts.split('/').collect();
        if parts.iter().any(|part| part.is_empty()) {
            return None;
        }
        match parts.as_slice() {
            [mesh] => Some(Self::of_mesh(mesh)),
            [mesh, kind, name] => Some(Self::new(mesh, contained(kind)?, name)),
            [mesh, container, parent, kind, name] => {
                let kind = match (*container, *kind) {
                    ("virtualRouter", "route") => Kind::Route,
                    ("virtualGateway", "gatewayRoute") => Kind::GatewayRoute,
                    _ => return None,
                };
                Some(Self::within(mesh, parent, kind, name))
            }
            _ => None,
        }
    }

    fn parts(&self) -> String {
        let Self {
            mesh,
            kind,
            parent,
            name,
        } = self;
        let parent = parent.as_deref().unwrap_or_default();
        match kind {
            Kind::Mesh => mesh.clone(),
            Kind::Route => format!("{mesh}/virtualRouter/{parent}/route/{name}"),
            Kind::GatewayRoute => format!("{mesh}/virtualGateway/{parent}/gatewayRoute/{name}"),
            Kind::VirtualNode => format!("{mesh}/virtualNode/{name}"),
            Kind::VirtualRouter => format!("{mesh}/virtualRouter/{name}"),
            Kind::VirtualService => format!("{mesh}/virtualService/{name}"),
            Kind::VirtualGateway => format!("{mesh}/virtualGateway/{name}"),
        }
    }
}

/// What follows `mesh/` in a path, or in a path at the end of an ARN.
fn parts_of(text: &str) -> Option<&str> {
    let path = match text.strip_prefix("arn:") {
        // arn:PARTITION:appmesh:REGION:ACCOUNT:PATH
        Some(arn) => arn.splitn(5, ':').nth(4)?,
        None => text,
    };
    path.strip_prefix("mesh/")
}

/// The types of resource that a mesh contains directly, by their path segment.
fn contained(word: &str) -> Option<Kind> {
    match word {
        "virtualNode" => Some(Kind::VirtualNode),
        "virtualRouter" => Some(Kind::VirtualRouter),
        "virtualService" => Some(Kind::VirtualService),
        "virtualGateway" => Some(Kind::VirtualGateway),
        _ => None,
    }
}

fn container(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::Route => Some(Kind::VirtualRouter),
        Kind::GatewayRoute => Some(Kind::VirtualGateway),
        _ => None,
    }
}

impl fmt::Display for ResourcePath {
    /// The path as in ARNs: `mesh/demo/virtualNode/blue`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mesh/{}", self.parts())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_kind() -> [ResourcePath; 7] {
        [
            ResourcePath::of_mesh("demo"),
            ResourcePath::new("demo", Kind::VirtualNode, "blue"),
            ResourcePath::new("demo", Kind::VirtualRouter, "split"),
            ResourcePath::new("demo", Kind::VirtualService, "blue.appmesh"),
            ResourcePath::new("demo", Kind::VirtualGateway, "door"),
            ResourcePath::within("demo", "split", Kind::Route, "all"),
            ResourcePath::within("demo", "door", Kind::GatewayRoute, "blue"),
        ]
    }

    #[test]
    fn paths_round_trip() {
        for path in every_kind() {
            assert_eq!(ResourcePath::parse(&path.to_string()), Some(path.clone()));
            assert_eq!(ResourcePath::from_parameter(&path.to_parameter()), Some(path.clone()));
            let arn = format!("arn:aws:appmesh:eu-west-1:123456789012:{path}");
            assert_eq!(ResourcePath::parse(&arn), Some(path));
        }
        let route = ResourcePath::within("demo", "split", Kind::Route, "all");
        assert_eq!(route.to_parameter(), "/meshwright/demo/virtualRouter/split/route/all");
        assert_eq!(route.description(), "route `all` of virtual router `split`");
    }

    #[test]
    fn a_mesh_may_have_an_owner() {
        let node = ResourcePath::new("demo", Kind::VirtualNode, "blue");
        for text in [
            "mesh/demo@123456789012/virtualNode/blue",
            "arn:aws:appmesh:eu-west-1:111122223333:mesh/demo@123456789012/virtualNode/blue",
        ] {
            assert_eq!(ResourcePath::parse(text), Some(node.clone()));
            assert_eq!(ResourcePath::mesh_owner(text), Some("123456789012"));
        }
        assert_eq!(ResourcePath::mesh_owner("mesh/a@b/virtualNode/blue"), None);
        assert_eq!(ResourcePath::parse("mesh/a@b").expect("a mesh").mesh, "a@b");
    }

    #[test]
    fn a_path_that_was_written_keeps_an_owner_in_the_name() {
        let mesh = ResourcePath::of_mesh("demo@123456789012");
        assert_eq!(ResourcePath::from_path(&mesh.to_string()), Some(mesh));
        assert_eq!(
            ResourcePath::from_path("arn:aws:appmesh:eu-west-1:123456789012:mesh/demo"),
            None
        );
    }

    #[test]
    fn invalid_paths_are_rejected() {
        for text in [
            "",
            "mesh",
            "mesh/",
            "mesh/demo/virtualNode",
            "mesh/demo/virtualNode/",
            "mesh/demo/VirtualNode/blue",
            "mesh/demo/virtualRouter/split/gatewayRoute/all",
            "mesh/demo/virtualNode/blue/more",
            "arn:aws:appmesh:eu-west-1:mesh/demo",
            "virtualNode/blue",
        ] {
            assert_eq!(ResourcePath::parse(text), None, "{text}");
        }
        assert_eq!(ResourcePath::from_parameter("/other/demo"), None);
    }
}
