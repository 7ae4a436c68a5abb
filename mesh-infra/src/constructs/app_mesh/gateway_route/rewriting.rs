//! What a gateway route makes of the host and the path of a request.

use mesh_model::app_mesh::gateway_route::{
    DefaultRewrite, GrpcGatewayRouteRewrite, HostnameRewrite, HttpGatewayRouteRewrite, PathRewrite, PrefixRewrite,
};

use super::GatewayRoute;

impl GatewayRoute {
    /// The same route, the matched prefix becoming this, which begins and ends with `/`. HTTP and HTTP/2. Default,
    /// decided by App Mesh: it becomes `/`.
    #[must_use]
    pub fn with_prefix_rewrite(self, prefix: impl Into<String>) -> Self {
        let value = Some(prefix.into());
        self.with_rewrite("with_prefix_rewrite", |rewrite| {
            rewrite.prefix = Some(PrefixRewrite {
                default_prefix: None,
                value,
            });
        })
    }

    /// The same route, the matched prefix staying as it is. HTTP and HTTP/2. Default, decided by App Mesh: it becomes
    /// `/`.
    #[must_use]
    pub fn without_prefix_rewrite(self) -> Self {
        self.with_rewrite("without_prefix_rewrite", |rewrite| {
            rewrite.prefix = Some(PrefixRewrite {
                default_prefix: Some(DefaultRewrite::Disabled),
                value: None,
            });
        })
    }

    /// The same route, the whole path becoming this. HTTP and HTTP/2. Default, decided by App Mesh: a path that was
    /// matched as a whole stays.
    #[must_use]
    pub fn with_path_rewrite(self, path: impl Into<String>) -> Self {
        let exact = Some(path.into());
        self.with_rewrite("with_path_rewrite", |rewrite| {
            rewrite.path = Some(PathRewrite { exact });
        })
    }

    /// The same route, the host staying as it is. Default, decided by App Mesh: it becomes the virtual service's name.
    #[must_use]
    pub fn without_hostname_rewrite(self) -> Self {
        let hostname = Some(HostnameRewrite {
            default_target_hostname: Some(DefaultRewrite::Disabled),
        });
        self.with_either(
            "without_hostname_rewrite",
            |route| route.action.rewrite.get_or_insert_default().hostname = hostname,
            |route| route.action.rewrite = Some(GrpcGatewayRouteRewrite { hostname }),
        )
    }

    fn with_rewrite(self, method: &'static str, change: impl FnOnce(&mut HttpGatewayRouteRewrite)) -> Self {
        self.with_http(method, |route| change(route.action.rewrite.get_or_insert_default()))
    }
}
