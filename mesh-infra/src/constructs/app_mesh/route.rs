//! Routes: which requests of a virtual router go where.

pub(super) mod matching;

use mesh_model::app_mesh::listener::{IdleTimeout, RequestTimeout};
use mesh_model::app_mesh::route::{
    GrpcRetryPolicy, GrpcRoute, GrpcRouteMatch, HttpRetryPolicy, HttpRoute, HttpRouteMatch, RouteAction, TcpRoute,
    WeightedTarget,
};
use mesh_model::app_mesh::{Kind, RouteSpec};

use super::link::linked;
use super::place::{Place, handle};
use super::{VirtualNodeHandle, VirtualRouterHandle};
use crate::cfn::appmesh;
use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

/// Which requests of a virtual router go to which virtual nodes.
///
/// A method that a kind of route has no word for, a path for TCP for instance, is a problem.
#[derive(Debug, Clone)]
pub struct Route {
    router: VirtualRouterHandle,
    name: String,
    spec: RouteSpec,
    targets: Vec<LogicalId>,
    misfits: Vec<&'static str>,
}

impl Route {
    /// A route for HTTP/1.1. It needs [a prefix](Route::with_prefix) or a path, and a target.
    #[must_use]
    pub fn http(router: &VirtualRouterHandle, name: impl Into<String>) -> Self {
        let http_route = Some(http_route());
        Self::of(
            router,
            name,
            RouteSpec {
                http_route,
                ..RouteSpec::default()
            },
        )
    }

    /// A route for HTTP/2. It needs [a prefix](Route::with_prefix) or a path, and a target.
    #[must_use]
    pub fn http2(router: &VirtualRouterHandle, name: impl Into<String>) -> Self {
        let http2_route = Some(http_route());
        Self::of(
            router,
            name,
            RouteSpec {
                http2_route,
                ..RouteSpec::default()
            },
        )
    }

    /// A route for gRPC: all calls, unless it says which. It needs a target.
    #[must_use]
    pub fn grpc(router: &VirtualRouterHandle, name: impl Into<String>) -> Self {
        let grpc_route = Some(GrpcRoute {
            matching: GrpcRouteMatch::default(),
            action: nowhere(),
            retry_policy: None,
            timeout: None,
        });
        Self::of(
            router,
            name,
            RouteSpec {
                grpc_route,
                ..RouteSpec::default()
            },
        )
    }

    /// A route for TCP: all connections. It needs a target.
    #[must_use]
    pub fn tcp(router: &VirtualRouterHandle, name: impl Into<String>) -> Self {
        let tcp_route = Some(TcpRoute {
            matching: None,
            action: nowhere(),
            timeout: None,
        });
        Self::of(
            router,
            name,
            RouteSpec {
                tcp_route,
                ..RouteSpec::default()
            },
        )
    }

    /// A route with this spec.
    #[must_use]
    pub fn of(router: &VirtualRouterHandle, name: impl Into<String>, spec: RouteSpec) -> Self {
        Self {
            router: router.clone(),
            name: name.into(),
            spec,
            targets: Vec::new(),
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

    /// The same route with one more target, which gets this share of the requests, relative to the other targets':
    /// 0 to 100, where 0 is nothing. All shares add up to 100 at most.
    #[must_use]
    pub fn with_target(self, node: &VirtualNodeHandle, weight: u32) -> Self {
        self.with_target_at(node, None, weight)
    }

    /// [`Route::with_target`], at this one of the target's ports. Needed if the target has several.
    #[must_use]
    pub fn with_target_port(self, node: &VirtualNodeHandle, port: u16, weight: u32) -> Self {
        self.with_target_at(node, Some(port), weight)
    }

    /// The same route, requests that fail tried again like this. HTTP and HTTP/2. Default, decided by App Mesh:
    /// connections that fail and answers of 503, twice.
    #[must_use]
    pub fn with_retry_policy(self, policy: HttpRetryPolicy) -> Self {
        self.with_http("with_retry_policy", |route| route.retry_policy = Some(policy))
    }

    /// The same route, calls that fail tried again like this. gRPC.
    #[must_use]
    pub fn with_grpc_retry_policy(self, policy: GrpcRetryPolicy) -> Self {
        self.with_grpc("with_grpc_retry_policy", |route| route.retry_policy = Some(policy))
    }

    /// The same route with limits to how long requests and idle connections last. TCP knows no requests. Default,
    /// decided by App Mesh: 15 s for a request, retries included.
    #[must_use]
    pub fn with_timeout(mut self, timeout: RequestTimeout) -> Self {
        if let Some(route) = &mut self.spec.tcp_route {
            if timeout.per_request.is_some() {
                self.misfits.push("with_timeout, with a limit per request");
            }
            route.timeout = Some(IdleTimeout { idle: timeout.idle });
            return self;
        }
        if let Some(route) = &mut self.spec.grpc_route {
            route.timeout = Some(timeout);
            return self;
        }
        self.with_http("with_timeout", |route| route.timeout = Some(timeout))
    }

    fn with_target_at(mut self, node: &VirtualNodeHandle, port: Option<u16>, weight: u32) -> Self {
        let target = WeightedTarget {
            virtual_node: node.name().to_owned(),
            weight,
            port,
        };
        self.targets.push(node.logical_id().clone());
        match self.action() {
            Some(action) => action.weighted_targets.push(target),
            None => self.misfits.push("with_target"),
        }
        self
    }

    fn action(&mut self) -> Option<&mut RouteAction> {
        let RouteSpec {
            http_route,
            http2_route,
            grpc_route,
            tcp_route,
            ..
        } = &mut self.spec;
        let http = http_route.as_mut().or(http2_route.as_mut());
        let http = http.map(|route| &mut route.action);
        http.or(grpc_route.as_mut().map(|route| &mut route.action))
            .or(tcp_route.as_mut().map(|route| &mut route.action))
    }

    fn with_http(mut self, method: &'static str, change: impl FnOnce(&mut HttpRoute)) -> Self {
        match self.spec.http_route.as_mut().or(self.spec.http2_route.as_mut()) {
            Some(route) => change(route),
            None => self.misfits.push(method),
        }
        self
    }

    fn with_grpc(mut self, method: &'static str, change: impl FnOnce(&mut GrpcRoute)) -> Self {
        match &mut self.spec.grpc_route {
            Some(route) => change(route),
            None => self.misfits.push(method),
        }
        self
    }
}

fn nowhere() -> RouteAction {
    RouteAction {
        weighted_targets: Vec::new(),
    }
}

fn http_route() -> HttpRoute {
    HttpRoute {
        matching: HttpRouteMatch::default(),
        action: nowhere(),
        retry_policy: None,
        timeout: None,
    }
}

/// Notes the methods that were called on a kind of route that has no word for them.
pub(super) fn note_misfits(misfits: &[&str], place: &Place, scope: &mut Scope<'_>) {
    for method in misfits {
        scope.diagnostics().add(
            format!("Resources.{}.Properties.Spec", place.id),
            format!("has no field for what `{method}` says: it is of another kind of route"),
        );
    }
}

handle! {
    /// A route that was added to a stack.
    RouteHandle {}
}

impl Construct for Route {
    type Handle = RouteHandle;
    const KIND: &'static str = "Route";

    fn add_to(self, scope: &mut Scope<'_>) -> RouteHandle {
        let place = Place::within(&self.router.place, Kind::Route, &self.name, scope);
        for target in &self.targets {
            scope.expect_own(target, &format!("Resources.{}.Properties.Spec", place.id));
        }
        note_misfits(&self.misfits, &place, scope);
        let spec = linked(&self.spec, &place.path.mesh, scope);
        let router = &self.router.place;
        place.add(
            &appmesh::Route::new(router.mesh_name(), router.name(), self.name, spec),
            scope,
        );
        RouteHandle { place }
    }
}
