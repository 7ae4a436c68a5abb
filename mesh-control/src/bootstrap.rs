//! The file an Envoy starts from: who it is, where its control plane is, and where its admin page is.
//!
//! Everything else it learns over ADS. The shape follows what the App Mesh agent wrote (`initial_fetch_timeout`
//! 0, so that an Envoy without a control plane waits instead of starting empty), with two differences: the
//! gRPC client is Envoy's own instead of Google's, and the admin page is a Unix socket that only its owner can
//! open instead of a port on all interfaces.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::ads::Variant;
use crate::node::Wiring;

/// What an Envoy needs to know before it can ask.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// The node id by which the control plane knows what this Envoy is for.
    pub node_id: String,
    /// Where this task's listeners are.
    pub wiring: Wiring,
    /// The control plane's address.
    pub xds: SocketAddr,
    /// Which protocol variant to speak.
    pub variant: Variant,
    /// The path of the admin page's Unix socket.
    pub admin: PathBuf,
}

impl Bootstrap {
    /// The file's content.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let api_type = match self.variant {
            Variant::StateOfTheWorld => "GRPC",
            Variant::Delta => "DELTA_GRPC",
        };
        let over_ads = json!({"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"});
        json!({
            "node": {
                "id": self.node_id,
                "cluster": self.node_id,
                "metadata": self.wiring.to_metadata(),
            },
            // Only the owner may look and act: the admin page can stop the Envoy.
            "admin": {"address": {"pipe": {"path": self.admin, "mode": 0o600}}},
            "dynamic_resources": {
                "ads_config": {
                    "api_type": api_type,
                    "transport_api_version": "V3",
                    "set_node_on_first_message_only": true,
                    "grpc_services": [{"envoy_grpc": {"cluster_name": "xds"}}],
                },
                "cds_config": over_ads,
                "lds_config": over_ads,
            },
            "static_resources": {"clusters": [self.xds_cluster()]},
            // Without a limit Envoy warns at every start. This is the one its own guide for edge proxies proposes
            // (read 2026-11-23).
            "overload_manager": {"resource_monitors": [{
                "name": "envoy.resource_monitors.global_downstream_max_connections",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                    "max_active_downstream_connections": 50_000,
                },
            }]},
        })
    }

    fn xds_cluster(&self) -> Value {
        json!({
            "name": "xds",
            "type": "STATIC",
            "connect_timeout": "1s",
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                    "explicit_http_config": {
                        // A control plane that vanished without a word is noticed within half a minute.
                        "http2_protocol_options": {
                            "connection_keepalive": {"interval": "10s", "timeout": "20s"},
                        },
                    },
                },
            },
            "load_assignment": {
                "cluster_name": "xds",
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": {
                    "address": self.xds.ip().to_string(),
                    "port_value": self.xds.port(),
                }}}}]}],
            },
        })
    }
}
