//! Tracing: spans of HTTP requests, sent to the collector of the node metadata.
//!
//! Envoy starts a span for each request at each connection manager, sends its id upstream in `traceparent`, and exports
//! the span if it is sampled. Sampling is parent-based: without a `traceparent` there is no sampling. Source: Envoy,
//! `source/extensions/tracers/opentelemetry` (read 2026-11-23).
//!
//! This needs an explicit sampler. Without one, Envoy 1.40 samples requests that both the percentages of the connection
//! manager and the `traceparent` allow (tried with it), and the percentages hold for requests without a `traceparent`
//! as well.

use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::grpc_service::{EnvoyGrpc, TargetSpecifier};
use envoy_types::pb::envoy::config::core::v3::{GrpcService, TrafficDirection, TypedExtensionConfig};
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::config::trace::v3::OpenTelemetryConfig;
use envoy_types::pb::envoy::config::trace::v3::tracing::Http;
use envoy_types::pb::envoy::config::trace::v3::tracing::http::ConfigType;
use envoy_types::pb::envoy::extensions::filters::network::http_connection_manager::v3::http_connection_manager::Tracing;
use envoy_types::pb::envoy::extensions::tracers::opentelemetry::samplers::v3::{
    ParentBasedSamplerConfig, TraceIdRatioBasedSamplerConfig,
};
use envoy_types::pb::envoy::r#type::v3::FractionalPercent;

use super::envoy::{any, duration};
use crate::node::MeshwrightMetadata;
use envoy_bootstrap::COLLECTOR_CLUSTER;

/// Timeout of one export. A collector that does not respond delays spans only.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The tracing settings of a connection manager.
pub(super) fn of(own: &MeshwrightMetadata) -> Option<Tracing> {
    own.collector?;
    let collector = EnvoyGrpc {
        cluster_name: COLLECTOR_CLUSTER.to_owned(),
        ..Default::default()
    };
    let tracer = OpenTelemetryConfig {
        grpc_service: Some(GrpcService {
            timeout: duration(TIMEOUT),
            target_specifier: Some(TargetSpecifier::EnvoyGrpc(collector)),
            ..Default::default()
        }),
        service_name: own.task.clone().unwrap_or_default(),
        sampler: Some(parent_based_sampler()),
        ..Default::default()
    };
    Some(Tracing {
        provider: Some(Http {
            name: "envoy.tracers.opentelemetry".to_owned(),
            config_type: Some(ConfigType::TypedConfig(any(&tracer))),
        }),
        ..Default::default()
    })
}

/// Samples a request if its parent is sampled, and none without a parent.
fn parent_based_sampler() -> TypedExtensionConfig {
    let none = TraceIdRatioBasedSamplerConfig {
        sampling_percentage: Some(FractionalPercent::default()),
    };
    let as_parent = ParentBasedSamplerConfig {
        wrapped_sampler: Some(TypedExtensionConfig {
            name: "envoy.tracers.opentelemetry.samplers.trace_id_ratio_based".to_owned(),
            typed_config: Some(any(&none)),
        }),
    };
    TypedExtensionConfig {
        name: "envoy.tracers.opentelemetry.samplers.parent_based".to_owned(),
        typed_config: Some(any(&as_parent)),
    }
}

/// A listener for outbound requests: their spans have the kind client. By default, Envoy takes every request for an
/// inbound one.
pub(super) fn outbound(mut listener: Listener, own: &MeshwrightMetadata) -> Listener {
    if own.collector.is_some() {
        listener.traffic_direction = TrafficDirection::Outbound.into();
    }
    listener
}
