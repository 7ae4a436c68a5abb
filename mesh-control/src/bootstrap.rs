//! The file an Envoy starts from: who it is, where its control plane is, and where its admin page is.
//!
//! Everything else it learns over ADS. The shape follows what the App Mesh agent wrote (`initial_fetch_timeout`
//! 0, so that an Envoy without a control plane waits instead of starting empty), with two differences: the
//! gRPC client is Envoy's own instead of Google's, and the admin page is a Unix socket that only its owner can
//! open instead of a port on all interfaces.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use mesh_model::app_mesh::Kind;
use serde_json::{Value, json};

use crate::ads::Variant;
use crate::node::{Identity, Wiring};

/// The name of the cluster of the secret discovery service beside an Envoy. Source: the App Mesh agent (read
/// 2026-11-23).
pub(crate) const SDS_CLUSTER: &str = "static_cluster_sds_unix_socket";

/// The name of the cluster of the collector of spans.
pub(crate) const COLLECTOR_CLUSTER: &str = "collector";

/// How large the program of a regular expression may be, as the App Mesh agent allowed it (`envoy_bootstrap.go`, read
/// 2026-11-23), and as the model checks it. Envoy's own limit is 100.
const LARGEST_PROGRAM: u32 = 1000;
/// Spans leave 50 ms after a request, or as soon as there are 100, for whoever waits for those of one request. Without
/// this a span waits up to 5 s for four others. Source: Envoy, `source/extensions/tracers/opentelemetry/tracer.cc` (read
/// 2026-11-23).
const SPANS_LEAVE_AFTER_MS: u32 = 50;
const SPANS_AT_ONCE: u32 = 100;

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
    /// The Unix socket of a secret discovery service beside the Envoy, for virtual nodes and gateways whose
    /// certificates come from there. Default: none. App Mesh's agent: `APPMESH_SDS_SOCKET_PATH`.
    pub sds: Option<PathBuf>,
    /// The DNS servers that host names of virtual nodes are resolved by. Default, if there are none: those of the
    /// machine.
    pub dns_servers: Vec<SocketAddr>,
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
        let mut bootstrap = json!({
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
            "static_resources": {"clusters": self.clusters()},
            // Without a limit Envoy warns at every start. This is the one its own guide for edge proxies proposes
            // (read 2026-11-23).
            "overload_manager": {"resource_monitors": [{
                "name": "envoy.resource_monitors.global_downstream_max_connections",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                    "max_active_downstream_connections": 50_000,
                },
            }]},
            "stats_config": {"stats_tags": self.stats_tags()},
            // How long times stay uncounted. By default it is five seconds, too long for who watches a rollout.
            "stats_flush_interval": "1s",
        });
        bootstrap["layered_runtime"] = self.runtime();
        if !self.dns_servers.is_empty() {
            bootstrap["typed_dns_resolver_config"] = self.dns_resolver();
        }
        bootstrap
    }

    /// What is Envoy's to decide otherwise. What is set on the admin page wins.
    fn runtime(&self) -> Value {
        let mut own = json!({"re2.max_program_size.error_level": LARGEST_PROGRAM});
        if self.wiring.own.collector.is_some() {
            own["tracing.opentelemetry.flush_interval_ms"] = SPANS_LEAVE_AFTER_MS.into();
            own["tracing.opentelemetry.min_flush_spans"] = SPANS_AT_ONCE.into();
        }
        json!({"layers": [{"name": "own", "static_layer": own}, {"name": "admin", "admin_layer": {}}]})
    }

    fn clusters(&self) -> Vec<Value> {
        let sds = self.sds.as_ref().map(|socket| sds_cluster(socket));
        // A control plane that vanished without a word is noticed within half a minute.
        let keepalive = json!({"connection_keepalive": {"interval": "10s", "timeout": "20s"}});
        let collector = self.wiring.own.collector;
        std::iter::once(grpc_cluster("xds", &socket_address(self.xds), keepalive))
            .chain(sds)
            .chain(collector.map(|at| grpc_cluster(COLLECTOR_CLUSTER, &socket_address(at), json!({}))))
            .collect()
    }

    fn dns_resolver(&self) -> Value {
        let servers = self
            .dns_servers
            .iter()
            .map(|server| json!({"socket_address": {"address": server.ip().to_string(), "port_value": server.port()}}));
        json!({
            "name": "envoy.network.dns_resolver.cares",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
                "resolvers": servers.collect::<Vec<_>>(),
                // Names are absolute; search domains would only add questions.
                "dns_resolver_options": {"no_default_search_domain": true},
            },
        })
    }

    /// How App Mesh's agent took statistics' names apart, so that dashboards made for them go on working. Source:
    /// the agent's `envoy_bootstrap.go`, which has the first two and, with `ENABLE_ENVOY_STATS_TAGS`, the last two
    /// (read 2026-11-23).
    fn stats_tags(&self) -> Vec<Value> {
        let Ok(Identity::Member(path)) = Identity::parse(&self.node_id) else {
            return Vec::new();
        };
        let member = match path.kind {
            Kind::VirtualGateway => "appmesh.virtual_gateway",
            _ => "appmesh.virtual_node",
        };
        vec![
            json!({"tag_name": "appmesh.listener_protocol", "regex": r".*?\.ingress\.((\w+?)\.)[0-9]+?\.(.+?)$"}),
            json!({"tag_name": "appmesh.listener_port", "regex": r".*?\.ingress\.\w+?\.(([0-9]+?)\.)(.+?)$"}),
            json!({"tag_name": "appmesh.mesh", "fixed_value": path.mesh}),
            json!({"tag_name": member, "fixed_value": path.name}),
        ]
    }
}

/// The cluster of a secret discovery service beside the Envoy, called as App Mesh's agent called it.
fn sds_cluster(socket: &Path) -> Value {
    grpc_cluster(SDS_CLUSTER, &json!({"pipe": {"path": socket}}), json!({}))
}

fn socket_address(at: SocketAddr) -> Value {
    json!({"socket_address": {"address": at.ip().to_string(), "port_value": at.port()}})
}

/// A server of gRPC at a known address.
fn grpc_cluster(name: &str, address: &Value, http2: Value) -> Value {
    json!({
        "name": name,
        "type": "STATIC",
        "connect_timeout": "1s",
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {"http2_protocol_options": http2},
            },
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    })
}
