//! Where the listeners of one task are, and where its application listens.
//!
//! The control plane keeps no list of tasks. Each Envoy says in its node metadata what is particular to its
//! task, so that any copy of the control plane can configure it, on AWS as on a laptop.
//!
//! The listeners' ports travel under the key that the Service Connect agent uses; what that agent has no key
//! for travels under [`MESHWRIGHT_KEY`].

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Node, NodeError};

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

/// The name of the listener that takes requests for the port mapping `port_name`.
#[must_use]
pub fn ingress_listener(port_name: &str) -> String {
    format!("ingress-{port_name}")
}

/// The name of the listener behind which a TCP endpoint is reached. TCP carries no Host, so each has its own.
#[must_use]
pub fn tcp_egress_listener(dns_name: &str, port: u16) -> String {
    format!("egress-{dns_name}-{port}")
}

/// Where one task's listeners are, and where its application listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wiring {
    /// The port of each listener, by the names above.
    pub listeners: BTreeMap<String, u16>,
    /// What is ours to say.
    pub own: OwnWiring,
}

/// The part of the wiring under [`MESHWRIGHT_KEY`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnWiring {
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
    /// A file to which requests that ask for it are written as a [`crate::hop::Hop`]. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hops: Option<String>,
}

impl Default for OwnWiring {
    fn default() -> Self {
        Self {
            task: None,
            ingress_address: loopback(),
            app_ports: BTreeMap::new(),
            hops: None,
        }
    }
}

fn loopback() -> IpAddr {
    IpAddr::V4(Ipv4Addr::LOCALHOST)
}

impl Wiring {
    /// Reads the wiring from what an Envoy said of itself.
    ///
    /// # Errors
    ///
    /// If the listeners' ports are missing, or either part has another form.
    pub fn from_node(node: &Node) -> Result<Self, NodeError> {
        let own = match node.metadata.get(MESHWRIGHT_KEY) {
            Some(value) => read(MESHWRIGHT_KEY, value)?,
            None => OwnWiring::default(),
        };
        let listeners = node
            .metadata
            .get(LISTENER_PORTS_KEY)
            .ok_or_else(|| NodeError::Metadata {
                key: LISTENER_PORTS_KEY,
                reason: "it is missing".to_owned(),
            })?;
        Ok(Self {
            listeners: read(LISTENER_PORTS_KEY, listeners)?,
            own,
        })
    }

    /// The metadata from which [`Wiring::from_node`] reads the same wiring.
    #[must_use]
    pub fn to_metadata(&self) -> Value {
        json!({ LISTENER_PORTS_KEY: self.listeners, MESHWRIGHT_KEY: self.own })
    }

    /// Where the application listens for what its task definition calls `container_port`.
    #[must_use]
    pub fn app_port(&self, container_port: u16) -> u16 {
        self.own
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
        let wiring = Wiring {
            listeners: BTreeMap::from([(egress_listener(), 40001), (ingress_listener("http"), 40002)]),
            own: OwnWiring {
                task: Some("blue/1".to_owned()),
                app_ports: BTreeMap::from([(3000, 40003)]),
                hops: Some("hops.log".to_owned()),
                ..OwnWiring::default()
            },
        };
        let read = Wiring::from_node(&node(wiring.to_metadata())).unwrap();
        assert_eq!(read, wiring);
        assert_eq!((read.app_port(3000), read.app_port(80)), (40003, 80));
    }

    #[test]
    fn mistakes_name_their_key() {
        let missing = Wiring::from_node(&node(json!({}))).unwrap_err().to_string();
        assert_eq!(
            missing,
            format!("the node metadata `{LISTENER_PORTS_KEY}` cannot be used: it is missing")
        );
        let wrong = Wiring::from_node(&node(json!({ LISTENER_PORTS_KEY: {"egress": 70000} })));
        assert!(wrong.unwrap_err().to_string().contains("70000"));
    }
}
