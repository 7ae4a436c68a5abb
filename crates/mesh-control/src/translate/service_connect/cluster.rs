//! Clusters: upstream hosts, connection timeouts, circuit breakers, outlier detection.

use std::net::SocketAddr;
use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::circuit_breakers::Thresholds;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{ClusterDiscoveryType, DiscoveryType, EdsClusterConfig};
use envoy_types::pb::envoy::config::cluster::v3::{CircuitBreakers, Cluster, OutlierDetection};
use envoy_types::pb::envoy::config::core::v3::{Http1ProtocolOptions, HttpProtocolOptions};
use envoy_types::pb::envoy::extensions::upstreams::http::v3 as upstream;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::explicit_http_config::ProtocolConfig;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::{
    ExplicitHttpConfig, UpstreamProtocolOptions,
};
use envoy_types::pb::google::protobuf::Any;
use mesh_model::namespace::ServiceConnectService;
use mesh_model::service_connect::AppProtocol;
use prost::Name;

use super::super::envoy::{any, duration, duration_or_unlimited, load_assignment, over_ads, uint32};
use super::super::http::{http2_options, upstream_options};
use crate::mesh_state::HeaderLimits;

/// App Mesh's timeout between Envoys; that of Service Connect is not public.
const PEER_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// App Mesh's timeout to the application beside the Envoy.
const APP_CONNECT_TIMEOUT: Duration = Duration::from_millis(250);
/// As in App Mesh: circuit breakers are off unless configured, and Service Connect has no setting for them.
const NO_LIMIT: u32 = i32::MAX as u32;

/// The cluster of a service at its callers.
pub(super) fn egress(name: &str, endpoint: &ServiceConnectService, limits: HeaderLimits) -> Cluster {
    Cluster {
        name: name.to_owned(),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Eds.into())),
        eds_cluster_config: Some(EdsClusterConfig {
            eds_config: Some(over_ads()),
            ..Default::default()
        }),
        connect_timeout: duration(PEER_CONNECT_TIMEOUT),
        outlier_detection: Some(outlier_detection()),
        ..common(endpoint, limits)
    }
}

/// The cluster of the application beside the Envoy.
pub(super) fn ingress(
    name: &str,
    endpoint: &ServiceConnectService,
    application: SocketAddr,
    limits: HeaderLimits,
) -> Cluster {
    Cluster {
        name: name.to_owned(),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Static.into())),
        load_assignment: Some(load_assignment(name, [application])),
        connect_timeout: duration(APP_CONNECT_TIMEOUT),
        ..common(endpoint, limits)
    }
}

fn common(endpoint: &ServiceConnectService, limits: HeaderLimits) -> Cluster {
    Cluster {
        circuit_breakers: Some(CircuitBreakers {
            thresholds: vec![Thresholds {
                max_connections: uint32(NO_LIMIT),
                max_pending_requests: uint32(NO_LIMIT),
                max_requests: uint32(NO_LIMIT),
                max_retries: uint32(NO_LIMIT),
                ..Default::default()
            }],
            ..Default::default()
        }),
        typed_extension_protocol_options: http_options(endpoint, limits)
            .map(|options| (upstream::HttpProtocolOptions::full_name(), options))
            .into_iter()
            .collect(),
        ..Default::default()
    }
}

fn http_options(endpoint: &ServiceConnectService, limits: HeaderLimits) -> Option<Any> {
    let protocol = match endpoint.protocol {
        AppProtocol::Http => ProtocolConfig::HttpProtocolOptions(Http1ProtocolOptions::default()),
        AppProtocol::Http2 | AppProtocol::Grpc => ProtocolConfig::Http2ProtocolOptions(http2_options()),
        AppProtocol::Tcp => return None,
    };
    Some(any(&upstream::HttpProtocolOptions {
        common_http_protocol_options: Some(HttpProtocolOptions {
            idle_timeout: duration_or_unlimited(endpoint.idle_timeout),
            ..upstream_options(limits)
        }),
        upstream_protocol_options: Some(UpstreamProtocolOptions::ExplicitHttpConfig(ExplicitHttpConfig {
            protocol_config: Some(protocol),
        })),
        ..Default::default()
    }))
}

/// Five consecutive failures eject a host for 30 s, longer each time, up to 300 s. Source: ECS developer guide, Service
/// Connect concepts (read 2026-11-23), which specifies failed connections. So connections that fail, break or time out
/// count, and responses do not, whatever their status: a 503 may be the application's own, and is retried on another
/// host as it is.
///
/// At most half of the hosts are ejected at a time: AWS's limit is not public, and beyond it Envoy would enter panic
/// mode and use all of them.
fn outlier_detection() -> OutlierDetection {
    OutlierDetection {
        split_external_local_origin_errors: true,
        consecutive_local_origin_failure: uint32(5),
        enforcing_consecutive_local_origin_failure: uint32(100),
        enforcing_consecutive_5xx: uint32(0),
        enforcing_consecutive_gateway_failure: uint32(0),
        enforcing_success_rate: uint32(0),
        enforcing_local_origin_success_rate: uint32(0),
        interval: duration(Duration::from_secs(10)),
        base_ejection_time: duration(Duration::from_secs(30)),
        max_ejection_time: duration(Duration::from_secs(300)),
        max_ejection_percent: uint32(50),
        ..Default::default()
    }
}
