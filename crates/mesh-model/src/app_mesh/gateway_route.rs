//! Gateway routes: which requests at a virtual gateway go to which virtual service.

use serde::{Deserialize, Serialize};

use super::matching::{HeaderMatch, HttpMethod, HttpPathMatch, HttpQueryParameter};

/// `GatewayRouteSpec`; exactly one of the three kinds of route.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayRouteSpec {
    /// 0 to 1000, 0 comes first. Default: after all routes that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u32>,
    /// A route for HTTP/1.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_route: Option<HttpGatewayRoute>,
    /// A route for HTTP/2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http2_route: Option<HttpGatewayRoute>,
    /// A route for gRPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpc_route: Option<GrpcGatewayRoute>,
}

/// A gateway route for HTTP/1.1 or HTTP/2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpGatewayRoute {
    /// Which requests.
    #[serde(rename = "match")]
    pub matching: HttpGatewayRouteMatch,
    /// Where to.
    pub action: HttpGatewayRouteAction,
}

/// Which requests; at least one of prefix, path and hostname, and not both of the first two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpGatewayRouteMatch {
    /// Those whose path begins like this, which begins with `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Those with such a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<HttpPathMatch>,
    /// Those to such a host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<HostnameMatch>,
    /// Those with this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<HttpMethod>,
    /// Those with such headers, 1 to 10 conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<HeaderMatch>,
    /// Those with such query parameters, 1 to 10 conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query_parameters: Vec<HttpQueryParameter>,
    /// Those to this port of the virtual gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// What a host must be; exactly one of the two, 1 to 253 characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostnameMatch {
    /// This.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
    /// Something that ends like this, by whole labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
}

/// Where HTTP requests go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpGatewayRouteAction {
    /// The virtual service.
    pub target: GatewayRouteTarget,
    /// What becomes of host and path. Default, decided by App Mesh: the host becomes the virtual service's name,
    /// a matched prefix becomes `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<HttpGatewayRouteRewrite>,
}

/// A virtual service as a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayRouteTarget {
    /// The virtual service.
    pub virtual_service: GatewayRouteVirtualService,
    /// Which port of its provider. Needed if the provider has several listeners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// The name of a virtual service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GatewayRouteVirtualService {
    /// 1 to 255 characters.
    pub virtual_service_name: String,
}

/// What becomes of host and path; at least one of the three, and not both of the last two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpGatewayRouteRewrite {
    /// What becomes of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<HostnameRewrite>,
    /// What becomes of the matched prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<PrefixRewrite>,
    /// What becomes of the whole path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathRewrite>,
}

/// What becomes of the host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostnameRewrite {
    /// Whether it becomes the virtual service's name. Default, decided by App Mesh: yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_target_hostname: Option<DefaultRewrite>,
}

/// What becomes of the matched prefix; exactly one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PrefixRewrite {
    /// Whether it becomes `/`. Default, decided by App Mesh: yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_prefix: Option<DefaultRewrite>,
    /// It becomes this, which begins and ends with `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// What becomes of the whole path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathRewrite {
    /// It becomes this, 1 to 255 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<String>,
}

/// Whether App Mesh's own rewrite applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DefaultRewrite {
    /// It does.
    Enabled,
    /// It does not.
    Disabled,
}

/// A gateway route for gRPC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GrpcGatewayRoute {
    /// Which calls.
    #[serde(rename = "match")]
    pub matching: GrpcGatewayRouteMatch,
    /// Where to.
    pub action: GrpcGatewayRouteAction,
}

/// Which calls; at least one of service and hostname.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GrpcGatewayRouteMatch {
    /// Those to this service, by its full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    /// Those to such a host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<HostnameMatch>,
    /// Those with such metadata, 1 to 10 conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<HeaderMatch>,
    /// Those to this port of the virtual gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// Where gRPC calls go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrpcGatewayRouteAction {
    /// The virtual service.
    pub target: GatewayRouteTarget,
    /// What becomes of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<GrpcGatewayRouteRewrite>,
}

/// What becomes of a call's host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrpcGatewayRouteRewrite {
    /// What becomes of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hostname: Option<HostnameRewrite>,
}

impl GatewayRouteSpec {
    /// The route's target, of whichever kind it is.
    #[must_use]
    pub fn target(&self) -> Option<&GatewayRouteTarget> {
        let http = self.http_route.as_ref().or(self.http2_route.as_ref());
        http.map(|route| &route.action.target)
            .or_else(|| self.grpc_route.as_ref().map(|route| &route.action.target))
    }
}
