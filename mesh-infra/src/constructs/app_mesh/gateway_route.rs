//! Gateway routes: which requests at a virtual gateway go to which virtual service.

mod matching;
mod rewriting;

use mesh_model::app_mesh::gateway_route::{
    GatewayRouteTarget, GatewayRouteVirtualService, GrpcGatewayRoute, GrpcGatewayRouteAction, GrpcGatewayRouteMatch,
    HttpGatewayRoute, HttpGatewayRouteAction, HttpGatewayRouteMatch,
};
use mesh_model::app_mesh::{GatewayRouteSpec, Kind};

use super::link::linked;
use super::place::{Place, handle};
use super::route::note_misfits;
use super::{VirtualGatewayHandle, VirtualServiceHandle};
use crate::cfn::appmesh;
use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

/// Which requests at a virtual gateway go to which virtual service.
///
/// A method that a kind of route has no word for, a path for gRPC for instance, is a problem.
#[derive(Debug, Clone)]
pub struct GatewayRoute {
    gateway: VirtualGatewayHandle,
    name: String,
    spec: GatewayRouteSpec,
    target: Option<LogicalId>,
    misfits: Vec<&'static str>,
}

impl GatewayRoute {
    /// A gateway route for HTTP/1.1. It needs a prefix, a path or a hostname, and a target.
    #[must_use]
    pub fn http(gateway: &VirtualGatewayHandle, name: impl Into<String>) -> Self {
        let http_route = Some(http_route());
        Self::of(
            gateway,
            name,
            GatewayRouteSpec {
                http_route,
                ..GatewayRouteSpec::default()
            },
        )
    }

    /// A gateway route for HTTP/2. It needs a prefix, a path or a hostname, and a target.
    #[must_use]
    pub fn http2(gateway: &VirtualGatewayHandle, name: impl Into<String>) -> Self {
        let http2_route = Some(http_route());
        Self::of(
            gateway,
            name,
            GatewayRouteSpec {
                http2_route,
                ..GatewayRouteSpec::default()
            },
        )
    }

    /// A gateway route for gRPC. It needs a service or a hostname, and a target.
    #[must_use]
    pub fn grpc(gateway: &VirtualGatewayHandle, name: impl Into<String>) -> Self {
        let grpc_route = Some(GrpcGatewayRoute {
            matching: GrpcGatewayRouteMatch::default(),
            action: GrpcGatewayRouteAction {
                target: nobody(),
                rewrite: None,
            },
        });
        Self::of(
            gateway,
            name,
            GatewayRouteSpec {
                grpc_route,
                ..GatewayRouteSpec::default()
            },
        )
    }

    /// A gateway route with this spec.
    #[must_use]
    pub fn of(gateway: &VirtualGatewayHandle, name: impl Into<String>, spec: GatewayRouteSpec) -> Self {
        Self {
            gateway: gateway.clone(),
            name: name.into(),
            spec,
            target: None,
            misfits: Vec::new(),
        }
    }

    /// The same route, tried before those with a higher number: 0 to 1000. Default, decided by App Mesh: after all
    /// that have one.
    #[must_use]
    pub fn with_priority(mut self, priority: u32) -> Self {
        self.spec.priority = Some(priority);
        self
    }

    /// The same route to this virtual service. Replaces another target.
    #[must_use]
    pub fn with_target(self, service: &VirtualServiceHandle) -> Self {
        self.with_target_at(service, None)
    }

    /// [`GatewayRoute::with_target`], at this one of its provider's ports. Needed if the provider has several.
    #[must_use]
    pub fn with_target_port(self, service: &VirtualServiceHandle, port: u16) -> Self {
        self.with_target_at(service, Some(port))
    }

    fn with_target_at(mut self, service: &VirtualServiceHandle, port: Option<u16>) -> Self {
        let target = GatewayRouteTarget {
            port,
            ..target(service.name())
        };
        self.target = Some(service.logical_id().clone());
        let same = target.clone();
        self.with_either(
            "with_target",
            |route| route.action.target = target,
            |route| route.action.target = same,
        )
    }

    fn with_http(mut self, method: &'static str, change: impl FnOnce(&mut HttpGatewayRoute)) -> Self {
        match self.spec.http_route.as_mut().or(self.spec.http2_route.as_mut()) {
            Some(route) => change(route),
            None => self.misfits.push(method),
        }
        self
    }

    fn with_either(
        mut self,
        method: &'static str,
        http: impl FnOnce(&mut HttpGatewayRoute),
        grpc: impl FnOnce(&mut GrpcGatewayRoute),
    ) -> Self {
        match &mut self.spec.grpc_route {
            Some(route) => grpc(route),
            None => return self.with_http(method, http),
        }
        self
    }
}

fn http_route() -> HttpGatewayRoute {
    HttpGatewayRoute {
        matching: HttpGatewayRouteMatch::default(),
        action: HttpGatewayRouteAction {
            target: nobody(),
            rewrite: None,
        },
    }
}

/// The target of a route that was given none yet. An empty name is a problem wherever it stays.
fn nobody() -> GatewayRouteTarget {
    target("")
}

fn target(service: &str) -> GatewayRouteTarget {
    GatewayRouteTarget {
        virtual_service: GatewayRouteVirtualService {
            virtual_service_name: service.to_owned(),
        },
        port: None,
    }
}

handle! {
    /// A gateway route that was added to a stack.
    GatewayRouteHandle {}
}

impl Construct for GatewayRoute {
    type Handle = GatewayRouteHandle;
    const KIND: &'static str = "GatewayRoute";

    fn add_to(self, scope: &mut Scope<'_>) -> GatewayRouteHandle {
        let place = Place::within(&self.gateway.place, Kind::GatewayRoute, &self.name, scope);
        if let Some(target) = &self.target {
            scope.expect_own(target, &format!("Resources.{}.Properties.Spec", place.id));
        }
        note_misfits(&self.misfits, &place, scope);
        let spec = linked(&self.spec, &place.path.mesh, scope);
        let gateway = &self.gateway.place;
        let properties = appmesh::GatewayRoute::new(gateway.mesh_name(), gateway.name(), self.name, spec);
        place.add(&properties, scope);
        GatewayRouteHandle { place }
    }
}
