//! The file an Envoy starts from: who it is, where its control plane is, and where its admin page is.
//!
//! Everything else it learns over ADS. The shape follows what the App Mesh agent wrote (`initial_fetch_timeout`
//! 0, so that an Envoy without a control plane waits instead of starting empty), with two differences: the
//! gRPC client is Envoy's own instead of Google's, and the admin page is not on all interfaces: it is a Unix socket that
//! only its owner can open, or a port of loopback.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use mesh_model::app_mesh::Kind;
use serde_json::{Value, json};

use crate::identity::Identity;
use crate::metadata::NodeMetadata;
use crate::xds_protocol::XdsProtocol;

/// The name of the cluster of the secret discovery service beside an Envoy. Source: the App Mesh agent (read
/// 2026-11-23).
pub const SDS_CLUSTER: &str = "static_cluster_sds_unix_socket";

/// The name of the cluster of the collector of spans.
pub const COLLECTOR_CLUSTER: &str = "collector";

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
    pub wiring: NodeMetadata,
    /// Where the control plane is.
    pub xds: Upstream,
    /// Which protocol protocol to speak.
    pub protocol: XdsProtocol,
    /// Where the admin page is.
    pub admin: Admin,
    /// The Unix socket of a secret discovery service beside the Envoy, for virtual nodes and gateways whose
    /// certificates come from there. Default: none. App Mesh's agent: `APPMESH_SDS_SOCKET_PATH`.
    pub sds: Option<PathBuf>,
    /// The DNS servers that host names of virtual nodes are resolved by. Default, if there are none: those of the
    /// machine.
    pub dns_servers: Vec<SocketAddr>,
}

/// Where a control plane is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    /// At an address.
    Address(SocketAddr),
    /// At every address that DNS has for a name. The name is asked for again when its answers have aged, every 5 s at
    /// least, so that copies may come and go. Source: Envoy, `dns_refresh_rate` (read 2026-11-23).
    Host {
        /// The name, absolute.
        name: String,
        /// The port.
        port: u16,
    },
}

impl From<SocketAddr> for Upstream {
    fn from(address: SocketAddr) -> Self {
        Self::Address(address)
    }
}

impl Upstream {
    fn cluster_type(&self) -> &'static str {
        match self {
            Self::Address(_) => "STATIC",
            Self::Host { .. } => "STRICT_DNS",
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Address(at) => socket_address(*at),
            Self::Host { name, port } => json!({"socket_address": {"address": name, "port_value": port}}),
        }
    }
}

/// Where an Envoy's admin page is. Whoever can open it can stop the Envoy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admin {
    /// On a Unix socket that only its owner can open.
    Socket(PathBuf),
    /// At an address. On loopback it can be opened by whatever runs in the same task.
    Address(SocketAddr),
}

impl Admin {
    fn to_json(&self) -> Value {
        match self {
            Self::Socket(path) => json!({"pipe": {"path": path, "mode": 0o600}}),
            Self::Address(at) => socket_address(*at),
        }
    }
}

impl Bootstrap {
    /// The file's content.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let api_type = match self.protocol {
            XdsProtocol::Sotw => "GRPC",
            XdsProtocol::Delta => "DELTA_GRPC",
        };
        let over_ads = json!({"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"});
        let mut bootstrap = json!({
            "node": {
                "id": self.node_id,
                "cluster": self.node_id,
                "metadata": self.wiring.to_metadata(),
            },
            "admin": {"address": self.admin.to_json()},
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
        if self.wiring.extension.collector.is_some() {
            own["tracing.opentelemetry.flush_interval_ms"] = SPANS_LEAVE_AFTER_MS.into();
            own["tracing.opentelemetry.min_flush_spans"] = SPANS_AT_ONCE.into();
        }
        json!({"layers": [{"name": "own", "static_layer": own}, {"name": "admin", "admin_layer": {}}]})
    }

    fn clusters(&self) -> Vec<Value> {
        let sds = self.sds.as_ref().map(|socket| sds_cluster(socket));
        // A control plane that vanished without a word is noticed within half a minute.
        let keepalive = json!({"connection_keepalive": {"interval": "10s", "timeout": "20s"}});
        let collector = self.wiring.extension.collector;
        let mut xds = grpc_cluster("xds", &self.xds.to_json(), keepalive);
        xds["type"] = self.xds.cluster_type().into();
        std::iter::once(xds)
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
        let Ok(Identity::MeshNode(path)) = Identity::parse(&self.node_id) else {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn at(xds: Upstream, admin: Admin) -> Value {
        Bootstrap {
            node_id: "mesh/demo/virtualNode/blue".to_owned(),
            wiring: NodeMetadata::transparent_proxy(),
            xds,
            protocol: XdsProtocol::Delta,
            admin,
            sds: None,
            dns_servers: Vec::new(),
        }
        .to_json()
    }

    #[test]
    fn a_control_plane_is_found_at_an_address_or_by_a_name() {
        let admin = Admin::Socket("admin.sock".into());
        let address = SocketAddr::from(([127, 0, 0, 1], 18000));
        let found = at(address.into(), admin.clone());
        assert_eq!(found["static_resources"]["clusters"][0]["type"], "STATIC");
        let name = "mesh-control.appmesh".to_owned();
        let found = at(Upstream::Host { name, port: 18000 }, admin);
        let cluster = &found["static_resources"]["clusters"][0];
        assert_eq!(cluster["type"], "STRICT_DNS");
        let endpoint = &cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
        let expected = json!({"socket_address": {"address": "mesh-control.appmesh", "port_value": 18000}});
        assert_eq!(endpoint["address"], expected);
    }

    #[test]
    fn an_admin_page_on_a_socket_is_for_its_owner_alone() {
        let xds = Upstream::from(SocketAddr::from(([127, 0, 0, 1], 18000)));
        let found = at(xds.clone(), Admin::Socket("admin.sock".into()));
        assert_eq!(
            found["admin"]["address"],
            json!({"pipe": {"path": "admin.sock", "mode": 0o600}})
        );
        let found = at(xds, Admin::Address(([127, 0, 0, 1], 9901).into()));
        let expected = json!({"socket_address": {"address": "127.0.0.1", "port_value": 9901}});
        assert_eq!(found["admin"]["address"], expected);
    }
}
