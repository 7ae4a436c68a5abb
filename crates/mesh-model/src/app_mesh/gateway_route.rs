//! Gateway routes: from a virtual gateway's requests to virtual services.

use super::matching::{HeaderMatch, HttpMethod, HttpPathMatch, HttpQueryParameter};
use super::schema::{keywords, list, structure, text, whole};

structure! {
    /// `GatewayRouteSpec`; exactly one of the three protocols.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct GatewayRouteSpec {
        /// 0 to 1000, lowest first. Default: after all routes with a priority.
        priority: Option<u32> = optional("priority", whole(0, 1000)),
        /// A route for HTTP/1.1.
        http_route: Option<HttpGatewayRoute> = optional("httpRoute"),
        /// A route for HTTP/2.
        http2_route: Option<HttpGatewayRoute> = optional("http2Route"),
        /// A route for gRPC.
        grpc_route: Option<GrpcGatewayRoute> = optional("grpcRoute"),
    }
}

structure! {
    /// A gateway route for HTTP/1.1 or HTTP/2.
    #[derive(Debug, Clone, PartialEq)]
    pub struct HttpGatewayRoute {
        /// Match conditions.
        matching: HttpGatewayRouteMatch = required("match"),
        /// Target and rewrites.
        action: HttpGatewayRouteAction = required("action"),
    }
}

structure! {
    /// Match conditions; at least one of prefix, path and hostname, and not both of the first two.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct HttpGatewayRouteMatch {
        /// The path starts with this, which starts with `/`.
        prefix: Option<String> = optional("prefix"),
        /// Condition on the path.
        path: Option<HttpPathMatch> = optional("path"),
        /// Condition on the host.
        hostname: Option<HostnameMatch> = optional("hostname"),
        /// The method.
        method: Option<HttpMethod> = optional("method"),
        /// 1 to 10 conditions on headers.
        headers: Vec<HeaderMatch> = optional("headers", list::<HeaderMatch>(1, 10)),
        /// 1 to 10 conditions on query parameters.
        query_parameters: Vec<HttpQueryParameter> = optional("queryParameters", list::<HttpQueryParameter>(1, 10)),
        /// The port of the virtual gateway.
        port: Option<u16> = optional("port"),
    }
}

structure! {
    /// A condition on the host; exactly one of the two, 1 to 253 characters.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct HostnameMatch {
        /// Equals.
        exact: Option<String> = optional("exact", text(1, 253)),
        /// Ends with these whole labels.
        suffix: Option<String> = optional("suffix", text(1, 253)),
    }
}

structure! {
    /// Target and rewrites of HTTP requests.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct HttpGatewayRouteAction {
        /// The virtual service.
        target: GatewayRouteTarget = required("target"),
        /// Rewrites of host and path. Default, decided by App Mesh: the host becomes the virtual service's name, a
        /// matched prefix becomes `/`.
        rewrite: Option<HttpGatewayRouteRewrite> = optional("rewrite"),
    }
}

structure! {
    /// A virtual service as a target.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct GatewayRouteTarget {
        /// The virtual service.
        virtual_service: GatewayRouteVirtualService = required("virtualService"),
        /// Port of its provider. Required if the provider has several listeners.
        port: Option<u16> = optional("port"),
    }
}

structure! {
    /// A reference to a virtual service.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct GatewayRouteVirtualService {
        /// Name, 1 to 255 characters.
        virtual_service_name: String = required("virtualServiceName", text(1, 255)),
    }
}

structure! {
    /// Rewrites of host and path; at least one of the three, and not both of the last two.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct HttpGatewayRouteRewrite {
        /// Rewrite of the host.
        hostname: Option<HostnameRewrite> = optional("hostname"),
        /// Rewrite of the matched prefix.
        prefix: Option<PrefixRewrite> = optional("prefix"),
        /// Rewrite of the whole path.
        path: Option<PathRewrite> = optional("path"),
    }
}

structure! {
    /// Rewrite of the host.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct HostnameRewrite {
        /// Whether the host becomes the virtual service's name. Default, decided by App Mesh: yes.
        default_target_hostname: Option<DefaultRewrite> = optional("defaultTargetHostname"),
    }
}

structure! {
    /// Rewrite of the matched prefix; exactly one of the two.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct PrefixRewrite {
        /// Whether the prefix becomes `/`. Default, decided by App Mesh: yes.
        default_prefix: Option<DefaultRewrite> = optional("defaultPrefix"),
        /// The new prefix, which starts and ends with `/`.
        value: Option<String> = optional("value", text(1, 255)),
    }
}

structure! {
    /// Rewrite of the whole path.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct PathRewrite {
        /// The new path, 1 to 255 characters.
        exact: Option<String> = optional("exact", text(1, 255)),
    }
}

keywords! {
    /// Whether App Mesh's default rewrite applies.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum DefaultRewrite {
        /// It applies.
        Enabled = "ENABLED",
        /// It does not apply.
        Disabled = "DISABLED",
    }
}

structure! {
    /// A gateway route for gRPC.
    #[derive(Debug, Clone, PartialEq)]
    pub struct GrpcGatewayRoute {
        /// Match conditions.
        matching: GrpcGatewayRouteMatch = required("match"),
        /// Target and rewrites.
        action: GrpcGatewayRouteAction = required("action"),
    }
}

structure! {
    /// Match conditions on gRPC calls; at least one of service and hostname.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct GrpcGatewayRouteMatch {
        /// Full name of the service.
        service_name: Option<String> = optional("serviceName"),
        /// Condition on the host.
        hostname: Option<HostnameMatch> = optional("hostname"),
        /// 1 to 10 conditions on metadata.
        metadata: Vec<HeaderMatch> = optional("metadata", list::<HeaderMatch>(1, 10)),
        /// The port of the virtual gateway.
        port: Option<u16> = optional("port"),
    }
}

structure! {
    /// Target and rewrites of gRPC calls.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct GrpcGatewayRouteAction {
        /// The virtual service.
        target: GatewayRouteTarget = required("target"),
        /// Rewrite of the host.
        rewrite: Option<GrpcGatewayRouteRewrite> = optional("rewrite"),
    }
}

structure! {
    /// Rewrite of a gRPC call's host.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct GrpcGatewayRouteRewrite {
        /// Rewrite of the host.
        hostname: Option<HostnameRewrite> = optional("hostname"),
    }
}

impl GatewayRouteSpec {
    /// The route's target, for every protocol.
    #[must_use]
    pub fn target(&self) -> Option<&GatewayRouteTarget> {
        let http = self.http_route.as_ref().or(self.http2_route.as_ref());
        http.map(|route| &route.action.target)
            .or_else(|| self.grpc_route.as_ref().map(|route| &route.action.target))
    }
}
