//! The bootstrap file: node, control plane, admin page. Everything else comes over ADS.
//!
//! The file follows that of the App Mesh agent (`initial_fetch_timeout` 0: without a control plane, Envoy waits instead
//! of starting empty), with two differences: the gRPC client is Envoy's own instead of Google's, and the admin page is
//! not on all interfaces but on a Unix socket with mode 0600 or a loopback port.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use mesh_model::app_mesh::Kind;
use serde_json::{Value, json};

use crate::api_type::ApiType;
use crate::call_statistics;
use crate::identity::Identity;
use crate::metadata::NodeMetadata;
use crate::xds_security::XdsSecurity;

/// Cluster name of the secret discovery service (SDS) beside an Envoy. Source: the App Mesh agent (read
/// 2026-11-23).
pub const SDS_CLUSTER: &str = "static_cluster_sds_unix_socket";

/// Cluster name of the control plane.
const XDS_CLUSTER: &str = "xds";

/// Cluster name of the ADS server that stands in for the control plane.
const FAILOVER_CLUSTER: &str = "xds_failover";

/// The pause before Envoy connects to a lost control plane again: from the first to the longest, with jitter. Envoy's
/// default grows to 30 s; most of the time after an outage would be spent in it.
const RECONNECT_BASE: &str = "0.5s";
const RECONNECT_MAX: &str = "2s";

/// Cluster name of the span collector.
pub const COLLECTOR_CLUSTER: &str = "collector";

/// Maximum program size of a regular expression, as the App Mesh agent set it (`envoy_bootstrap.go`, read 2026-11-23) and
/// as the model checks it. Envoy's default is 100.
const MAX_PROGRAM_SIZE: u32 = 1000;
/// Spans are flushed after 50 ms, or as soon as there are 100, so that the trace of a request can be shown at once. By
/// default a span waits up to 5 s for four others. Source: Envoy, `source/extensions/tracers/opentelemetry/tracer.cc` (read
/// 2026-11-23).
const SPAN_FLUSH_INTERVAL_MS: u32 = 50;
const SPAN_FLUSH_COUNT: u32 = 100;

/// The first text of a bootstrap that is the same for the Envoys of a mesh: the second half of the stats tags. Names cannot
/// contain it, because quotes are escaped in a string.
const FIRST_SHARED: &str = r#",{"tag_name":"appmesh.listener_protocol""#;

/// The content of an Envoy's bootstrap file.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// The node id ([`Identity`]).
    pub node_id: String,
    /// The node metadata: listener ports, application ports, traffic mode.
    pub metadata: NodeMetadata,
    /// The address of the control plane.
    pub xds: Upstream,
    /// TLS and token for the control plane. Default: neither.
    pub xds_security: XdsSecurity,
    /// An ADS server on this machine without TLS, for while the control plane does not answer: an agent with stored
    /// configurations. Envoy stays with it until it ends the stream. Default: none.
    pub failover: Option<SocketAddr>,
    /// The xDS protocol.
    pub api_type: ApiType,
    /// The address of the admin page.
    pub admin: Admin,
    /// Unix socket of the SDS server for certificates of virtual nodes and gateways. Default: none. App Mesh's agent: `APPMESH_SDS_SOCKET_PATH`.
    pub sds: Option<PathBuf>,
    /// The DNS servers for host names of virtual nodes. Default, if empty: those of the machine.
    pub dns_servers: Vec<SocketAddr>,
    /// Whether call statistics of the virtual nodes that this Envoy calls are sent to the control plane, for canary
    /// analysis: requests, errors and latency, every 5 s (Envoy's default flush interval). Otherwise statistics are
    /// flushed every second, for a reader of the admin page.
    pub reports_calls: bool,
}

/// The address of a control plane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    /// An IP address.
    Address(SocketAddr),
    /// All addresses of a DNS name, resolved again at the end of their TTL and at least every 5 s, so that replicas may
    /// be added and removed. Source: Envoy, `dns_refresh_rate` (read 2026-11-23).
    Host {
        /// The absolute name.
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

/// The address of an Envoy's admin page. It allows to stop the Envoy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admin {
    /// A Unix socket with mode 0600.
    Socket(PathBuf),
    /// An address. On loopback, every container of the task can connect.
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
    /// The file as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let over_ads = json!({"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"});
        let mut bootstrap = json!({
            "node": {
                "id": self.node_id,
                "cluster": self.node_id,
                "metadata": self.metadata.to_metadata(),
            },
            // What differs between the Envoys of a mesh comes first, see `split_shared`.
            "stats_config": {"stats_tags": self.stats_tags()},
            "admin": {"address": self.admin.to_json()},
            "dynamic_resources": {
                "ads_config": {
                    "api_type": self.api_type.as_str(),
                    "transport_api_version": "V3",
                    "set_node_on_first_message_only": true,
                    "grpc_services": self.ads_services(),
                },
                "cds_config": over_ads,
                "lds_config": over_ads,
            },
            "static_resources": {"clusters": self.clusters()},
            // Without a limit Envoy warns at every start. The value is that of Envoy's guide for edge proxies (read
            // 2026-11-23).
            "overload_manager": {"resource_monitors": [{
                "name": "envoy.resource_monitors.global_downstream_max_connections",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                    "max_active_downstream_connections": 50_000,
                },
            }]},
        });
        if self.reports_calls && self.xds_security.has_identity() {
            // In the part of its own Envoy, see `split_shared`.
            let sink = call_statistics::sink(XDS_CLUSTER, Some(&self.node_id));
            if let Some(fields) = bootstrap.as_object_mut() {
                fields.shift_insert(1, "stats_sinks".to_owned(), json!([sink]));
            }
        } else if self.reports_calls {
            bootstrap["stats_sinks"] = json!([call_statistics::sink(XDS_CLUSTER, None)]);
        } else {
            // Histograms are updated at each flush. The default of 5 s is too long for an analysis on one machine.
            bootstrap["stats_flush_interval"] = "1s".into();
        }
        bootstrap["layered_runtime"] = self.runtime();
        if !self.dns_servers.is_empty() {
            bootstrap["typed_dns_resolver_config"] = self.dns_resolver();
        }
        bootstrap
    }

    /// Splits the text of a bootstrap into the part of its own Envoy and the rest, which other Envoys of the mesh have as well.
    /// `None` for an Envoy outside of App Mesh's model, or another text.
    #[must_use]
    pub fn split_shared(text: &str) -> Option<(&str, &str)> {
        text.find(FIRST_SHARED).map(|at| text.split_at(at))
    }

    /// The ADS servers, the preferred one first.
    fn ads_services(&self) -> Vec<Value> {
        let service = |cluster: &str| {
            json!({"envoy_grpc": {
                "cluster_name": cluster,
                "retry_policy": {"retry_back_off": {"base_interval": RECONNECT_BASE, "max_interval": RECONNECT_MAX}},
            }})
        };
        let failover = self.failover.map(|_| service(FAILOVER_CLUSTER));
        std::iter::once(service(XDS_CLUSTER)).chain(failover).collect()
    }

    /// Runtime values. Those set on the admin page take precedence.
    fn runtime(&self) -> Value {
        let mut layer = json!({"re2.max_program_size.error_level": MAX_PROGRAM_SIZE});
        if self.failover.is_some() {
            layer["envoy.restart_features.xds_failover_support"] = true.into();
        }
        if self.metadata.extension.collector.is_some() {
            layer["tracing.opentelemetry.flush_interval_ms"] = SPAN_FLUSH_INTERVAL_MS.into();
            layer["tracing.opentelemetry.min_flush_spans"] = SPAN_FLUSH_COUNT.into();
        }
        json!({"layers": [{"name": "own", "static_layer": layer}, {"name": "admin", "admin_layer": {}}]})
    }

    fn clusters(&self) -> Vec<Value> {
        let sds = self.sds.as_ref().map(|socket| sds_cluster(socket));
        // Detects a lost control plane within 30 s.
        let keepalive = json!({"connection_keepalive": {"interval": "10s", "timeout": "20s"}});
        let collector = self.metadata.extension.collector;
        let mut xds = grpc_cluster(XDS_CLUSTER, &self.xds.to_json(), keepalive);
        xds["type"] = self.xds.cluster_type().into();
        self.xds_security.apply(&mut xds);
        let failover = self
            .failover
            .map(|at| grpc_cluster(FAILOVER_CLUSTER, &socket_address(at), json!({})));
        std::iter::once(xds)
            .chain(failover)
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
                // Names are absolute; search domains would only add queries.
                "dns_resolver_options": {"no_default_search_domain": true},
            },
        })
    }

    /// The stats tags of the App Mesh agent, for existing dashboards. Source: the agent's `envoy_bootstrap.go`, which has
    /// the last two and, with `ENABLE_ENVOY_STATS_TAGS`, the first two (read 2026-11-23).
    fn stats_tags(&self) -> Vec<Value> {
        let Ok(Identity::MeshNode(path)) = Identity::parse(&self.node_id) else {
            return Vec::new();
        };
        let node_tag = match path.kind {
            Kind::VirtualGateway => "appmesh.virtual_gateway",
            _ => "appmesh.virtual_node",
        };
        vec![
            json!({"tag_name": "appmesh.mesh", "fixed_value": path.mesh}),
            json!({"tag_name": node_tag, "fixed_value": path.name}),
            json!({"tag_name": "appmesh.listener_protocol", "regex": r".*?\.ingress\.((\w+?)\.)[0-9]+?\.(.+?)$"}),
            json!({"tag_name": "appmesh.listener_port", "regex": r".*?\.ingress\.\w+?\.(([0-9]+?)\.)(.+?)$"}),
        ]
    }
}

/// The SDS cluster, named as by App Mesh's agent.
fn sds_cluster(socket: &Path) -> Value {
    grpc_cluster(SDS_CLUSTER, &json!({"pipe": {"path": socket}}), json!({}))
}

fn socket_address(at: SocketAddr) -> Value {
    json!({"socket_address": {"address": at.ip().to_string(), "port_value": at.port()}})
}

/// A gRPC cluster with one address.
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

    fn bootstrap(xds: Upstream, admin: Admin) -> Value {
        Bootstrap {
            node_id: "mesh/demo/virtualNode/blue".to_owned(),
            metadata: NodeMetadata::transparent_proxy(),
            xds,
            xds_security: XdsSecurity::default(),
            failover: None,
            api_type: ApiType::DeltaGrpc,
            admin,
            sds: None,
            dns_servers: Vec::new(),
            reports_calls: true,
        }
        .to_json()
    }

    #[test]
    fn the_xds_cluster_is_static_for_an_address_and_strict_dns_for_a_name() {
        let admin = Admin::Socket("admin.sock".into());
        let address = SocketAddr::from(([127, 0, 0, 1], 18000));
        let json = bootstrap(address.into(), admin.clone());
        assert_eq!(json["static_resources"]["clusters"][0]["type"], "STATIC");
        let name = "mesh-control.appmesh".to_owned();
        let json = bootstrap(Upstream::Host { name, port: 18000 }, admin);
        let cluster = &json["static_resources"]["clusters"][0];
        assert_eq!(cluster["type"], "STRICT_DNS");
        let endpoint = &cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"];
        let expected = json!({"socket_address": {"address": "mesh-control.appmesh", "port_value": 18000}});
        assert_eq!(endpoint["address"], expected);
    }

    #[test]
    fn envoys_of_a_mesh_differ_in_the_first_part_only() {
        let text = |node: &str| {
            Bootstrap {
                reports_calls: false,
                node_id: node.to_owned(),
                metadata: NodeMetadata::transparent_proxy(),
                xds: SocketAddr::from(([127, 0, 0, 1], 18000)).into(),
                xds_security: XdsSecurity::default(),
                failover: None,
                api_type: ApiType::DeltaGrpc,
                admin: Admin::Socket("admin.sock".into()),
                sds: None,
                dns_servers: Vec::new(),
            }
            .to_json()
            .to_string()
        };
        let (blue, green) = (
            text("mesh/demo/virtualNode/blue"),
            text("mesh/demo/virtualGateway/green"),
        );
        let (own, shared) = Bootstrap::split_shared(&blue).expect("two parts");
        let (other, same) = Bootstrap::split_shared(&green).expect("two parts");
        assert_eq!(shared, same);
        assert!(own.len() < shared.len() && own.contains("blue") && other.contains("green"));
        assert!(!shared.contains("blue") && !shared.contains("demo"), "{shared}");
        assert_eq!(Bootstrap::split_shared(&text("outside of a mesh")), None);
    }

    #[test]
    fn an_envoy_with_an_identity_names_its_node_in_its_own_part() {
        let text = |node: &str, token: Option<&str>| {
            Bootstrap {
                reports_calls: true,
                node_id: node.to_owned(),
                metadata: NodeMetadata::transparent_proxy(),
                xds: SocketAddr::from(([127, 0, 0, 1], 18000)).into(),
                failover: None,
                xds_security: XdsSecurity {
                    tls: None,
                    token: token.map(Into::into),
                },
                api_type: ApiType::DeltaGrpc,
                admin: Admin::Socket("admin.sock".into()),
                sds: None,
                dns_servers: Vec::new(),
            }
            .to_json()
            .to_string()
        };
        let (blue, green) = ("mesh/demo/virtualNode/blue", "mesh/demo/virtualNode/green");
        for token in [None, Some("/run/token.json")] {
            let (blue, green) = (text(blue, token), text(green, token));
            let (own, shared) = Bootstrap::split_shared(&blue).expect("two parts");
            let (_, same) = Bootstrap::split_shared(&green).expect("two parts");
            assert_eq!(shared, same);
            assert_eq!(own.contains("x-meshwright-node"), token.is_some());
        }
    }

    #[test]
    fn the_admin_socket_has_mode_0600() {
        let xds = Upstream::from(SocketAddr::from(([127, 0, 0, 1], 18000)));
        let json = bootstrap(xds.clone(), Admin::Socket("admin.sock".into()));
        assert_eq!(
            json["admin"]["address"],
            json!({"pipe": {"path": "admin.sock", "mode": 0o600}})
        );
        let json = bootstrap(xds, Admin::Address(([127, 0, 0, 1], 9901).into()));
        let expected = json!({"socket_address": {"address": "127.0.0.1", "port_value": 9901}});
        assert_eq!(json["admin"]["address"], expected);
    }
}
