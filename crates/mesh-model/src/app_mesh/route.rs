//! Routes: which requests of a virtual router go where.

use serde::{Deserialize, Serialize};

use super::Duration;
use super::listener::{IdleTimeout, RequestTimeout};
use super::matching::{HeaderMatch, HttpMethod, HttpPathMatch, HttpQueryParameter, HttpScheme};

/// `RouteSpec`; exactly one of the four kinds of route.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteSpec {
    /// 0 to 1000, 0 comes first. Default: after all routes that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// A route for HTTP/1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_route: Option<HttpRoute>,
    /// A route for HTTP/2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http2_route: Option<HttpRoute>,
    /// A route for gRPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpc_route: Option<GrpcRoute>,
    /// A route for TCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_route: Option<TcpRoute>,
}

/// A route for HTTP/1.1 or HTTP/2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRoute {
    /// Which requests.
    #[serde(rename = "match")]
    pub matching: HttpRouteMatch,
    /// Where to.
    pub action: RouteAction,
    /// What is tried again. Default, decided by App Mesh: connection failures and 503, twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<HttpRetryPolicy>,
    /// How long it may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<RequestTimeout>,
}

/// Which HTTP requests. Exactly one of `prefix` and `path`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteMatch {
    /// Those whose path begins like this, which begins with `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Those with such a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<HttpPathMatch>,
    /// Those with this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<HttpMethod>,
    /// Those with this scheme.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<HttpScheme>,
    /// Those with such headers, 1 to 10 conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HeaderMatch>,
    /// Those with such query parameters, 1 to 10 conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query_parameters: Vec<HttpQueryParameter>,
    /// Those to this port of the virtual router.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// Where requests go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RouteAction {
    /// 1 to 10 virtual nodes, whose weights add up to 100 at most.
    pub weighted_targets: Vec<WeightedTarget>,
}

/// A virtual node, and its share of the requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WeightedTarget {
    /// The virtual node's name.
    pub virtual_node: String,
    /// Its share, 0 to 100, relative to the other targets'. 0 gets nothing.
    pub weight: u32,
    /// Which of its listeners. Needed if it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// What is tried again, for HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRetryPolicy {
    /// How often, beyond the first attempt.
    pub max_retries: u64,
    /// How long each attempt may take, the first included.
    pub per_retry_timeout: Duration,
    /// After which answers, 1 to 25: `server-error`, `gateway-error`, `client-error`, `stream-error`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub http_retry_events: Vec<String>,
    /// After which failures to connect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tcp_retry_events: Vec<TcpRetryEvent>,
}

/// A failure to connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TcpRetryEvent {
    /// The connection was not made.
    ConnectionError,
}

/// A route for gRPC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrpcRoute {
    /// Which calls.
    #[serde(rename = "match")]
    pub matching: GrpcRouteMatch,
    /// Where to.
    pub action: RouteAction,
    /// What is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<GrpcRetryPolicy>,
    /// How long it may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<RequestTimeout>,
}

/// Which gRPC calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrpcRouteMatch {
    /// Those to this service, by its full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    /// Those to this method of it, 1 to 50 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method_name: Option<String>,
    /// Those with such metadata, 1 to 10 conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<HeaderMatch>,
    /// Those to this port of the virtual router.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// What is tried again, for gRPC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrpcRetryPolicy {
    /// After which gRPC statuses, 1 to 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grpc_retry_events: Vec<GrpcRetryEvent>,
    /// As for HTTP.
    #[serde(flatten)]
    pub http: HttpRetryPolicy,
}

/// A gRPC status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are gRPC's")]
pub enum GrpcRetryEvent {
    Cancelled,
    DeadlineExceeded,
    Internal,
    ResourceExhausted,
    Unavailable,
}

/// A route for TCP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TcpRoute {
    /// Which connections. Default: all.
    #[serde(rename = "match", default, skip_serializing_if = "Option::is_none")]
    pub matching: Option<TcpRouteMatch>,
    /// Where to.
    pub action: RouteAction,
    /// How long idle connections may last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<IdleTimeout>,
}

/// Which TCP connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpRouteMatch {
    /// Those to this port of the virtual router.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

impl RouteSpec {
    /// The route's targets, of whichever kind it is.
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

    /// The port of the virtual router that the route holds for. `None` for all of them.
    #[must_use]
    pub fn matched_port(&self) -> Option<u16> {
        let http = self.http_route.as_ref().or(self.http2_route.as_ref());
        http.and_then(|route| route.matching.port)
            .or_else(|| self.grpc_route.as_ref()?.matching.port)
            .or_else(|| self.tcp_route.as_ref()?.matching?.port)
    }
}
