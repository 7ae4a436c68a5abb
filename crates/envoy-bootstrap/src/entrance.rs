//! Bootstrap of an Envoy that only passes connections on, from a network of this machine to Unix sockets.
//!
//! An Envoy in a network namespace cannot listen outside of it, and Unix sockets are not part of a network. The address of
//! each client is passed on with the PROXY protocol.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::metadata::Entrance;

/// The bootstrap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntranceBootstrap {
    /// The socket of its admin interface.
    pub admin: PathBuf,
    /// Loopback ports, each with the socket to which its connections go.
    pub entrances: Vec<Entrance>,
}

impl EntranceBootstrap {
    /// The bootstrap file.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let listeners: Vec<Value> = self.entrances.iter().map(listener).collect();
        let clusters: Vec<Value> = self.entrances.iter().map(cluster).collect();
        json!({
            "admin": {"address": {"pipe": {"path": self.admin.display().to_string()}}},
            "static_resources": {"listeners": listeners, "clusters": clusters},
        })
    }
}

fn name(entrance: &Entrance) -> String {
    format!("entrance/{}", entrance.port)
}

fn listener(entrance: &Entrance) -> Value {
    json!({
        "name": name(entrance),
        "address": {"socket_address": {"address": Ipv4Addr::LOCALHOST, "port_value": entrance.port}},
        "filter_chains": [{"filters": [{
            "name": "envoy.filters.network.tcp_proxy",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
                "stat_prefix": name(entrance).replace('/', "."),
                "cluster": name(entrance),
                // The Envoy behind it has an idle timeout.
                "idle_timeout": "0s",
            },
        }]}],
    })
}

fn cluster(entrance: &Entrance) -> Value {
    json!({
        "name": name(entrance),
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": name(entrance),
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"pipe": {"path": entrance.socket}}}}]}],
        },
        "transport_socket": {
            "name": "envoy.transport_sockets.upstream_proxy_protocol",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport",
                "config": {"version": "V2"},
                "transport_socket": {
                    "name": "envoy.transport_sockets.raw_buffer",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer",
                    },
                },
            },
        },
    })
}
