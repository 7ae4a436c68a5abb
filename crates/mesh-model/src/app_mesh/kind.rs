//! The types of App Mesh resources.

use std::fmt;

/// The type of an App Mesh resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are App Mesh's")]
pub enum Kind {
    Mesh,
    VirtualNode,
    VirtualRouter,
    Route,
    VirtualService,
    VirtualGateway,
    GatewayRoute,
}

impl Kind {
    /// All types.
    pub const ALL: [Kind; 7] = [
        Kind::Mesh,
        Kind::VirtualNode,
        Kind::VirtualRouter,
        Kind::Route,
        Kind::VirtualService,
        Kind::VirtualGateway,
        Kind::GatewayRoute,
    ];

    /// The CloudFormation resource type, such as `AWS::AppMesh::VirtualNode`.
    #[must_use]
    pub fn resource_type(self) -> String {
        format!("AWS::AppMesh::{self:?}")
    }
}

impl fmt::Display for Kind {
    /// In prose: `virtual node`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Mesh => "mesh",
            Kind::VirtualNode => "virtual node",
            Kind::VirtualRouter => "virtual router",
            Kind::Route => "route",
            Kind::VirtualService => "virtual service",
            Kind::VirtualGateway => "virtual gateway",
            Kind::GatewayRoute => "gateway route",
        })
    }
}
