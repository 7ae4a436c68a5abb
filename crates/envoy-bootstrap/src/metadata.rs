//! Node metadata: listener ports, application ports and traffic mode of one task.
//!
//! The control plane keeps no list of tasks: each Envoy sends what is specific to its task, so any replica of the control
//! plane can configure it, on AWS as on a laptop.
//!
//! Listener ports have the key of the Service Connect agent; everything else is under [`MESHWRIGHT_KEY`]. App Mesh's agent
//! sends neither, see [`NodeMetadata::transparent_proxy`].

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::identity::NodeError;

/// The metadata key of the listener ports: `{"egress": 40001, "ingress-http": 40002}`. Source: the Service
/// Connect agent, `APPNET_LISTENER_PORT_MAPPING` (read 2026-11-23).
pub const LISTENER_PORTS_KEY: &str = "aws.ecs.serviceconnect.ListenerPortMapping";

/// The metadata key of our extension, [`MeshwrightMetadata`].
pub const MESHWRIGHT_KEY: &str = "meshwright";

/// The name of the listener for calls of the application.
#[must_use]
pub fn egress_listener() -> String {
    "egress".to_owned()
}

/// The name of the listener for requests to the port mapping `port_name`; for a virtual node or gateway, to the listener
/// with that port number.
#[must_use]
pub fn ingress_listener(port_name: &str) -> String {
    format!("ingress-{port_name}")
}

/// The name of the listener for calls to a TCP service. TCP has no Host header, so each service has its own listener.
#[must_use]
pub fn tcp_egress_listener(dns_name: &str, port: u16) -> String {
    format!("egress-{dns_name}-{port}")
}

/// The name of the listener to which a transparent proxy's inbound traffic is redirected.
pub const TRANSPARENT_INGRESS: &str = "ingress";

/// The port to which App Mesh redirected inbound traffic. Source: App Mesh user guide, "Getting started
/// with AWS App Mesh and Amazon ECS" (read 2026-11-23), as for [`EGRESS_PORT`].
pub const INGRESS_PORT: u16 = 15000;

/// The port to which App Mesh redirected outbound traffic.
pub const EGRESS_PORT: u16 = 15001;

/// The node metadata of one task's Envoy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeMetadata {
    /// The port of each listener, by the names above. A transparent proxy of App Mesh has two: [`egress_listener`] and
    /// [`TRANSPARENT_INGRESS`].
    pub listener_ports: BTreeMap<String, u16>,
    /// Our extension.
    pub extension: MeshwrightMetadata,
}

/// The node metadata under [`MESHWRIGHT_KEY`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeshwrightMetadata {
    /// The task's name, for the status page and spans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The address that ingress listeners bind. Default, decided here: `127.0.0.1`, so that nothing listens
    /// beyond loopback unless configured; a task with its own address sets `0.0.0.0`.
    #[serde(default = "loopback")]
    pub ingress_address: IpAddr,
    /// The port of the application by container port, where they differ.
    #[serde(default)]
    pub app_ports: BTreeMap<u16, u16>,
    /// The address of the application. Default, decided by App Mesh: the loopback address of the
    /// family that its mesh prefers, IPv4's if it prefers none; for Service Connect `127.0.0.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_address: Option<IpAddr>,
    /// Traffic mode: true for a transparent proxy (connections are redirected to the listeners), false for an explicit
    /// proxy. Default: false.
    #[serde(default, rename = "isIntercepted")]
    pub is_transparent_proxy: bool,
    /// The entrances of a load balancer for clients in another network, by listener port.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub entrances: BTreeMap<u16, Entrance>,
    /// Service Connect with a transparent proxy: the virtual IP address of each service in this task, by DNS name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub virtual_addresses: BTreeMap<String, IpAddr>,
    /// File for the access-log entries of sampled requests (`AccessLogEntry` of `mesh-control`). Default: none.
    #[serde(default, rename = "hops", skip_serializing_if = "Option::is_none")]
    pub access_log: Option<String>,
    /// The OTLP/gRPC span collector, without TLS. Default: none, and no request is traced.
    ///
    /// Sampling is parent-based: a request is traced if its `traceparent` is sampled, so ordinary traffic costs no span.
    /// `service.name` is [`MeshwrightMetadata::task`], or else the node id. The bootstrap file must have the collector's
    /// cluster, which [`Bootstrap`](crate::Bootstrap) writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collector: Option<SocketAddr>,
}

/// An entrance to a listener of a load balancer, from another network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entrance {
    /// The Unix socket on which the listener accepts connections with PROXY protocol.
    pub socket: String,
    /// The port that clients use, for redirects to it.
    pub port: u16,
}

impl Default for MeshwrightMetadata {
    fn default() -> Self {
        Self {
            task: None,
            ingress_address: loopback(),
            app_ports: BTreeMap::new(),
            app_address: None,
            is_transparent_proxy: false,
            entrances: BTreeMap::new(),
            virtual_addresses: BTreeMap::new(),
            access_log: None,
            collector: None,
        }
    }
}

fn loopback() -> IpAddr {
    IpAddr::V4(Ipv4Addr::LOCALHOST)
}

impl NodeMetadata {
    /// App Mesh's transparent proxy: all traffic is redirected to an Envoy that listens on [`INGRESS_PORT`] and
    /// [`EGRESS_PORT`] on all addresses of the task.
    #[must_use]
    pub fn transparent_proxy() -> Self {
        Self {
            listener_ports: BTreeMap::from([
                (egress_listener(), EGRESS_PORT),
                (TRANSPARENT_INGRESS.to_owned(), INGRESS_PORT),
            ]),
            extension: MeshwrightMetadata {
                ingress_address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                is_transparent_proxy: true,
                ..MeshwrightMetadata::default()
            },
        }
    }

    /// Parses the metadata of a virtual node or gateway: as [`NodeMetadata::parse`] if either key is there, else
    /// [`NodeMetadata::transparent_proxy`], because App Mesh's agent sends neither.
    ///
    /// # Errors
    ///
    /// As [`NodeMetadata::parse`].
    pub fn parse_mesh_node(node_id: &str, metadata: &Map<String, Value>) -> Result<Self, NodeError> {
        if [LISTENER_PORTS_KEY, MESHWRIGHT_KEY]
            .iter()
            .any(|key| metadata.contains_key(*key))
        {
            Self::parse(node_id, metadata)
        } else {
            Ok(Self::transparent_proxy())
        }
    }

    /// Parses the metadata of the node with this id. The id becomes the name in spans if there is no task name.
    ///
    /// # Errors
    ///
    /// If the listener ports are missing, or either key has an invalid value.
    pub fn parse(node_id: &str, metadata: &Map<String, Value>) -> Result<Self, NodeError> {
        let mut extension: MeshwrightMetadata = match metadata.get(MESHWRIGHT_KEY) {
            Some(value) => read(MESHWRIGHT_KEY, value)?,
            None => MeshwrightMetadata::default(),
        };
        if extension.collector.is_some() {
            extension.task.get_or_insert_with(|| node_id.to_owned());
        }
        let listener_ports = metadata.get(LISTENER_PORTS_KEY).ok_or_else(|| NodeError::Metadata {
            key: LISTENER_PORTS_KEY,
            reason: "it is missing".to_owned(),
        })?;
        Ok(Self {
            listener_ports: read(LISTENER_PORTS_KEY, listener_ports)?,
            extension,
        })
    }

    /// The metadata as JSON, as [`NodeMetadata::parse`] reads them.
    #[must_use]
    pub fn to_metadata(&self) -> Value {
        json!({ LISTENER_PORTS_KEY: self.listener_ports, MESHWRIGHT_KEY: self.extension })
    }

    /// The port of the application for `container_port` of its task definition.
    #[must_use]
    pub fn app_port(&self, container_port: u16) -> u16 {
        self.extension
            .app_ports
            .get(&container_port)
            .copied()
            .unwrap_or(container_port)
    }
}

fn read<T: serde::de::DeserializeOwned>(key: &'static str, value: &Value) -> Result<T, NodeError> {
    T::deserialize(value).map_err(|error| NodeError::Metadata {
        key,
        reason: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(metadata: Value) -> Result<NodeMetadata, NodeError> {
        let Value::Object(metadata) = metadata else {
            panic!("metadata are an object")
        };
        NodeMetadata::parse("n", &metadata)
    }

    #[test]
    fn metadata_round_trip() {
        let metadata = NodeMetadata {
            listener_ports: BTreeMap::from([(egress_listener(), 40001), (ingress_listener("http"), 40002)]),
            extension: MeshwrightMetadata {
                task: Some("blue/1".to_owned()),
                app_ports: BTreeMap::from([(3000, 40003)]),
                access_log: Some("hops.log".to_owned()),
                collector: Some(([127, 0, 0, 1], 4317).into()),
                ..MeshwrightMetadata::default()
            },
        };
        let read = parse(metadata.to_metadata()).unwrap();
        assert_eq!(read, metadata);
        assert_eq!((read.app_port(3000), read.app_port(80)), (40003, 80));
    }

    #[test]
    fn json_keys_are_stable() {
        let extension = MeshwrightMetadata {
            access_log: Some("hops.log".to_owned()),
            ..MeshwrightMetadata::default()
        };
        let written = serde_json::to_value(extension).unwrap();
        let expected = json!({
            "ingressAddress": "127.0.0.1", "appPorts": {}, "isIntercepted": false, "hops": "hops.log"
        });
        assert_eq!(written, expected);
    }

    #[test]
    fn spans_are_named_after_the_node_id_by_default() {
        let mut metadata = NodeMetadata::transparent_proxy();
        assert_eq!(parse(metadata.to_metadata()).unwrap().extension.task, None);
        metadata.extension.collector = Some(([127, 0, 0, 1], 4317).into());
        let read = parse(metadata.to_metadata()).unwrap();
        assert_eq!(read.extension.task.as_deref(), Some("n"));
    }

    #[test]
    fn errors_name_the_key() {
        let missing = parse(json!({})).unwrap_err().to_string();
        assert_eq!(
            missing,
            format!("invalid node metadata `{LISTENER_PORTS_KEY}`: it is missing")
        );
        let wrong = parse(json!({ LISTENER_PORTS_KEY: {"egress": 70000} }));
        assert!(wrong.unwrap_err().to_string().contains("70000"));
    }
}
