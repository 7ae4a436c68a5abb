//! Health checks and outlier detection.
//!
//! Both are declared on the listener of the called virtual node, and carried out by the Envoys of its callers. Source:
//! App Mesh user guide, "Virtual nodes", and the walkthrough "howto-outlier-detection" among App Mesh's public examples
//! (read 2026-11-23).

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

/// An active health check at the port that is served, the only one that App Mesh allows.
pub(super) fn check(check: &HealthCheck, discovery_name: &str, port: u16) -> EnvoyHealthCheck {
    let interval = duration(Duration::from_millis(check.interval_millis));
    let http = |codec: CodecClientType| {
        HealthChecker::HttpHealthCheck(HttpHealthCheck {
            host: format!("{discovery_name}:{port}"),
            // App Mesh's console proposed this path; Envoy requires one.
            path: check.path.clone().unwrap_or_else(|| "/".to_owned()),
            codec_client_type: codec.into(),
            ..Default::default()
        })
    };
    EnvoyHealthCheck {
        timeout: duration(Duration::from_millis(check.timeout_millis)),
        interval,
        // By default, Envoy checks hosts without traffic once a minute only, instead of at the configured interval.
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

/// Ejects a host after this number of consecutive 5xx responses. Envoy's other criteria are off: App Mesh had none.
pub(super) fn outlier_detection(detection: &OutlierDetection) -> cluster::OutlierDetection {
    cluster::OutlierDetection {
        consecutive_5xx: uint32(u32::try_from(detection.max_server_errors).unwrap_or(u32::MAX)),
        enforcing_consecutive_5xx: uint32(100),
        enforcing_success_rate: uint32(0),
        enforcing_consecutive_gateway_failure: uint32(0),
        interval: non_zero(detection.interval.into()),
        base_ejection_time: non_zero(detection.base_ejection_duration.into()),
        max_ejection_percent: uint32(detection.max_ejection_percent),
        ..Default::default()
    }
}

/// App Mesh allows 0, which Envoy rejects; its defaults are used instead, an interval of 10 s and an ejection of 30 s.
/// Source: Envoy, `outlier_detection.proto` (read 2026-11-23).
fn non_zero(configured: Duration) -> Option<protobuf::Duration> {
    (!configured.is_zero()).then(|| duration(configured)).flatten()
}
