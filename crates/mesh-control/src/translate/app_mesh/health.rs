//! How callers find out whether a task is well: by asking it, and by what it answers.
//!
//! Both are declared on the listener of the virtual node that is called, and carried out by the Envoys of all who call
//! it. Source: App Mesh user guide, "Virtual nodes", and the walkthrough "howto-outlier-detection" among App Mesh's
//! public examples (read 2026-11-23).

use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3 as cluster;
use envoy_types::pb::envoy::config::core::v3::HealthCheck as EnvoyHealthCheck;
use envoy_types::pb::envoy::config::core::v3::health_check::{
    GrpcHealthCheck, HealthChecker, HttpHealthCheck, TcpHealthCheck,
};
use envoy_types::pb::envoy::r#type::v3::CodecClientType;
use envoy_types::pb::google::protobuf;
use mesh_model::app_mesh::Protocol;
use mesh_model::app_mesh::listener::{HealthCheck, OutlierDetection};

use super::super::envoy::{duration, uint32};

/// Asks each task at the port it serves, which is the only one that a health check may name.
pub(super) fn check(check: &HealthCheck, discovery_name: &str, port: u16) -> EnvoyHealthCheck {
    let interval = duration(Duration::from_millis(check.interval_millis));
    let http = |codec: CodecClientType| {
        HealthChecker::HttpHealthCheck(HttpHealthCheck {
            host: format!("{discovery_name}:{port}"),
            // App Mesh's console proposed this path; Envoy needs one.
            path: check.path.clone().unwrap_or_else(|| "/".to_owned()),
            codec_client_type: codec.into(),
            ..Default::default()
        })
    };
    EnvoyHealthCheck {
        timeout: duration(Duration::from_millis(check.timeout_millis)),
        interval,
        // Envoy asks tasks that nobody has called yet once a minute only, which nobody who configured an interval
        // would expect.
        no_traffic_interval: interval,
        unhealthy_threshold: uint32(check.unhealthy_threshold),
        healthy_threshold: uint32(check.healthy_threshold),
        health_checker: Some(match check.protocol {
            Protocol::Http => http(CodecClientType::Http1),
            Protocol::Http2 => http(CodecClientType::Http2),
            Protocol::Grpc => HealthChecker::GrpcHealthCheck(GrpcHealthCheck::default()),
            Protocol::Tcp => HealthChecker::TcpHealthCheck(TcpHealthCheck::default()),
        }),
        ..Default::default()
    }
}

/// Leaves a task alone after so many 5xx answers in a row. Envoy's other reasons to do so are off: nobody asked for
/// them.
pub(super) fn outlier_detection(detection: &OutlierDetection) -> cluster::OutlierDetection {
    cluster::OutlierDetection {
        consecutive_5xx: uint32(u32::try_from(detection.max_server_errors).unwrap_or(u32::MAX)),
        enforcing_consecutive_5xx: uint32(100),
        enforcing_success_rate: uint32(0),
        enforcing_consecutive_gateway_failure: uint32(0),
        interval: unless_zero(detection.interval.into()),
        base_ejection_time: unless_zero(detection.base_ejection_duration.into()),
        max_ejection_percent: uint32(detection.max_ejection_percent),
        ..Default::default()
    }
}

/// App Mesh allows 0, which Envoy refuses: it takes its own default instead, 10 s between looks and 30 s alone. Source:
/// Envoy, `outlier_detection.proto` (read 2026-11-23).
fn unless_zero(configured: Duration) -> Option<protobuf::Duration> {
    (!configured.is_zero()).then(|| duration(configured)).flatten()
}
