//! How the parts of a task are connected on AWS: which ports its Envoy listens on, which its applications, and what they
//! are told of each other.
//!
//! | | explicit, the default | intercepted |
//! |---|---|---|
//! | others call | Envoy, at the virtual node's port | the virtual node's port, and are redirected to Envoy at 15000 |
//! | the application listens | at another port, on loopback | at the virtual node's port |
//! | the application calls | Envoy, at 127.0.0.1:15001 | anybody, and is redirected to Envoy at 15001 |
//!
//! The other port is the virtual node's and 10000 more, or less where that would be too high; if something of the task
//! has it already, the next that is free.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use cfn::{Value, ecs};
use envoy_bootstrap::{
    Admin, ApiType, Bootstrap, EGRESS_PORT, INGRESS_PORT, MeshwrightMetadata, NodeMetadata, Upstream, egress_listener,
    ingress_listener, tcp_egress_listener,
};
use mesh_model::app_mesh::PortMapping as MeshPort;
use sidecar_contract::{Diagnostics, MeshSuffixes, environment as variables};

use super::envoy::{ENVOY_CONTAINER, Envoy, SIDECAR_USER};
use crate::constructs::{Container, ControlPlaneHandle, PortMapping, TaskDefinition};

/// Envoy's admin page, which App Mesh had at the same port.
const ADMIN_PORT: u16 = 9901;
/// How far an application's port is from the one that its Envoy has taken.
const DISTANCE: u16 = 10_000;
/// Where on AWS a task gets its credentials and its metadata: App Mesh's guides let such calls pass.
const LINK_LOCAL: &str = "169.254.170.2,169.254.169.254";
/// SSH, whose server speaks first: as App Mesh's guides have it.
const IGNORED_PORTS: &str = "22";

impl Envoy {
    /// How the task of this Envoy is connected. Notes what keeps it from being.
    pub(super) fn wiring(&self, task: &TaskDefinition, path: &str, diagnostics: &mut Diagnostics) -> NodeMetadata {
        self.refuse_own_ports(path, diagnostics);
        // A mesh that prefers IPv6 would make it `::1`, where containers are not told to listen.
        let app_address = self.is_sidecar().then_some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        if self.is_intercepted {
            let mut wiring = NodeMetadata::transparent_proxy();
            wiring.extension.app_address = app_address;
            return wiring;
        }
        let mut taken: BTreeSet<u16> = self.ports().chain([ADMIN_PORT, INGRESS_PORT, EGRESS_PORT]).collect();
        let mappings = task.containers().iter().flat_map(Container::ports);
        taken.extend(mappings.map(PortMapping::container_port));
        let app_ports = match self.is_sidecar() {
            true => self.move_ports(task, &mut taken, path, diagnostics),
            false => BTreeMap::new(),
        };
        let ingress = self.ports().map(|port| (ingress_listener(&port.to_string()), port));
        let mut listeners: BTreeMap<String, u16> = ingress.chain([(egress_listener(), EGRESS_PORT)]).collect();
        for (name, port) in &self.tcp_backends {
            let at = free_port(EGRESS_PORT, &taken);
            taken.insert(at);
            listeners.insert(tcp_egress_listener(name, *port), at);
        }
        NodeMetadata {
            listener_ports: listeners,
            extension: MeshwrightMetadata {
                // Nobody but tasks of the same network, and the load balancer, can come that far.
                ingress_address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                app_ports,
                app_address,
                ..MeshwrightMetadata::default()
            },
        }
    }

    /// Tells the applications of a task about their Envoy.
    pub(super) fn tell(
        &self,
        task: TaskDefinition,
        wiring: &NodeMetadata,
        control_plane: &ControlPlaneHandle,
    ) -> TaskDefinition {
        let mut told = Vec::new();
        if self.is_intercepted {
            told.push((variables::TRAFFIC_MODE, variables::TRANSPARENT_PROXY.to_owned()));
        } else {
            told.push((variables::EGRESS, format!("127.0.0.1:{EGRESS_PORT}")));
            let tcp = self.tcp_backends.iter().filter_map(|(name, port)| {
                let at = wiring.listener_ports.get(&tcp_egress_listener(name, *port))?;
                Some(format!("{name}:{port}=127.0.0.1:{at}"))
            });
            let tcp: Vec<String> = tcp.collect();
            if !tcp.is_empty() {
                told.push((variables::TCP_EGRESS, tcp.join(",")));
            }
        }
        told.push((variables::SUFFIXES, self.suffixes(control_plane).to_string()));
        told.push((variables::READY, format!("http://127.0.0.1:{ADMIN_PORT}/ready")));
        task.map_containers(|container| {
            let container = moved(container, &wiring.extension.app_ports).listening_at("127.0.0.1");
            told.iter().fold(container, |container, (name, value)| {
                container.with_variable_unless_set(name, value)
            })
        })
    }

    fn ports(&self) -> impl Iterator<Item = u16> {
        self.listeners.iter().map(|listener| listener.port)
    }

    /// Notes listeners that are where Envoy has something else.
    fn refuse_own_ports(&self, path: &str, diagnostics: &mut Diagnostics) {
        for port in self
            .ports()
            .filter(|port| [ADMIN_PORT, INGRESS_PORT, EGRESS_PORT].contains(port))
        {
            let name = &self.path.name;
            diagnostics.add(
                path,
                format!("`{name}` listens on port {port}, which its Envoy has for itself; choose another one"),
            );
        }
    }

    /// Where applications are to listen instead of the ports that the Envoy takes. Notes those that cannot be told, and
    /// listeners that nobody is behind: such an Envoy would call itself.
    fn move_ports(
        &self,
        task: &TaskDefinition,
        taken: &mut BTreeSet<u16>,
        path: &str,
        diagnostics: &mut Diagnostics,
    ) -> BTreeMap<u16, u16> {
        let mut app_ports = BTreeMap::new();
        for port in self.ports() {
            let mut mappings = task.containers().iter().flat_map(Container::ports);
            let Some(mapping) = mappings.find(|mapping| mapping.container_port() == port) else {
                let name = &self.path.name;
                diagnostics.add(
                    path,
                    format!(
                        "none has the port {port}, on which `{name}` listens; give the one that does a port mapping"
                    ),
                );
                continue;
            };
            if mapping.variable().is_none() {
                diagnostics.add(
                    path,
                    format!(
                        "nothing tells the container its port {port}, and here it has to be another one: the Envoy beside \
                         it listens there. Say which variable holds it with PortMapping::with_port_variable, or have \
                         connections redirected with Service::with_transparent_proxy"
                    ),
                );
            }
            let at = other_port(port, taken);
            taken.insert(at);
            app_ports.insert(port, at);
        }
        app_ports
    }

    /// The names that are called through it: those of the namespace that its control plane is in, and backends elsewhere.
    fn suffixes(&self, control_plane: &ControlPlaneHandle) -> MeshSuffixes {
        let own = MeshSuffixes::new([control_plane.namespace()]);
        let elsewhere = self.backends.iter().filter(|backend| !own.contains(backend));
        MeshSuffixes::new(elsewhere.map(String::as_str).chain([control_plane.namespace()]))
    }
}

fn other_port(port: u16, taken: &BTreeSet<u16>) -> u16 {
    free_port(
        port.checked_add(DISTANCE).unwrap_or(port.saturating_sub(DISTANCE)),
        taken,
    )
}

/// The first free port from `first` on; beyond the last it goes on with the first that anybody may have.
fn free_port(first: u16, taken: &BTreeSet<u16>) -> u16 {
    let mut ports = (first..=u16::MAX).chain(1024..first);
    ports.find(|port| !taken.contains(port)).unwrap_or(first)
}

/// The container, told where its ports are now.
fn moved(container: Container, app_ports: &BTreeMap<u16, u16>) -> Container {
    let told: Vec<(String, u16)> = container
        .ports()
        .iter()
        .filter_map(|port| Some((port.variable()?.to_owned(), *app_ports.get(&port.container_port())?)))
        .collect();
    told.into_iter().fold(container, |container, (variable, port)| {
        container.with_variable_set(&variable, port.to_string())
    })
}

/// What the Envoy starts from, in one line.
pub(super) fn bootstrap(envoy: &Envoy, control_plane: &ControlPlaneHandle, wiring: NodeMetadata) -> String {
    let bootstrap = Bootstrap {
        node_id: envoy.path.to_string(),
        metadata: wiring,
        xds: Upstream::Host {
            name: control_plane.host(),
            port: control_plane.port(),
        },
        api_type: ApiType::DeltaGrpc,
        admin: Admin::Address((Ipv4Addr::LOCALHOST, ADMIN_PORT).into()),
        sds: envoy.sds.as_ref().map(PathBuf::from),
        dns_servers: Vec::new(),
    };
    bootstrap.to_json().to_string()
}

/// Source: App Mesh user guide, "Getting started with AWS App Mesh and Amazon ECS", and ECS API reference,
/// `ProxyConfiguration` (both read 2026-11-23).
pub(super) fn proxy_configuration(listeners: &[MeshPort]) -> ecs::ProxyConfiguration {
    let ports: Vec<String> = listeners.iter().map(|listener| listener.port.to_string()).collect();
    let properties = [
        ("IgnoredUID", SIDECAR_USER.to_owned()),
        ("ProxyIngressPort", INGRESS_PORT.to_string()),
        ("ProxyEgressPort", EGRESS_PORT.to_string()),
        ("AppPorts", ports.join(",")),
        ("EgressIgnoredIPs", LINK_LOCAL.to_owned()),
        ("EgressIgnoredPorts", IGNORED_PORTS.to_owned()),
    ];
    ecs::ProxyConfiguration {
        kind: Some(Value::from("APPMESH")),
        container_name: Value::from(ENVOY_CONTAINER),
        proxy_configuration_properties: properties
            .into_iter()
            .map(|(name, value)| ecs::KeyValuePair {
                name: Value::from(name),
                value: Value::Known(value),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_gets_a_port_that_nobody_has() {
        for (port, taken, expected) in [
            (80, &[][..], 10_080),
            (5001, &[15_001], 15_002),
            (60_000, &[], 50_000),
            (55_535, &[65_535], 1024),
        ] {
            assert_eq!(other_port(port, &taken.iter().copied().collect()), expected, "{port}");
        }
    }
}
