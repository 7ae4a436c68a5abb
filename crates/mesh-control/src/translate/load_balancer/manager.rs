//! The HTTP connection manager of an application load balancer.
//!
//! Unlike that of a sidecar it appends the client's address to `X-Forwarded-For`, leaves responses of targets as they are,
//! and answers with a load balancer's statuses: 502 for a target that cannot be reached, 504 for one that is silent.

use envoy_types::pb::envoy::config::accesslog::v3::access_log_filter::FilterSpecifier;
use envoy_types::pb::envoy::config::accesslog::v3::{AccessLogFilter, ResponseFlagFilter};
use envoy_types::pb::envoy::config::core::v3::HttpProtocolOptions;
use envoy_types::pb::envoy::config::listener::v3::Filter;
use envoy_types::pb::envoy::config::listener::v3::filter::ConfigType;
use envoy_types::pb::envoy::extensions::filters::http::router::v3::Router;
use envoy_types::pb::envoy::extensions::filters::http::stateful_session::v3::StatefulSession;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::{
    CodecType, RouteSpecifier, ServerHeaderTransformation, UpgradeConfig,
};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, HttpFilter, LocalReplyConfig, Rds, ResponseMapper, http_filter,
};
use envoy_types::pb::google::protobuf::BoolValue;
use mesh_model::load_balancer::{ForwardedFor, LoadBalancer};
use sidecar_contract::LocalReply;

use super::super::direct_response::{local_reply_header, set_header};
use super::super::envoy::{any, duration, over_ads, uint32};
use super::super::http::access_log_entries;
use super::super::tracing;
use super::trace_id;
use crate::node::MeshwrightMetadata;

/// The name of the filter that keeps a client at a target.
pub(super) const STATEFUL_SESSION: &str = "envoy.filters.http.stateful_session";
/// The `Server` header of responses of the load balancer itself.
pub(super) const SERVER: &str = "awselb/2.0";
/// The limit of all request headers of an application load balancer, in KiB. Source: "Quotas for your Application Load
/// Balancers" (read 2026-12-01).
const MAX_REQUEST_HEADERS: u32 = 64;

/// Settings of a connection manager.
pub(super) struct Manager<'a> {
    /// The prefix of its metrics.
    pub(super) stat_prefix: String,
    /// The route configuration.
    pub(super) routes: String,
    pub(super) load_balancer: &'a LoadBalancer,
    /// Whether a target group keeps clients at a target.
    pub(super) has_cookies: bool,
}

impl Manager<'_> {
    /// The filter, with the access log and the tracing of this node.
    pub(super) fn filter(self, own: &MeshwrightMetadata) -> Filter {
        let access_log = own
            .access_log
            .as_ref()
            .map(|path| access_log_entries(path, &self.routes));
        let session = self
            .has_cookies
            // Each route has the session of its target group.
            .then(|| http_filter(STATEFUL_SESSION, any(&StatefulSession::default())));
        let trace_id = http_filter(trace_id::FILTER, trace_id::config());
        let router = Router {
            suppress_envoy_headers: true,
            ..Default::default()
        };
        let router = http_filter("envoy.filters.http.router", any(&router));
        let manager = HttpConnectionManager {
            codec_type: CodecType::Auto.into(),
            stat_prefix: self.stat_prefix,
            route_specifier: Some(RouteSpecifier::Rds(Rds {
                config_source: Some(over_ads()),
                route_config_name: self.routes,
            })),
            http_filters: [trace_id].into_iter().chain(session).chain([router]).collect(),
            server_header_transformation: ServerHeaderTransformation::PassThrough.into(),
            max_request_headers_kb: uint32(MAX_REQUEST_HEADERS),
            common_http_protocol_options: Some(HttpProtocolOptions {
                idle_timeout: duration(self.load_balancer.idle_timeout),
                ..Default::default()
            }),
            use_remote_address: Some(BoolValue { value: true }),
            skip_xff_append: self.load_balancer.forwarded_for != ForwardedFor::Append,
            upgrade_configs: vec![UpgradeConfig {
                upgrade_type: "websocket".to_owned(),
                ..Default::default()
            }],
            local_reply_config: Some(LocalReplyConfig {
                mappers: local_replies(),
                ..Default::default()
            }),
            tracing: tracing::of(own),
            access_log: access_log.into_iter().collect(),
            ..Default::default()
        };
        Filter {
            name: "envoy.filters.network.http_connection_manager".to_owned(),
            config_type: Some(ConfigType::TypedConfig(any(&manager))),
        }
    }
}

fn http_filter(name: &str, config: envoy_types::pb::google::protobuf::Any) -> HttpFilter {
    HttpFilter {
        name: name.to_owned(),
        config_type: Some(http_filter::ConfigType::TypedConfig(config)),
        ..Default::default()
    }
}

/// The statuses of a load balancer's own responses, by Envoy's response flags, with the reason in a header. Source:
/// Application Load Balancer user guide, "HTTP error codes" (read 2026-12-01).
fn local_replies() -> Vec<ResponseMapper> {
    [
        (503, LocalReply::NoHealthyEndpoint, &["UH", "NC"][..]),
        (504, LocalReply::TimedOut, &["UT", "SI", "DT"][..]),
        (
            502,
            LocalReply::Unreachable,
            &["UF", "UC", "LR", "UR", "URX", "UO", "UPE"][..],
        ),
    ]
    .into_iter()
    .map(|(status, reason, flags)| ResponseMapper {
        filter: Some(AccessLogFilter {
            filter_specifier: Some(FilterSpecifier::ResponseFlagFilter(ResponseFlagFilter {
                flags: flags.iter().map(|flag| (*flag).to_owned()).collect(),
            })),
        }),
        status_code: uint32(status),
        headers_to_add: vec![local_reply_header(reason), set_header("server", SERVER)],
        ..Default::default()
    })
    .collect()
}
