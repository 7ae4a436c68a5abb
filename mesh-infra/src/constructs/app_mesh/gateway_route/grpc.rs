//! Gateway routes for gRPC.

use mesh_model::app_mesh::GatewayRouteSpec;
use mesh_model::app_mesh::gateway_route::{self, GrpcGatewayRouteAction, GrpcGatewayRouteMatch, HostnameMatch};
use mesh_model::app_mesh::matching::HeaderMatch;

use super::{GatewayRouteBase, GatewayRouteHandle, common_gateway_route_methods, no_hostname_rewrite, target};
use crate::construct::Construct;
use crate::constructs::app_mesh::matching::exact_header;
use crate::constructs::{VirtualGatewayHandle, VirtualServiceHandle};
use crate::stack::Scope;

/// A gateway route for gRPC. It needs [a service](GrpcGatewayRoute::with_service) or a hostname.
///
/// ```
/// # use mesh_infra::{GrpcGatewayRoute, Mesh, Stack, VirtualGateway, VirtualService};
/// # let mut stack = Stack::new("shop");
/// # let mesh = stack.add("Mesh", Mesh::new("shop"));
/// # let orders = stack.add("orders", VirtualService::new(&mesh, "orders.shop"));
/// # let gateway = stack.add("gateway", VirtualGateway::new(&mesh, "gateway"));
/// let route = GrpcGatewayRoute::new(&gateway, "orders", &orders).with_service("shop.Orders");
/// ```
///
/// Paths do not exist in gRPC:
///
/// ```compile_fail
/// # use mesh_infra::{GrpcGatewayRoute, Mesh, Stack, VirtualGateway, VirtualService};
/// # let mut stack = Stack::new("shop");
/// # let mesh = stack.add("Mesh", Mesh::new("shop"));
/// # let orders = stack.add("orders", VirtualService::new(&mesh, "orders.shop"));
/// # let gateway = stack.add("gateway", VirtualGateway::new(&mesh, "gateway"));
/// let route = GrpcGatewayRoute::new(&gateway, "orders", &orders).with_path_rewrite("/");
/// ```
#[derive(Debug, Clone)]
pub struct GrpcGatewayRoute {
    base: GatewayRouteBase,
    route: gateway_route::GrpcGatewayRoute,
}

impl GrpcGatewayRoute {
    /// A gateway route to this virtual service.
    #[must_use]
    pub fn new(gateway: &VirtualGatewayHandle, name: impl Into<String>, service: &VirtualServiceHandle) -> Self {
        let route = gateway_route::GrpcGatewayRoute {
            matching: GrpcGatewayRouteMatch::default(),
            action: GrpcGatewayRouteAction {
                target: target(service),
                rewrite: None,
            },
        };
        Self {
            base: GatewayRouteBase::new(gateway, name, Some(service)),
            route,
        }
    }

    /// A gateway route with the fields of App Mesh's `GrpcGatewayRoute`.
    #[must_use]
    pub fn from_spec(
        gateway: &VirtualGatewayHandle,
        name: impl Into<String>,
        route: gateway_route::GrpcGatewayRoute,
    ) -> Self {
        Self {
            base: GatewayRouteBase::new(gateway, name, None),
            route,
        }
    }

    /// Matches calls of this gRPC service, by its full name.
    #[must_use]
    pub fn with_service(mut self, service: impl Into<String>) -> Self {
        self.route.matching.service_name = Some(service.into());
        self
    }

    /// Matches calls with this value of a metadata key.
    #[must_use]
    pub fn with_metadata(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with_metadata_match(exact_header(name.into(), value.into()))
    }

    /// Matches calls by a condition on a metadata key.
    #[must_use]
    pub fn with_metadata_match(mut self, metadata: HeaderMatch) -> Self {
        self.route.matching.metadata.push(metadata);
        self
    }
}

common_gateway_route_methods!(GrpcGatewayRoute);

impl Construct for GrpcGatewayRoute {
    type Handle = GatewayRouteHandle;
    const KIND: &'static str = "GatewayRoute";

    fn add_to(self, scope: &mut Scope<'_>) -> GatewayRouteHandle {
        let spec = GatewayRouteSpec {
            grpc_route: Some(self.route),
            ..GatewayRouteSpec::default()
        };
        self.base.add_to(spec, scope)
    }
}
