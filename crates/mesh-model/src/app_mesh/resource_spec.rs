//! The spec of a mesh resource of any kind.

use serde_json::Value;
use sidecar_contract::ValidationErrors;

use super::document::Spec;
use super::kind::Kind;
use super::{
    GatewayRouteSpec, MeshSpec, RouteSpec, VirtualGatewaySpec, VirtualNodeSpec, VirtualRouterSpec, VirtualServiceSpec,
};
use crate::key_casing::KeyCasing;

/// The spec of a mesh resource of any kind.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names are App Mesh's")]
#[expect(
    clippy::large_enum_variant,
    reason = "a mesh has few of them, which are seldom copied"
)]
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
    pub fn read(kind: Kind, document: &Value, casing: KeyCasing, path: &str) -> Result<Self, ValidationErrors> {
        match kind {
            Kind::Mesh => MeshSpec::read(document, casing, path).map(Self::Mesh),
            Kind::VirtualNode => VirtualNodeSpec::read(document, casing, path).map(Self::VirtualNode),
            Kind::VirtualRouter => VirtualRouterSpec::read(document, casing, path).map(Self::VirtualRouter),
            Kind::Route => RouteSpec::read(document, casing, path).map(Self::Route),
            Kind::VirtualService => VirtualServiceSpec::read(document, casing, path).map(Self::VirtualService),
            Kind::VirtualGateway => VirtualGatewaySpec::read(document, casing, path).map(Self::VirtualGateway),
            Kind::GatewayRoute => GatewayRouteSpec::read(document, casing, path).map(Self::GatewayRoute),
        }
    }

    /// Writes the spec. What was read is written back without loss.
    #[must_use]
    pub fn write(&self, casing: KeyCasing) -> Value {
        match self {
            Self::Mesh(spec) => spec.write(casing),
            Self::VirtualNode(spec) => spec.write(casing),
            Self::VirtualRouter(spec) => spec.write(casing),
            Self::Route(spec) => spec.write(casing),
            Self::VirtualService(spec) => spec.write(casing),
            Self::VirtualGateway(spec) => spec.write(casing),
            Self::GatewayRoute(spec) => spec.write(casing),
        }
    }
}
