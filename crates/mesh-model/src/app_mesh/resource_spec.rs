//! The spec of a mesh resource of any kind.

use serde_json::Value;
use sidecar_contract::ValidationErrors;

use super::document::{Kind, Spec};
use super::{
    GatewayRouteSpec, MeshSpec, RouteSpec, VirtualGatewaySpec, VirtualNodeSpec, VirtualRouterSpec, VirtualServiceSpec,
};
use crate::key_casing::KeyCasing;

/// The spec of a mesh resource of any kind.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names are App Mesh's")]
pub enum ResourceSpec {
    Mesh(MeshSpec),
    VirtualNode(VirtualNodeSpec),
    VirtualRouter(VirtualRouterSpec),
    Route(RouteSpec),
    VirtualService(VirtualServiceSpec),
    VirtualGateway(VirtualGatewaySpec),
    GatewayRoute(GatewayRouteSpec),
}

impl ResourceSpec {
    /// Reads the spec of a resource of this kind. `path` is the path to the document, with which the path of every error
    /// begins.
    ///
    /// # Errors
    ///
    /// As [`Spec::read`].
    pub fn read(kind: Kind, document: &Value, spelling: KeyCasing, path: &str) -> Result<Self, ValidationErrors> {
        match kind {
            Kind::Mesh => MeshSpec::read(document, spelling, path).map(Self::Mesh),
            Kind::VirtualNode => VirtualNodeSpec::read(document, spelling, path).map(Self::VirtualNode),
            Kind::VirtualRouter => VirtualRouterSpec::read(document, spelling, path).map(Self::VirtualRouter),
            Kind::Route => RouteSpec::read(document, spelling, path).map(Self::Route),
            Kind::VirtualService => VirtualServiceSpec::read(document, spelling, path).map(Self::VirtualService),
            Kind::VirtualGateway => VirtualGatewaySpec::read(document, spelling, path).map(Self::VirtualGateway),
            Kind::GatewayRoute => GatewayRouteSpec::read(document, spelling, path).map(Self::GatewayRoute),
        }
    }

    /// Writes the spec. What was read is written back without loss.
    #[must_use]
    pub fn write(&self, spelling: KeyCasing) -> Value {
        match self {
            Self::Mesh(spec) => spec.write(spelling),
            Self::VirtualNode(spec) => spec.write(spelling),
            Self::VirtualRouter(spec) => spec.write(spelling),
            Self::Route(spec) => spec.write(spelling),
            Self::VirtualService(spec) => spec.write(spelling),
            Self::VirtualGateway(spec) => spec.write(spelling),
            Self::GatewayRoute(spec) => spec.write(spelling),
        }
    }
}
