//! The HTTP connection manager, for both models and both directions.

use std::time::Duration;

use envoy_types::pb::envoy::config::accesslog::v3::access_log_filter::FilterSpecifier;
use envoy_types::pb::envoy::config::accesslog::v3::comparison_filter::Op;
use envoy_types::pb::envoy::config::accesslog::v3::{
    AccessLog, AccessLogFilter, ComparisonFilter, HeaderFilter, ResponseFlagFilter, StatusCodeFilter,
    access_log::ConfigType as AccessLogConfig,
};
use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::config::core::v3::substitution_format_string::Format;
use envoy_types::pb::envoy::config::core::v3::{
    DataSource, Http1ProtocolOptions, Http2ProtocolOptions, HttpProtocolOptions, RuntimeUInt32,
    SubstitutionFormatString,
};
use envoy_types::pb::envoy::config::listener::v3::Filter;
use envoy_types::pb::envoy::config::listener::v3::filter::ConfigType;
use envoy_types::pb::envoy::config::route::v3::HeaderMatcher;
use envoy_types::pb::envoy::config::route::v3::header_matcher::HeaderMatchSpecifier;
use envoy_types::pb::envoy::extensions::access_loggers::file::v3::FileAccessLog;
use envoy_types::pb::envoy::extensions::access_loggers::file::v3::file_access_log::AccessLogFormat;
use envoy_types::pb::envoy::extensions::filters::http::router::v3::Router;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::{
    CodecType, PathWithEscapedSlashesAction, RouteSpecifier, UpgradeConfig,
};
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::{
    HttpConnectionManager, HttpFilter, LocalReplyConfig, Rds, ResponseMapper, http_filter,
};
use envoy_types::pb::envoy::r#type::matcher::v3::StringMatcher;
use envoy_types::pb::envoy::r#type::matcher::v3::string_matcher::MatchPattern;
use envoy_types::pb::google::protobuf::BoolValue;
use sidecar_contract::LocalReply;

use super::direct_response::default_local_reply_header;
use super::envoy::{any, duration_or_unlimited, over_ads, uint32};
use super::tracing;
use crate::access_log;
use crate::mesh_state::HeaderLimits;
use crate::node::MeshwrightMetadata;

/// Settings of a connection manager.
#[derive(Default)]
pub(super) struct Manager {
    /// The prefix of its metrics.
    pub(super) stat_prefix: String,
    /// The route configuration, served by RDS.
    pub(super) routes: String,
    /// The idle timeout of downstream connections; `None` for no limit.
    pub(super) idle_timeout: Option<Duration>,
    /// Configured access logs.
    pub(super) access_logs: Vec<AccessLog>,
    /// Whether `/a/../b` and `//b` are normalized to `/b`.
    pub(super) normalizes_paths: bool,
    /// The limits of request headers.
    pub(super) header_limits: HeaderLimits,
    /// The host of requests of HTTP/1.0 without one. If empty, these are rejected.
    pub(super) default_host: String,
    /// The filters before the router.
    pub(super) filters: Vec<HttpFilter>,
}

impl Manager {
    /// The filter, with the access log and the tracing of this node.
    pub(super) fn filter(self, own: &MeshwrightMetadata) -> Filter {
        let sampled = own
            .access_log
            .as_ref()
            .map(|path| access_log_entries(path, &self.routes));
        // Without `respect_expected_rq_timeout`: a caller's `x-envoy-expected-rq-timeout-ms` would replace the
        // configured timeout, and a longer one would extend it. So each Envoy writes its own timeout there, for the
        // upstream to see. Deadlines of callers, in a header of `mesh-client` that Envoy forwards unchanged, need no
        // Envoy: the caller cancels. Source: `FilterUtility::finalTimeout` in Envoy's `source/common/router/router.cc`
        // (read 2026-11-23).
        let router = HttpFilter {
            name: "envoy.filters.http.router".to_owned(),
            config_type: Some(http_filter::ConfigType::TypedConfig(any(&Router::default()))),
            ..Default::default()
        };
        let manager = HttpConnectionManager {
            // HTTP/1.1 and HTTP/2 with prior knowledge use the same port.
            codec_type: CodecType::Auto.into(),
            stat_prefix: self.stat_prefix,
            route_specifier: Some(RouteSpecifier::Rds(Rds {
                config_source: Some(over_ads()),
                route_config_name: self.routes,
            })),
            http_filters: self.filters.into_iter().chain([router]).collect(),
            normalize_path: self.normalizes_paths.then_some(BoolValue { value: true }),
            merge_slashes: self.normalizes_paths,
            path_with_escaped_slashes_action: if self.normalizes_paths {
                PathWithEscapedSlashesAction::KeepUnchanged.into()
            } else {
                PathWithEscapedSlashesAction::ImplementationSpecificDefault.into()
            },
            common_http_protocol_options: Some(HttpProtocolOptions {
                idle_timeout: duration_or_unlimited(self.idle_timeout),
                max_headers_count: uint32(self.header_limits.count),
                ..Default::default()
            }),
            max_request_headers_kb: uint32(self.header_limits.kib),
            http_protocol_options: Some(Http1ProtocolOptions {
                accept_http_10: true,
                default_host_for_http_10: self.default_host,
                ..Default::default()
            }),
            http2_protocol_options: Some(http2_options()),
            upgrade_configs: vec![UpgradeConfig {
                upgrade_type: "websocket".to_owned(),
                ..Default::default()
            }],
            local_reply_config: Some(LocalReplyConfig {
                mappers: local_reply_mappers(),
                ..Default::default()
            }),
            tracing: tracing::of(own),
            access_log: sampled.into_iter().chain(self.access_logs).collect(),
            ..Default::default()
        };
        Filter {
            name: "envoy.filters.network.http_connection_manager".to_owned(),
            config_type: Some(ConfigType::TypedConfig(any(&manager))),
        }
    }
}

/// HTTP/2, in which a client may open a WebSocket by an extended CONNECT (RFC 8441), as Envoy does upstream.
pub(super) fn http2_options() -> Http2ProtocolOptions {
    Http2ProtocolOptions {
        allow_connect: true,
        ..Default::default()
    }
}

/// Options of upstream HTTP connections: the limits of requests hold for response headers, too.
pub(super) fn upstream_options(limits: HeaderLimits) -> HttpProtocolOptions {
    HttpProtocolOptions {
        max_headers_count: uint32(limits.count),
        max_response_headers_kb: uint32(limits.kib),
        ..Default::default()
    }
}

/// Adds a header with the reason to every local reply: by response flags, which say most, else by status. Envoy's first
/// match applies; direct responses have their reason already. Source: Envoy, access log, `%RESPONSE_FLAGS%`
/// (read 2026-11-23).
fn local_reply_mappers() -> Vec<ResponseMapper> {
    let by_flags = [
        (LocalReply::NoHealthyEndpoint, &["UH", "NC"][..]),
        (LocalReply::TimedOut, &["UT", "SI", "DT"][..]),
        (
            LocalReply::Unreachable,
            &["UF", "UC", "LR", "UR", "URX", "UO", "UPE"][..],
        ),
        (LocalReply::NoRoute, &["NR"][..]),
    ];
    let by_flags = by_flags.into_iter().map(|(reason, flags)| {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let filter = FilterSpecifier::ResponseFlagFilter(ResponseFlagFilter { flags });
        (reason, filter)
    });
    let by_status = [
        (LocalReply::HeadersTooLarge, Op::Eq, 431),
        (LocalReply::Failed, Op::Ge, 500),
        (LocalReply::Rejected, Op::Ge, 0),
    ];
    let by_status = by_status
        .into_iter()
        .map(|(reason, op, status)| (reason, compare_status(op, status)));
    by_flags
        .chain(by_status)
        .map(|(reason, filter)| ResponseMapper {
            filter: Some(AccessLogFilter {
                filter_specifier: Some(filter),
            }),
            headers_to_add: vec![default_local_reply_header(reason)],
            ..Default::default()
        })
        .collect()
}

fn compare_status(op: Op, status: u32) -> FilterSpecifier {
    FilterSpecifier::StatusCodeFilter(StatusCodeFilter {
        comparison: Some(ComparisonFilter {
            op: op.into(),
            value: Some(RuntimeUInt32 {
                default_value: status,
                // Required, and of no runtime that exists.
                runtime_key: "meshwright.local_reply".to_owned(),
            }),
        }),
    })
}

/// The access log of sampled requests.
pub(super) fn access_log_entries(path: &str, routes: &str) -> AccessLog {
    let format = SubstitutionFormatString {
        format: Some(Format::TextFormatSource(DataSource {
            specifier: Some(Specifier::InlineString(access_log::line_format(routes))),
            ..Default::default()
        })),
        ..Default::default()
    };
    AccessLog {
        name: "envoy.access_loggers.file".to_owned(),
        filter: Some(AccessLogFilter {
            filter_specifier: Some(FilterSpecifier::HeaderFilter(HeaderFilter {
                header: Some(HeaderMatcher {
                    name: "traceparent".to_owned(),
                    header_match_specifier: Some(HeaderMatchSpecifier::StringMatch(StringMatcher {
                        match_pattern: Some(MatchPattern::Prefix(access_log::sampled_traceparent())),
                        ..Default::default()
                    })),
                    ..Default::default()
                }),
            })),
        }),
        config_type: Some(AccessLogConfig::TypedConfig(any(&FileAccessLog {
            path: path.to_owned(),
            access_log_format: Some(AccessLogFormat::LogFormat(format)),
        }))),
    }
}
