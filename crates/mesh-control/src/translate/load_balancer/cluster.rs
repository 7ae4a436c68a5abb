//! Target groups as clusters: targets, health checks, and the protocol to targets.

use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::circuit_breakers::Thresholds;
use envoy_types::pb::envoy::config::cluster::v3::cluster::{
    ClusterDiscoveryType, CommonLbConfig, DiscoveryType, EdsClusterConfig, LbConfig, LbPolicy, RoundRobinLbConfig,
    SlowStartConfig,
};
use envoy_types::pb::envoy::config::cluster::v3::{CircuitBreakers, Cluster};
use envoy_types::pb::envoy::config::core::v3::health_check::{HealthChecker, HttpHealthCheck, TcpHealthCheck};
use envoy_types::pb::envoy::config::core::v3::{
    HealthCheck, HealthStatus, Http1ProtocolOptions, Http2ProtocolOptions, HttpProtocolOptions, RequestMethod,
};
use envoy_types::pb::envoy::config::endpoint::v3::endpoint::HealthCheckConfig;
use envoy_types::pb::envoy::config::endpoint::v3::lb_endpoint::HostIdentifier;
use envoy_types::pb::envoy::config::endpoint::v3::{ClusterLoadAssignment, Endpoint, LbEndpoint, LocalityLbEndpoints};
use envoy_types::pb::envoy::extensions::filters::network::tcp_proxy::v3::tcp_proxy;
use envoy_types::pb::envoy::extensions::upstreams::http::v3 as upstream;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::explicit_http_config::ProtocolConfig;
use envoy_types::pb::envoy::extensions::upstreams::http::v3::http_protocol_options::{
    ExplicitHttpConfig, UpstreamProtocolOptions,
};
use envoy_types::pb::envoy::r#type::v3::{CodecClientType, Int64Range, Percent};
use mesh_model::load_balancer::{
    Algorithm, Forward, LoadBalancer, Probe, TargetGroup, TargetHealthCheck, TargetProtocol,
};
use prost::Name;

use super::super::direct_response::set_header;
use super::super::envoy::{address, any, duration, load_assignment, over_ads, uint32};
use super::certificate;
use crate::mesh_state::Target;

/// Source: Application Load Balancer user guide, "Troubleshoot" (504), and "Connection idle timeout" (read 2026-12-01).
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A load balancer has no circuit breakers.
const NO_LIMIT: u32 = i32::MAX as u32;
/// Below this share of healthy targets, in percent, all targets receive requests. A target group has at most a hundred
/// targets here, so this holds only if none is healthy, when load balancers fail open.
const PANIC_THRESHOLD: f64 = 1.0;

/// The name of the cluster of a target group.
pub(super) fn name(target_group: &str) -> String {
    format!("targetGroup/{target_group}")
}

/// The clusters of an action, for connections. Envoy rejects weights of 0. `None` if nothing has a weight.
pub(super) fn for_tcp(forward: &Forward) -> Option<tcp_proxy::ClusterSpecifier> {
    let weighted = forward.target_groups.iter().filter(|(_, weight)| *weight > 0);
    let weighted: Vec<&(String, u32)> = weighted.collect();
    match weighted.as_slice() {
        [] => None,
        [(only, _)] => Some(tcp_proxy::ClusterSpecifier::Cluster(name(only))),
        several => Some(tcp_proxy::ClusterSpecifier::WeightedClusters(
            tcp_proxy::WeightedCluster {
                clusters: several
                    .iter()
                    .map(|(target_group, weight)| tcp_proxy::weighted_cluster::ClusterWeight {
                        name: name(target_group),
                        weight: *weight,
                        ..Default::default()
                    })
                    .collect(),
            },
        )),
    }
}

/// The cluster of a target group that does not exist.
pub(super) fn without_targets(target_group: &str) -> Cluster {
    let name = name(target_group);
    Cluster {
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Static.into())),
        load_assignment: Some(load_assignment(&name, [])),
        connect_timeout: duration(CONNECT_TIMEOUT),
        name,
        ..Default::default()
    }
}

/// The cluster of a target group.
pub(super) fn of_target_group(target_group: &TargetGroup, load_balancer: &LoadBalancer) -> Cluster {
    Cluster {
        name: name(&target_group.name),
        cluster_discovery_type: Some(ClusterDiscoveryType::Type(DiscoveryType::Eds.into())),
        eds_cluster_config: Some(EdsClusterConfig {
            eds_config: Some(over_ads()),
            ..Default::default()
        }),
        connect_timeout: duration(CONNECT_TIMEOUT),
        lb_policy: match target_group.algorithm {
            Algorithm::RoundRobin => LbPolicy::RoundRobin.into(),
            Algorithm::LeastOutstandingRequests => LbPolicy::LeastRequest.into(),
        },
        lb_config: slow_start(target_group),
        health_checks: target_group
            .health_check
            .iter()
            .map(|check| health_check(check, target_group.protocol))
            .collect(),
        // A deregistered target is removed, even if its last check passed.
        ignore_health_on_host_removal: true,
        common_lb_config: Some(CommonLbConfig {
            healthy_panic_threshold: Some(Percent { value: PANIC_THRESHOLD }),
            ..Default::default()
        }),
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
        transport_socket: target_group
            .has_tls
            .then(|| certificate::to_targets(target_group.protocol)),
        typed_extension_protocol_options: http_options(target_group.protocol, load_balancer).into_iter().collect(),
        ..Default::default()
    }
}

/// The load balancing of a target group with slow start, which is linear, as that of load balancers is. Source: Application
/// Load Balancer user guide, "Slow start mode" (read 2026-12-01).
fn slow_start(target_group: &TargetGroup) -> Option<LbConfig> {
    let window = target_group
        .slow_start
        .filter(|_| target_group.algorithm == Algorithm::RoundRobin)?;
    Some(LbConfig::RoundRobinLbConfig(RoundRobinLbConfig {
        slow_start_config: Some(SlowStartConfig {
            slow_start_window: duration(window),
            ..Default::default()
        }),
    }))
}

fn http_options(
    protocol: TargetProtocol,
    load_balancer: &LoadBalancer,
) -> Option<(String, envoy_types::pb::google::protobuf::Any)> {
    let protocol = match protocol {
        TargetProtocol::Http1 => ProtocolConfig::HttpProtocolOptions(Http1ProtocolOptions::default()),
        TargetProtocol::Http2 | TargetProtocol::Grpc => {
            ProtocolConfig::Http2ProtocolOptions(Http2ProtocolOptions::default())
        }
        TargetProtocol::Tcp => return None,
    };
    let options = upstream::HttpProtocolOptions {
        common_http_protocol_options: Some(HttpProtocolOptions {
            idle_timeout: duration(load_balancer.idle_timeout),
            ..Default::default()
        }),
        upstream_protocol_options: Some(UpstreamProtocolOptions::ExplicitHttpConfig(ExplicitHttpConfig {
            protocol_config: Some(protocol),
        })),
        ..Default::default()
    };
    Some((upstream::HttpProtocolOptions::full_name(), any(&options)))
}

/// The endpoints of a target group's cluster. Those that drain complete their requests and receive no others.
pub(super) fn endpoints(target_group: &TargetGroup, targets: &[Target]) -> ClusterLoadAssignment {
    let endpoint = |target: &Target| LbEndpoint {
        health_status: if target.is_draining {
            HealthStatus::Draining.into()
        } else {
            HealthStatus::Unknown.into()
        },
        host_identifier: Some(HostIdentifier::Endpoint(Endpoint {
            address: Some(address(target.address.ip(), target.address.port())),
            health_check_config: Some(HealthCheckConfig {
                port_value: target.health_check_port.map_or(0, u32::from),
                hostname: target.address.to_string(),
                ..Default::default()
            }),
            ..Default::default()
        })),
        ..Default::default()
    };
    ClusterLoadAssignment {
        cluster_name: name(&target_group.name),
        endpoints: vec![LocalityLbEndpoints {
            lb_endpoints: targets.iter().map(endpoint).collect(),
            ..Default::default()
        }],
        ..Default::default()
    }
}

/// A health check. Envoy checks a new target at once, and takes the first success for health, as load balancers do.
fn health_check(check: &TargetHealthCheck, protocol: TargetProtocol) -> HealthCheck {
    let interval = duration(check.interval);
    HealthCheck {
        timeout: duration(check.timeout),
        interval,
        // By default, Envoy checks targets without traffic once a minute only.
        no_traffic_interval: interval,
        healthy_threshold: uint32(check.healthy_threshold),
        unhealthy_threshold: uint32(check.unhealthy_threshold),
        health_checker: Some(match &check.probe {
            Probe::Tcp => HealthChecker::TcpHealthCheck(TcpHealthCheck::default()),
            Probe::Http { path, codes } => HealthChecker::HttpHealthCheck(http_check(path, codes, protocol)),
        }),
        ..Default::default()
    }
}

fn http_check(path: &str, codes: &[(u16, u16)], protocol: TargetProtocol) -> HttpHealthCheck {
    let is_grpc = protocol == TargetProtocol::Grpc;
    let mut headers = vec![set_header("user-agent", "ELB-HealthChecker/2.0")];
    if is_grpc {
        headers.push(set_header("content-type", "application/grpc"));
    }
    HttpHealthCheck {
        path: path.to_owned(),
        method: if is_grpc {
            RequestMethod::Post.into()
        } else {
            RequestMethod::MethodUnspecified.into()
        },
        request_headers_to_add: headers,
        expected_statuses: codes
            .iter()
            .map(|(first, last)| Int64Range {
                start: i64::from(*first),
                end: i64::from(*last) + 1,
            })
            .collect(),
        codec_client_type: match protocol {
            TargetProtocol::Http1 | TargetProtocol::Tcp => CodecClientType::Http1.into(),
            TargetProtocol::Http2 | TargetProtocol::Grpc => CodecClientType::Http2.into(),
        },
        ..Default::default()
    }
}
