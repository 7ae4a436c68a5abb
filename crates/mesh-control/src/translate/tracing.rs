//! Spans of the requests that pass an Envoy: how they come about where a task's wiring names a collector.
//!
//! Envoy starts a span for each request at each of its connection managers, gives the `traceparent` that goes on that
//! span as parent, and sends the span if it is sampled. Whether it is, the flags of the `traceparent` that came decide;
//! without one it is not. Source: Envoy, `source/extensions/tracers/opentelemetry` (read 2026-11-23).
//!
//! That takes a sampler. Without one, Envoy 1.40 samples what the connection manager's own percentages and the flags
//! both allow (tried with it), and those percentages hold for requests without a `traceparent` as well.

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

/// For one batch of spans. A collector that does not answer keeps nothing waiting but spans.
const TIMEOUT: Duration = Duration::from_secs(1);

/// What a connection manager is to do about spans.
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
        sampler: Some(as_the_caller_says()),
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

/// Samples what the caller does, and nothing where the caller does not say.
fn as_the_caller_says() -> TypedExtensionConfig {
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

/// A listener for calls of the application whose spans say so: they are those of a client. Otherwise Envoy takes every
/// request for one that comes in.
pub(super) fn outbound(mut listener: Listener, own: &MeshwrightMetadata) -> Listener {
    if own.collector.is_some() {
        listener.traffic_direction = TrafficDirection::Outbound.into();
    }
    listener
}
