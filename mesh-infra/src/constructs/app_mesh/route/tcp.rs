//! Routes for TCP.

use mesh_model::app_mesh::RouteSpec;
use mesh_model::app_mesh::listener::IdleTimeout;
use mesh_model::app_mesh::route::{self, TcpRouteMatch};

use super::{RouteBase, RouteHandle, common_route_methods, no_targets};
use crate::construct::Construct;
use crate::constructs::VirtualRouterHandle;
use crate::stack::Scope;

/// A route for TCP connections. It needs a target.
///
/// ```
/// # use mesh_infra::{Mesh, Stack, TcpRoute, VirtualRouter};
/// # let mut stack = Stack::new("shop");
/// # let mesh = stack.add("Mesh", Mesh::new("shop"));
/// # let router = stack.add("db", VirtualRouter::new(&mesh, "db"));
/// let route = TcpRoute::new(&router, "all").with_port(5432);
/// ```
///
/// There are no paths, headers or retries in TCP:
///
/// ```compile_fail
/// # use mesh_infra::{Mesh, Stack, TcpRoute, VirtualRouter};
/// # let mut stack = Stack::new("shop");
/// # let mesh = stack.add("Mesh", Mesh::new("shop"));
/// # let router = stack.add("db", VirtualRouter::new(&mesh, "db"));
/// let route = TcpRoute::new(&router, "all").with_prefix("/");
/// ```
#[derive(Debug, Clone)]
pub struct TcpRoute {
    base: RouteBase,
    route: route::TcpRoute,
}

impl TcpRoute {
    /// A route for all connections.
    #[must_use]
    pub fn new(router: &VirtualRouterHandle, name: impl Into<String>) -> Self {
        let route = route::TcpRoute {
            matching: None,
            action: no_targets(),
            timeout: None,
        };
        Self::from_spec(router, name, route)
    }

    /// A route with the fields of App Mesh's `TcpRoute`.
    #[must_use]
    pub fn from_spec(router: &VirtualRouterHandle, name: impl Into<String>, route: route::TcpRoute) -> Self {
        Self {
            base: RouteBase::new(router, name),
            route,
        }
    }

    /// Matches connections to this port of the virtual router, which is required if the router has several listeners.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.route.matching = Some(TcpRouteMatch { port: Some(port) });
        self
    }

    /// Limits the duration of idle connections.
    #[must_use]
    pub fn with_timeout(mut self, timeout: IdleTimeout) -> Self {
        self.route.timeout = Some(timeout);
        self
    }
}

common_route_methods!(TcpRoute);

impl Construct for TcpRoute {
    type Handle = RouteHandle;
    const KIND: &'static str = "Route";

    fn add_to(self, scope: &mut Scope<'_>) -> RouteHandle {
        let spec = RouteSpec {
            tcp_route: Some(self.route),
            ..RouteSpec::default()
        };
        self.base.add_to(spec, scope)
    }
}
