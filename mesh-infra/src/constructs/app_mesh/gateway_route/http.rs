//! Gateway routes for HTTP/1.1 and HTTP/2.

use mesh_model::app_mesh::GatewayRouteSpec;
use mesh_model::app_mesh::gateway_route::{
    self, DefaultRewrite, HostnameMatch, HttpGatewayRouteAction, HttpGatewayRouteMatch, PathRewrite, PrefixRewrite,
};
use mesh_model::app_mesh::matching::{HeaderMatch, HttpMethod, HttpPathMatch};

use super::{GatewayRouteBase, GatewayRouteHandle, common_gateway_route_methods, no_hostname_rewrite, target};
use crate::construct::Construct;
use crate::constructs::app_mesh::matching::{exact_header, exact_query_parameter};
use crate::constructs::{VirtualGatewayHandle, VirtualServiceHandle};
use crate::stack::Scope;

/// A gateway route for HTTP/1.1 or HTTP/2. It needs [a prefix](HttpGatewayRoute::with_prefix), a path or a hostname.
///
/// ```
/// use mesh_infra::{HttpGatewayRoute, Listener, Mesh, Stack, VirtualGateway, VirtualService};
///
/// let mut stack = Stack::new("shop");
/// let mesh = stack.add("Mesh", Mesh::new("shop"));
/// let orders = stack.add("orders", VirtualService::new(&mesh, "orders.shop"));
/// let gateway = stack.add("gateway", VirtualGateway::new(&mesh, "gateway").with_listener(Listener::http(8080)));
/// stack.add("orders", HttpGatewayRoute::new(&gateway, "orders", &orders).with_prefix("/orders"));
/// # stack.synth()?;
/// # Ok::<(), mesh_infra::ValidationErrors>(())
/// ```
#[derive(Debug, Clone)]
pub struct HttpGatewayRoute {
    base: GatewayRouteBase,
    is_http2: bool,
    route: gateway_route::HttpGatewayRoute,
}

impl HttpGatewayRoute {
    /// A gateway route for HTTP/1.1 to this virtual service.
    #[must_use]
    pub fn new(gateway: &VirtualGatewayHandle, name: impl Into<String>, service: &VirtualServiceHandle) -> Self {
        let route = gateway_route::HttpGatewayRoute {
            matching: HttpGatewayRouteMatch::default(),
            action: HttpGatewayRouteAction {
                target: target(service),
                rewrite: None,
            },
        };
        Self {
            base: GatewayRouteBase::new(gateway, name, Some(service)),
            is_http2: false,
            route,
        }
    }

    /// A gateway route for HTTP/2 to this virtual service.
    #[must_use]
    pub fn http2(gateway: &VirtualGatewayHandle, name: impl Into<String>, service: &VirtualServiceHandle) -> Self {
        Self {
            is_http2: true,
            ..Self::new(gateway, name, service)
        }
    }

    /// A gateway route for HTTP/1.1 with the fields of App Mesh's `HttpGatewayRoute`.
    #[must_use]
    pub fn from_spec(
        gateway: &VirtualGatewayHandle,
        name: impl Into<String>,
        route: gateway_route::HttpGatewayRoute,
    ) -> Self {
        Self {
            base: GatewayRouteBase::new(gateway, name, None),
            is_http2: false,
            route,
        }
    }

    /// A gateway route for HTTP/2 with the fields of App Mesh's `HttpGatewayRoute`.
    #[must_use]
    pub fn http2_from_spec(
        gateway: &VirtualGatewayHandle,
        name: impl Into<String>,
        route: gateway_route::HttpGatewayRoute,
    ) -> Self {
        Self {
            is_http2: true,
            ..Self::from_spec(gateway, name, route)
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

    /// Replaces the matched prefix by this one, which begins and ends with `/`. Default, decided by App Mesh: by `/`.
    #[must_use]
    pub fn with_prefix_rewrite(self, prefix: impl Into<String>) -> Self {
        let value = Some(prefix.into());
        self.with_rewrite_of_prefix(PrefixRewrite {
            default_prefix: None,
            value,
        })
    }

    /// Keeps the matched prefix. Default, decided by App Mesh: it becomes `/`.
    #[must_use]
    pub fn without_prefix_rewrite(self) -> Self {
        self.with_rewrite_of_prefix(PrefixRewrite {
            default_prefix: Some(DefaultRewrite::Disabled),
            value: None,
        })
    }

    fn with_rewrite_of_prefix(mut self, rewrite: PrefixRewrite) -> Self {
        self.route.action.rewrite.get_or_insert_default().prefix = Some(rewrite);
        self
    }

    /// Replaces the whole path by this one. Default, decided by App Mesh: a path that was matched as a whole is kept.
    #[must_use]
    pub fn with_path_rewrite(mut self, path: impl Into<String>) -> Self {
        let exact = Some(path.into());
        self.route.action.rewrite.get_or_insert_default().path = Some(PathRewrite { exact });
        self
    }
}

common_gateway_route_methods!(HttpGatewayRoute);

impl Construct for HttpGatewayRoute {
    type Handle = GatewayRouteHandle;
    const KIND: &'static str = "GatewayRoute";

    fn add_to(self, scope: &mut Scope<'_>) -> GatewayRouteHandle {
        let mut spec = GatewayRouteSpec::default();
        match self.is_http2 {
            false => spec.http_route = Some(self.route),
            true => spec.http2_route = Some(self.route),
        }
        self.base.add_to(spec, scope)
    }
}
