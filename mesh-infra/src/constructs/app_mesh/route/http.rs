//! Routes for HTTP/1.1 and HTTP/2.

use mesh_model::app_mesh::RouteSpec;
use mesh_model::app_mesh::listener::RequestTimeout;
use mesh_model::app_mesh::matching::{HeaderMatch, HttpMethod, HttpPathMatch};
use mesh_model::app_mesh::route::{self, HttpRetryPolicy, HttpRouteMatch, Mirror};

use super::{RouteBase, RouteHandle, common_route_methods, no_targets};
use crate::construct::Construct;
use crate::constructs::app_mesh::matching::{exact_header, exact_query_parameter};
use crate::constructs::{VirtualNodeHandle, VirtualRouterHandle};
use crate::stack::Scope;

/// A route for HTTP/1.1 or HTTP/2. It needs [a prefix](HttpRoute::with_prefix) or a path, and a target.
///
/// ```
/// use mesh_infra::{HttpRoute, Listener, Mesh, Stack, VirtualNode, VirtualRouter, app_mesh::Protocol};
///
/// let mut stack = Stack::new("shop");
/// let mesh = stack.add("Mesh", Mesh::new("shop"));
/// let router = stack.add("blue", VirtualRouter::new(&mesh, "blue").with_listener(80, Protocol::Http));
/// let node = VirtualNode::new(&mesh, "blue").with_listener(Listener::http(80));
/// let node = stack.add("blue", node.with_dns_endpoints("blue.shop"));
/// stack.add("all", HttpRoute::new(&router, "all").with_prefix("/").with_target(&node, 1));
/// # stack.synth()?;
/// # Ok::<(), mesh_infra::ValidationErrors>(())
/// ```
#[derive(Debug, Clone)]
pub struct HttpRoute {
    base: RouteBase,
    is_http2: bool,
    route: route::HttpRoute,
}

impl HttpRoute {
    /// A route for HTTP/1.1.
    #[must_use]
    pub fn new(router: &VirtualRouterHandle, name: impl Into<String>) -> Self {
        let route = route::HttpRoute {
            matching: HttpRouteMatch::default(),
            action: no_targets(),
            retry_policy: None,
            timeout: None,
            mirrors: Vec::new(),
        };
        Self::from_spec(router, name, route)
    }

    /// A route for HTTP/2.
    #[must_use]
    pub fn http2(router: &VirtualRouterHandle, name: impl Into<String>) -> Self {
        Self {
            is_http2: true,
            ..Self::new(router, name)
        }
    }

    /// A route for HTTP/1.1 with the fields of App Mesh's `HttpRoute`.
    #[must_use]
    pub fn from_spec(router: &VirtualRouterHandle, name: impl Into<String>, route: route::HttpRoute) -> Self {
        Self {
            base: RouteBase::new(router, name),
            is_http2: false,
            route,
        }
    }

    /// A route for HTTP/2 with the fields of App Mesh's `HttpRoute`.
    #[must_use]
    pub fn http2_from_spec(router: &VirtualRouterHandle, name: impl Into<String>, route: route::HttpRoute) -> Self {
        Self {
            is_http2: true,
            ..Self::from_spec(router, name, route)
        }
    }

    /// Matches paths with this prefix, which begins with `/`.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.route.matching.prefix = Some(prefix.into());
        self
    }

    /// Matches exactly this path.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        let exact = Some(path.into());
        self.route.matching.path = Some(HttpPathMatch { exact, regex: None });
        self
    }

    /// Matches paths by a regular expression, which must match the whole path.
    #[must_use]
    pub fn with_path_regex(mut self, regex: impl Into<String>) -> Self {
        let regex = Some(regex.into());
        self.route.matching.path = Some(HttpPathMatch { exact: None, regex });
        self
    }

    /// Matches this method. Default: any.
    #[must_use]
    pub fn with_method(mut self, method: HttpMethod) -> Self {
        self.route.matching.method = Some(method);
        self
    }

    /// Matches requests with this value of a query parameter.
    #[must_use]
    pub fn with_query_parameter(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let parameter = exact_query_parameter(name.into(), value.into());
        self.route.matching.query_parameters.push(parameter);
        self
    }

    /// Matches requests with this value of a header.
    #[must_use]
    pub fn with_header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.with_header_match(exact_header(name.into(), value.into()))
    }

    /// Matches requests by a condition on a header.
    #[must_use]
    pub fn with_header_match(mut self, header: HeaderMatch) -> Self {
        self.route.matching.headers.push(header);
        self
    }

    /// Matches requests to this port of the virtual router, which is required if the router has several listeners.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.route.matching.port = Some(port);
        self
    }

    /// Sends copies of this percentage of the requests to a virtual node, 0 to 100; 0 is none. Their responses are ignored.
    /// Not a field of App Mesh: [`MeshEncoding::AppMesh`](crate::MeshEncoding::AppMesh) rejects it.
    #[must_use]
    pub fn with_mirror(mut self, node: &VirtualNodeHandle, percentage: u32) -> Self {
        if percentage > 0 {
            self.base.add_mirror(node);
            self.route.mirrors.push(Mirror {
                virtual_node: node.name().to_owned(),
                percentage,
                port: None,
            });
        }
        self
    }

    /// Sets the retry policy. Default, decided by App Mesh: two retries of failed connections and of status 503.
    #[must_use]
    pub fn with_retry_policy(mut self, policy: HttpRetryPolicy) -> Self {
        self.route.retry_policy = Some(policy);
        self
    }

    /// Limits the duration of requests and of idle connections. Default, decided by App Mesh: 15 s per request,
    /// retries included.
    #[must_use]
    pub fn with_timeout(mut self, timeout: RequestTimeout) -> Self {
        self.route.timeout = Some(timeout);
        self
    }
}

common_route_methods!(HttpRoute);

impl Construct for HttpRoute {
    type Handle = RouteHandle;
    const KIND: &'static str = "Route";

    fn add_to(self, scope: &mut Scope<'_>) -> RouteHandle {
        let mut spec = RouteSpec::default();
        match self.is_http2 {
            false => spec.http_route = Some(self.route),
            true => spec.http2_route = Some(self.route),
        }
        self.base.add_to(spec, scope)
    }
}
