//! Routes for gRPC.

use mesh_model::app_mesh::RouteSpec;
use mesh_model::app_mesh::listener::RequestTimeout;
use mesh_model::app_mesh::matching::HeaderMatch;
use mesh_model::app_mesh::route::{self, GrpcRetryPolicy, GrpcRouteMatch};

use super::{RouteBase, RouteHandle, common_route_methods, no_targets};
use crate::construct::Construct;
use crate::constructs::VirtualRouterHandle;
use crate::constructs::app_mesh::matching::exact_header;
use crate::stack::Scope;

/// A route for gRPC. It matches all calls unless a method of its own narrows it, and needs a target.
///
/// ```
/// # use mesh_infra::{GrpcRoute, Mesh, Stack, VirtualRouter};
/// # let mut stack = Stack::new("shop");
/// # let mesh = stack.add("Mesh", Mesh::new("shop"));
/// # let router = stack.add("blue", VirtualRouter::new(&mesh, "blue"));
/// let route = GrpcRoute::new(&router, "orders").with_service("shop.Orders").with_method("Place");
/// ```
///
/// Paths do not exist in gRPC:
///
/// ```compile_fail
/// # use mesh_infra::{GrpcRoute, Mesh, Stack, VirtualRouter};
/// # let mut stack = Stack::new("shop");
/// # let mesh = stack.add("Mesh", Mesh::new("shop"));
/// # let router = stack.add("blue", VirtualRouter::new(&mesh, "blue"));
/// let route = GrpcRoute::new(&router, "orders").with_prefix("/");
/// ```
#[derive(Debug, Clone)]
pub struct GrpcRoute {
    base: RouteBase,
    route: route::GrpcRoute,
}

impl GrpcRoute {
    /// A route for all calls.
    #[must_use]
    pub fn new(router: &VirtualRouterHandle, name: impl Into<String>) -> Self {
        let route = route::GrpcRoute {
            matching: GrpcRouteMatch::default(),
            action: no_targets(),
            retry_policy: None,
            timeout: None,
        };
        Self::from_spec(router, name, route)
    }

    /// A route with the fields of App Mesh's `GrpcRoute`.
    #[must_use]
    pub fn from_spec(router: &VirtualRouterHandle, name: impl Into<String>, route: route::GrpcRoute) -> Self {
        Self {
            base: RouteBase::new(router, name),
            route,
        }
    }

    /// Matches calls of this gRPC service, by its full name.
    #[must_use]
    pub fn with_service(mut self, service: impl Into<String>) -> Self {
        self.route.matching.service_name = Some(service.into());
        self
    }

    /// Matches calls of this method of the gRPC service.
    #[must_use]
    pub fn with_method(mut self, method: impl Into<String>) -> Self {
        self.route.matching.method_name = Some(method.into());
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

    /// Matches calls to this port of the virtual router, which is required if the router has several listeners.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.route.matching.port = Some(port);
        self
    }

    /// Sets the retry policy.
    #[must_use]
    pub fn with_retry_policy(mut self, policy: GrpcRetryPolicy) -> Self {
        self.route.retry_policy = Some(policy);
        self
    }

    /// Limits the duration of calls and of idle connections. Default, decided by App Mesh: 15 s per call, retries
    /// included.
    #[must_use]
    pub fn with_timeout(mut self, timeout: RequestTimeout) -> Self {
        self.route.timeout = Some(timeout);
        self
    }
}

common_route_methods!(GrpcRoute);

impl Construct for GrpcRoute {
    type Handle = RouteHandle;
    const KIND: &'static str = "Route";

    fn add_to(self, scope: &mut Scope<'_>) -> RouteHandle {
        let spec = RouteSpec {
            grpc_route: Some(self.route),
            ..RouteSpec::default()
        };
        self.base.add_to(spec, scope)
    }
}
