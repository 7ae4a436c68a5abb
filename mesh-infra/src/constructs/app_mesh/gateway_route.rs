//! Gateway routes: which requests at a virtual gateway go to which virtual service, one type per protocol.

mod grpc;
mod http;

use cfn::appmesh;
use mesh_model::app_mesh::gateway_route::{
    DefaultRewrite, GatewayRouteTarget, GatewayRouteVirtualService, HostnameRewrite,
};
use mesh_model::app_mesh::{GatewayRouteSpec, Kind};

use super::references::to_get_att;
use super::resource_ref::{ResourceRef, handle};
use super::{VirtualGatewayHandle, VirtualServiceHandle};
use crate::stack::{LogicalId, Scope};

pub use grpc::GrpcGatewayRoute;
pub use http::HttpGatewayRoute;

handle! {
    /// A gateway route that was added to a stack, of any protocol.
    GatewayRouteHandle {}
}

/// The part of a gateway route that does not depend on its protocol.
#[derive(Debug, Clone)]
struct GatewayRouteBase {
    gateway: VirtualGatewayHandle,
    name: String,
    priority: Option<u32>,
    /// The target, unless it is only named by the spec. The handle must be of the same stack.
    target: Option<LogicalId>,
}

impl GatewayRouteBase {
    fn new(gateway: &VirtualGatewayHandle, name: impl Into<String>, target: Option<&VirtualServiceHandle>) -> Self {
        Self {
            gateway: gateway.clone(),
            name: name.into(),
            priority: None,
            target: target.map(|service| service.logical_id().clone()),
        }
    }

    /// Adds the gateway route, given a spec that has everything but the priority.
    fn add_to(self, spec: GatewayRouteSpec, scope: &mut Scope<'_>) -> GatewayRouteHandle {
        let spec = GatewayRouteSpec {
            priority: self.priority,
            ..spec
        };
        let gateway = &self.gateway.resource;
        let resource = ResourceRef::within(gateway, Kind::GatewayRoute, &self.name, scope);
        if let Some(target) = &self.target {
            scope.refer_to(target, &format!("Resources.{}.Properties.Spec", resource.id));
        }
        let spec = to_get_att(&spec, &resource.path.mesh, scope);
        let properties = appmesh::GatewayRoute::new(gateway.mesh_name(), gateway.name(), self.name, spec);
        resource.add(&properties, scope);
        GatewayRouteHandle { resource }
    }
}

fn target(service: &VirtualServiceHandle) -> GatewayRouteTarget {
    GatewayRouteTarget {
        virtual_service: GatewayRouteVirtualService {
            virtual_service_name: service.name().to_owned(),
        },
        port: None,
    }
}

/// Keeps the host of the request.
fn no_hostname_rewrite() -> HostnameRewrite {
    HostnameRewrite {
        default_target_hostname: Some(DefaultRewrite::Disabled),
    }
}

/// The methods that gateway routes of all protocols have. The type has a `base` and a `route`, the model's struct.
macro_rules! common_gateway_route_methods {
    ($route:ident) => {
        impl $route {
            /// Sets the priority, 0 to 1000; lower numbers are matched first. Default, decided by App Mesh: after all
            /// gateway routes that have one.
            #[must_use]
            pub fn with_priority(mut self, priority: u32) -> Self {
                self.base.priority = Some(priority);
                self
            }

            /// Selects a port of the target's provider, which is required if the provider has several listeners.
            #[must_use]
            pub fn with_target_port(mut self, port: u16) -> Self {
                self.route.action.target.port = Some(port);
                self
            }

            /// Matches requests to this host.
            #[must_use]
            pub fn with_hostname(mut self, hostname: impl Into<String>) -> Self {
                let exact = Some(hostname.into());
                self.route.matching.hostname = Some(HostnameMatch { exact, suffix: None });
                self
            }

            /// Matches requests to hosts with this suffix, which consists of whole labels.
            #[must_use]
            pub fn with_hostname_suffix(mut self, suffix: impl Into<String>) -> Self {
                let suffix = Some(suffix.into());
                self.route.matching.hostname = Some(HostnameMatch { exact: None, suffix });
                self
            }

            /// Matches requests to this port of the virtual gateway, which is required if the gateway has several
            /// listeners.
            #[must_use]
            pub fn with_port(mut self, port: u16) -> Self {
                self.route.matching.port = Some(port);
                self
            }

            /// Keeps the host of the request. Default, decided by App Mesh: it becomes the virtual service's name.
            #[must_use]
            pub fn without_hostname_rewrite(mut self) -> Self {
                let rewrite = self.route.action.rewrite.get_or_insert_default();
                rewrite.hostname = Some(no_hostname_rewrite());
                self
            }
        }
    };
}

use common_gateway_route_methods;
