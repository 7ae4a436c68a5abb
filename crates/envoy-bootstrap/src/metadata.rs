//! Where the listeners of one task are, and where its application listens.
//!
//! The control plane keeps no list of tasks. Each Envoy says in its node metadata what is particular to its
//! task, so that any copy of the control plane can configure it, on AWS as on a laptop.
//!
//! The listeners' ports travel under the key that the Service Connect agent uses; what that agent has no key
//! for travels under [`MESHWRIGHT_KEY`]. App Mesh's agent sends neither: its tasks are all wired alike, see
//! [`NodeMetadata::transparent_proxy`].

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::identity::{Node, NodeError};

/// The metadata key of the listeners' ports: `{"egress": 40001, "ingress-http": 40002}`. Source: the Service
/// Connect agent, `APPNET_LISTENER_PORT_MAPPING` (read 2026-11-23).
pub const LISTENER_PORTS_KEY: &str = "aws.ecs.serviceconnect.ListenerPortMapping";

/// The metadata key of everything that is ours.
pub const MESHWRIGHT_KEY: &str = "meshwright";

/// The name of the listener that the application's calls go to.
#[must_use]
pub fn egress_listener() -> String {
    "egress".to_owned()
}

/// The name of the listener that takes requests for the port mapping `port_name`; for a virtual node or a virtual
/// gateway, for the listener whose port is `port_name` in digits.
#[must_use]
pub fn ingress_listener(port_name: &str) -> String {
    format!("ingress-{port_name}")
}

/// The name of the listener behind which a TCP endpoint is reached. TCP carries no Host, so each has its own.
#[must_use]
pub fn tcp_egress_listener(dns_name: &str, port: u16) -> String {
    format!("egress-{dns_name}-{port}")
}

/// The name of the listener to which App Mesh's interception redirects everything that comes in.
pub const TRANSPARENT_INGRESS: &str = "ingress";

/// The port to which App Mesh redirected everything that comes in. Source: App Mesh user guide, "Getting started
/// with AWS App Mesh and Amazon ECS" (read 2026-11-23), as for the next one.
pub const INGRESS_PORT: u16 = 15000;

/// The port to which App Mesh redirected everything that goes out.
pub const EGRESS_PORT: u16 = 15001;

/// Where one task's listeners are, and where its application listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeMetadata {
    /// The port of each listener, by the names above. In App Mesh's intercepted wiring there are two:
    /// [`egress_listener`] and [`TRANSPARENT_INGRESS`].
    pub listener_ports: BTreeMap<String, u16>,
    /// What is ours to say.
    pub extension: MeshwrightMetadata,
}

/// The part of the wiring under [`MESHWRIGHT_KEY`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeshwrightMetadata {
    /// The task's name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The address that ingress listeners bind. Default, decided here: `127.0.0.1`, so that nothing listens
    /// beyond loopback unless asked; a task with an address of its own says `0.0.0.0`.
    #[serde(default = "loopback")]
    pub ingress_address: IpAddr,
    /// Where the application really listens, by container port, for those ports that differ.
    #[serde(default)]
    pub app_ports: BTreeMap<u16, u16>,
    /// The address at which the application listens. Default, decided by App Mesh: the loopback address of the
    /// family that its mesh prefers, IPv4's if it prefers none; for Service Connect `127.0.0.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_address: Option<IpAddr>,
    /// Whether connections are redirected to the listeners rather than made to them. Default: they are not.
    #[serde(default, rename = "isIntercepted")]
    pub is_transparent_proxy: bool,
    /// Intercepted Service Connect: the address that each endpoint's name has in this task, by that name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub virtual_addresses: BTreeMap<String, IpAddr>,
    /// A file to which requests that ask for it are written as a `AccessLogEntry` of `mesh-control`. Default: none.
    #[serde(default, rename = "hops", skip_serializing_if = "Option::is_none")]
    pub access_log: Option<String>,
    /// Where spans of requests are sent, by OTLP over gRPC without TLS. Default: nowhere, and no request is traced.
    ///
    /// Of requests that carry a `traceparent`, those are traced whose flags say so, and of others none: whoever calls
    /// decides, and ordinary traffic costs no span. In spans the Envoy is the service called [`MeshwrightMetadata::task`], or,
    /// if that is not said, by its node id. The Envoy's bootstrap file must have the collector's cluster:
    /// [`Bootstrap`](crate::Bootstrap) writes it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collector: Option<SocketAddr>,
}

impl Default for MeshwrightMetadata {
    fn default() -> Self {
        Self {
            task: None,
            ingress_address: loopback(),
            app_ports: BTreeMap::new(),
            app_address: None,
            is_transparent_proxy: false,
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
    /// App Mesh's own wiring: everything that goes in or out is redirected to an Envoy that listens on
    /// [`INGRESS_PORT`] and [`EGRESS_PORT`] on all of the task's addresses.
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

    /// Reads the wiring of a member of a mesh from what its Envoy said of itself: as [`NodeMetadata::from_node`] if it
    /// said anything, else [`NodeMetadata::transparent_proxy`], as App Mesh's agent says nothing.
    ///
    /// # Errors
    ///
    /// If there is a wiring and it has another form.
    pub fn from_mesh_node(node: &Node) -> Result<Self, NodeError> {
        let says = |key| node.metadata.contains_key(key);
        if says(LISTENER_PORTS_KEY) || says(MESHWRIGHT_KEY) {
            Self::from_node(node)
        } else {
            Ok(Self::transparent_proxy())
        }
    }

    /// Reads the wiring from what an Envoy said of itself.
    ///
    /// # Errors
    ///
    /// If the listeners' ports are missing, or either part has another form.
    pub fn from_node(node: &Node) -> Result<Self, NodeError> {
        let mut extension: MeshwrightMetadata = match node.metadata.get(MESHWRIGHT_KEY) {
            Some(value) => read(MESHWRIGHT_KEY, value)?,
            None => MeshwrightMetadata::default(),
        };
        if extension.collector.is_some() {
            extension.task.get_or_insert_with(|| node.id.clone());
        }
        let listeners = node
            .metadata
            .get(LISTENER_PORTS_KEY)
            .ok_or_else(|| NodeError::Metadata {
                key: LISTENER_PORTS_KEY,
                reason: "it is missing".to_owned(),
            })?;
        Ok(Self {
            listener_ports: read(LISTENER_PORTS_KEY, listeners)?,
            extension,
        })
    }

    /// The metadata from which [`NodeMetadata::from_node`] reads the same wiring.
    #[must_use]
    pub fn to_metadata(&self) -> Value {
        json!({ LISTENER_PORTS_KEY: self.listener_ports, MESHWRIGHT_KEY: self.extension })
    }

    /// Where the application listens for what its task definition calls `container_port`.
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

    fn node(metadata: Value) -> Node {
        let Value::Object(metadata) = metadata else {
            panic!("metadata are an object")
        };
        Node {
            id: "n".to_owned(),
            task: None,
            metadata,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let wiring = NodeMetadata {
            listener_ports: BTreeMap::from([(egress_listener(), 40001), (ingress_listener("http"), 40002)]),
            extension: MeshwrightMetadata {
                task: Some("blue/1".to_owned()),
                app_ports: BTreeMap::from([(3000, 40003)]),
                access_log: Some("hops.log".to_owned()),
                collector: Some(([127, 0, 0, 1], 4317).into()),
                ..MeshwrightMetadata::default()
            },
        };
        let read = NodeMetadata::from_node(&node(wiring.to_metadata())).unwrap();
        assert_eq!(read, wiring);
        assert_eq!((read.app_port(3000), read.app_port(80)), (40003, 80));
    }

    #[test]
    fn spans_have_a_name_to_go_by() {
        let mut wiring = NodeMetadata::transparent_proxy();
        assert_eq!(
            NodeMetadata::from_node(&node(wiring.to_metadata()))
                .unwrap()
                .extension
                .task,
            None
        );
        wiring.extension.collector = Some(([127, 0, 0, 1], 4317).into());
        let read = NodeMetadata::from_node(&node(wiring.to_metadata())).unwrap();
        assert_eq!(read.extension.task.as_deref(), Some("n"));
    }

    #[test]
    fn mistakes_name_their_key() {
        let missing = NodeMetadata::from_node(&node(json!({}))).unwrap_err().to_string();
        assert_eq!(
            missing,
            format!("the node metadata `{LISTENER_PORTS_KEY}` cannot be used: it is missing")
        );
        let wrong = NodeMetadata::from_node(&node(json!({ LISTENER_PORTS_KEY: {"egress": 70000} })));
        assert!(wrong.unwrap_err().to_string().contains("70000"));
    }
}
