//! Routes: distribution of a virtual router's requests to virtual nodes.

use super::Duration;
use super::listener::{IdleTimeout, RequestTimeout};
use super::matching::{HeaderMatch, HttpMethod, HttpPathMatch, HttpQueryParameter, HttpScheme};
use super::schema::{UNLIMITED, keywords, list, list_of, structure, text, whole};

structure! {
    /// `RouteSpec`; exactly one of the four protocols.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct RouteSpec {
        /// 0 to 1000, lowest first. Default: after all routes with a priority.
        priority: Option<u32> = optional("priority", whole(0, 1000)),
        /// A route for HTTP/1.1.
        http_route: Option<HttpRoute> = optional("httpRoute"),
        /// A route for HTTP/2.
        http2_route: Option<HttpRoute> = optional("http2Route"),
        /// A route for gRPC.
        grpc_route: Option<GrpcRoute> = optional("grpcRoute"),
        /// A route for TCP.
        tcp_route: Option<TcpRoute> = optional("tcpRoute"),
    }
}

structure! {
    /// A route for HTTP/1.1 or HTTP/2.
    #[derive(Debug, Clone, PartialEq)]
    pub struct HttpRoute {
        /// Match conditions.
        matching: HttpRouteMatch = required("match"),
        /// Targets.
        action: RouteAction = required("action"),
        /// Retries. Default, decided by App Mesh: connection failures and 503, twice.
        retry_policy: Option<HttpRetryPolicy> = optional("retryPolicy"),
        /// Timeouts.
        timeout: Option<RequestTimeout> = optional("timeout"),
        /// Mirrored requests, 1 to 10. Not a field of App Mesh: only Meshwright's parameters have it.
        mirrors: Vec<Mirror> = optional("mirrors", list::<Mirror>(1, 10)),
    }
}

structure! {
    /// A virtual node that gets copies of requests. Its responses are ignored.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Mirror {
        /// Name of the virtual node.
        virtual_node: String = required("virtualNode", text(1, 255)),
        /// Percentage of the requests, 1 to 100.
        percentage: u32 = required("percentage", whole(1, 100)),
        /// Port of the virtual node. Required if it has several listeners.
        port: Option<u16> = optional("port"),
    }
}

structure! {
    /// Match conditions on HTTP requests. Exactly one of `prefix` and `path`.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct HttpRouteMatch {
        /// The path starts with this, which starts with `/`.
        prefix: Option<String> = optional("prefix"),
        /// Condition on the path.
        path: Option<HttpPathMatch> = optional("path"),
        /// The method.
        method: Option<HttpMethod> = optional("method"),
        /// The scheme.
        scheme: Option<HttpScheme> = optional("scheme"),
        /// 1 to 10 conditions on headers.
        headers: Vec<HeaderMatch> = optional("headers", list::<HeaderMatch>(1, 10)),
        /// 1 to 10 conditions on query parameters.
        query_parameters: Vec<HttpQueryParameter> = optional("queryParameters", list::<HttpQueryParameter>(1, 10)),
        /// The port of the virtual router.
        port: Option<u16> = optional("port"),
    }
}

structure! {
    /// Targets of a route.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct RouteAction {
        /// 1 to 10 virtual nodes. The sum of the weights is at most 100.
        weighted_targets: Vec<WeightedTarget> = required("weightedTargets", list::<WeightedTarget>(1, 10)),
    }
}

structure! {
    /// A virtual node and its share of the requests.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct WeightedTarget {
        /// Name of the virtual node.
        virtual_node: String = required("virtualNode", text(1, 255)),
        /// Share, 0 to 100, relative to the other targets. 0 gets no requests.
        weight: u32 = required("weight", whole(0, 100)),
        /// Port of the virtual node. Required if it has several listeners.
        port: Option<u16> = optional("port"),
    }
}

structure! {
    /// Retries for HTTP.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct HttpRetryPolicy {
        /// Number of retries after the first attempt.
        max_retries: u64 = required("maxRetries", whole(0, UNLIMITED)),
        /// Timeout of each attempt, the first included.
        per_retry_timeout: Duration = required("perRetryTimeout"),
        /// Responses to retry, 1 to 25: `server-error`, `gateway-error`, `client-error`, `stream-error`.
        http_retry_events: Vec<String> = optional("httpRetryEvents", list_of(&text(1, 25), 1, 25)),
        /// Connection failures to retry.
        tcp_retry_events: Vec<TcpRetryEvent> = optional("tcpRetryEvents", list::<TcpRetryEvent>(1, 1)),
    }
}

keywords! {
    /// A connection failure.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum TcpRetryEvent {
        /// The connection was not established.
        ConnectionError = "connection-error",
    }
}

structure! {
    /// A route for gRPC.
    #[derive(Debug, Clone, PartialEq)]
    pub struct GrpcRoute {
        /// Match conditions.
        matching: GrpcRouteMatch = required("match"),
        /// Targets.
        action: RouteAction = required("action"),
        /// Retries.
        retry_policy: Option<GrpcRetryPolicy> = optional("retryPolicy"),
        /// Timeouts.
        timeout: Option<RequestTimeout> = optional("timeout"),
    }
}

structure! {
    /// Match conditions on gRPC calls.
    #[derive(Debug, Clone, Default, PartialEq, Eq)]
    pub struct GrpcRouteMatch {
        /// Full name of the service.
        service_name: Option<String> = optional("serviceName"),
        /// Method of the service, 1 to 50 characters.
        method_name: Option<String> = optional("methodName", text(1, 50)),
        /// 1 to 10 conditions on metadata.
        metadata: Vec<HeaderMatch> = optional("metadata", list::<HeaderMatch>(1, 10)),
        /// The port of the virtual router.
        port: Option<u16> = optional("port"),
    }
}

structure! {
    /// Retries for gRPC.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct GrpcRetryPolicy {
        /// gRPC statuses to retry, 1 to 5.
        grpc_retry_events: Vec<GrpcRetryEvent> = optional("grpcRetryEvents", list::<GrpcRetryEvent>(1, 5)),
        /// As for HTTP.
        http: HttpRetryPolicy = flatten,
    }
}

keywords! {
    /// A gRPC status.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    #[expect(missing_docs, reason = "the names are gRPC's")]
    pub enum GrpcRetryEvent {
        Cancelled = "cancelled",
        DeadlineExceeded = "deadline-exceeded",
        Internal = "internal",
        ResourceExhausted = "resource-exhausted",
        Unavailable = "unavailable",
    }
}

structure! {
    /// A route for TCP.
    #[derive(Debug, Clone, PartialEq)]
    pub struct TcpRoute {
        /// Match conditions. Default: all connections.
        matching: Option<TcpRouteMatch> = optional("match"),
        /// Targets.
        action: RouteAction = required("action"),
        /// Timeout of idle connections.
        timeout: Option<IdleTimeout> = optional("timeout"),
    }
}

structure! {
    /// Match conditions on TCP connections.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct TcpRouteMatch {
        /// The port of the virtual router.
        port: Option<u16> = optional("port"),
    }
}

impl RouteSpec {
    /// The route's targets, for every protocol.
    pub fn targets(&self) -> impl Iterator<Item = &WeightedTarget> {
        let http = self.http_route.as_ref().map(|route| &route.action);
        let http2 = self.http2_route.as_ref().map(|route| &route.action);
        let grpc = self.grpc_route.as_ref().map(|route| &route.action);
        let tcp = self.tcp_route.as_ref().map(|route| &route.action);
        [http, http2, grpc, tcp]
            .into_iter()
            .flatten()
            .flat_map(|action| &action.weighted_targets)
    }

    /// The route's mirrors.
    pub fn mirrors(&self) -> impl Iterator<Item = &Mirror> {
        let http = [&self.http_route, &self.http2_route];
        http.into_iter().flatten().flat_map(|route| &route.mirrors)
    }

    /// The port of the virtual router to which the route applies. `None` for all of them.
    #[must_use]
    pub fn matched_port(&self) -> Option<u16> {
        let http = self.http_route.as_ref().or(self.http2_route.as_ref());
        http.and_then(|route| route.matching.port)
            .or_else(|| self.grpc_route.as_ref()?.matching.port)
            .or_else(|| self.tcp_route.as_ref()?.matching?.port)
    }
}
