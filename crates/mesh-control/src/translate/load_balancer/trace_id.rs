//! The filter that adds `X-Amzn-Trace-Id`.
//!
//! A time in hexadecimal digits is no text that Envoy's formatters write, so it is a Lua filter. The random digits are those
//! of the request id that Envoy generates. Source: Application Load Balancer user guide, "Request tracing" (read 2026-12-01).

use envoy_types::pb::envoy::config::core::v3::DataSource;
use envoy_types::pb::envoy::config::core::v3::data_source::Specifier;
use envoy_types::pb::envoy::extensions::filters::http::lua::v3::Lua;
use envoy_types::pb::google::protobuf::Any;

use super::super::envoy::any;

/// The name of the filter.
pub(super) const FILTER: &str = "envoy.filters.http.lua";

/// The configuration of the filter.
pub(super) fn config() -> Any {
    any(&Lua {
        default_source_code: Some(DataSource {
            specifier: Some(Specifier::InlineString(include_str!("trace_id.lua").to_owned())),
            ..Default::default()
        }),
        ..Default::default()
    })
}
