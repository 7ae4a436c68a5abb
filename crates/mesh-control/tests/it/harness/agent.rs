//! An Envoy as AWS's App Mesh image starts it: the bootstrap of its agent, with the credentials replaced.
//!
//! The file follows `envoy_bootstrap.go` of aws/amazon-ecs-service-connect-agent (read 2026-11-30): Google's gRPC client with
//! TLS, call credentials in each call, SotW, keepalive pings without data, runtime and cluster manager. Different are: the
//! call credentials, which come from a file, because no AWS account issues any here; the interval of the pings; the admin
//! page, which is a socket; and the listener ports, which the agent sends if `APPNET_LISTENER_PORT_MAPPING` is set.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

/// The task in the node metadata.
pub(crate) const TASK: &str = "arn:aws:ecs:eu-west-1:123456789012:task/demo/0123456789abcdef0123456789abcdef";

/// What differs between the Envoys of a test.
pub(crate) struct AgentEnvoy<'a> {
    /// `APPMESH_RESOURCE_ARN`, or another of its variables.
    pub(crate) node_id: &'a str,
    /// The port of `APPMESH_XDS_ENDPOINT`; its host is `localhost`, which the certificate names.
    pub(crate) xds: SocketAddr,
    /// `/etc/pki/tls/cert.pem`.
    pub(crate) roots: &'a str,
    /// `APPNET_LISTENER_PORT_MAPPING`.
    pub(crate) listener_ports: Value,
}

impl AgentEnvoy<'_> {
    /// The bootstrap, with its files in `directory`.
    pub(crate) fn bootstrap(&self, directory: &Path, admin: &Path) -> Value {
        let (roots, token) = (directory.join("roots.pem"), directory.join("token"));
        fs::write(&roots, self.roots).expect("the roots");
        fs::write(
            &token,
            "Credential=AKIDEXAMPLE/20261130/eu-west-1/appmesh/aws4_request, Signature=0",
        )
        .expect("a token");
        let over_ads = json!({"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"});
        let milliseconds = |value: u32| json!({ "int_value": value });
        json!({
            "admin": {"address": {"pipe": {"path": admin, "mode": 0o600}}},
            "node": {
                "id": self.node_id,
                "cluster": self.node_id,
                "locality": {"region": "eu-west-1", "zone": "euw1-az1"},
                "metadata": {
                    "aws.appmesh.platformInfo": {
                        "AvailabilityZone": "eu-west-1a",
                        "AvailabilityZoneID": "euw1-az1",
                        "supportedIPFamilies": "ALL",
                        "ecsPlatformInfo": {
                            "ecsLaunchType": "FARGATE",
                            "ecsClusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/demo",
                            "ecsTaskArn": TASK,
                        },
                        "systemInfo": {"systemPlatform": "linux", "systemKernelVersion": "5.10"},
                    },
                    "aws.appmesh.task.interfaces": {"ipv4": {"eth0": ["10.0.1.5/24"]}, "ipv6": {}},
                    "aws.ecs.serviceconnect.ListenerPortMapping": self.listener_ports,
                },
            },
            "dynamic_resources": {
                "ads_config": {
                    "api_type": "GRPC",
                    "transport_api_version": "V3",
                    "grpc_services": [{"google_grpc": {
                        "target_uri": format!("localhost:{}", self.xds.port()),
                        "stat_prefix": "ads",
                        "channel_credentials": {"ssl_credentials": {"root_certs": {"filename": roots}}},
                        "credentials_factory_name": "envoy.grpc_credentials.file_based_metadata",
                        "call_credentials": [{"from_plugin": {
                            "name": "envoy.grpc_credentials.file_based_metadata",
                            "typed_config": {
                                "@type": "type.googleapis.com/envoy.config.grpc_credential.v3.FileBasedMetadataConfig",
                                "secret_data": {"filename": token},
                                "header_key": "authorization",
                                "header_prefix": "AWS4-HMAC-SHA256 ",
                            },
                        }}],
                        "channel_args": {"args": {
                            "grpc.http2.max_pings_without_data": milliseconds(0),
                            // The agent: 10,000.
                            "grpc.keepalive_time_ms": milliseconds(50),
                            "grpc.keepalive_timeout_ms": milliseconds(20_000),
                            "grpc.initial_reconnect_backoff_ms": milliseconds(100),
                            "grpc.max_connection_age_ms": milliseconds(2_400_000),
                            "grpc.max_connection_age_grace_ms": milliseconds(5_000),
                        }},
                    }}],
                },
                "cds_config": over_ads,
                "lds_config": over_ads,
            },
            "cluster_manager": {"outlier_detection": {"event_log_path": "/dev/stdout"}},
            "layered_runtime": {"layers": [
                {"name": "static_layer_0", "static_layer": {
                    "envoy.features.enable_all_deprecated_features": true,
                    "re2.max_program_size.error_level": 1000,
                    "envoy.reloadable_features.http_set_tracing_decision_in_request_id": true,
                    "envoy.reloadable_features.no_extension_lookup_by_name": true,
                    "envoy.reloadable_features.use_http_client_to_fetch_aws_credentials": false,
                }},
                {"name": "admin_layer", "admin_layer": {}},
            ]},
        })
    }
}
