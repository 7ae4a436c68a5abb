//! The connections between the applications and the Envoy of a task on AWS: listener ports, environment variables,
//! and redirection.
//!
//! | | explicit proxy, the default | transparent proxy |
//! |---|---|---|
//! | clients connect to | Envoy, at the virtual node's port | the virtual node's port, redirected to Envoy at 15000 |
//! | the application listens | on another port, on loopback | on the virtual node's port |
//! | the application connects to | Envoy, at 127.0.0.1:15001 | any address, redirected to Envoy at 15001 |
//!
//! The other port is the virtual node's plus 10000, or minus 10000 where the sum is too high; if it is in use in the
//! task, the next free port.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use cfn::{Value, ecs};
use envoy_bootstrap::{
    Admin, ApiType, Bootstrap, EGRESS_PORT, INGRESS_PORT, MeshwrightMetadata, NodeMetadata, Upstream, egress_listener,
    ingress_listener, tcp_egress_listener,
};
use sidecar_contract::{Diagnostics, MeshSuffixes, environment};

use super::envoy::{ENVOY_USER, Envoy};
use crate::constructs::configuration_store::AGENT_PORTS;
use crate::constructs::otel_collector::GRPC_PORT;
use crate::constructs::task_definition::ENVOY_CONTAINER;
use crate::constructs::xds_access::XdsAccessHandle;
use crate::constructs::{Container, ControlPlaneHandle, PortMapping, TaskDefinition};

/// Envoy's admin port, the same as in App Mesh.
const ADMIN_PORT: u16 = 9901;
/// The distance between the virtual node's port and the application's.
const DISTANCE: u16 = 10_000;
/// The addresses of a task's credentials and metadata: App Mesh's guides exempt them from redirection.
const LINK_LOCAL: &str = "169.254.170.2,169.254.169.254";
/// SSH, whose server sends first: as in App Mesh's guides.
const IGNORED_PORTS: &str = "22";

impl Envoy {
    /// The listener ports and application ports of this Envoy's task. Reports conflicts.
    pub(super) fn node_metadata(
        &self,
        task: &TaskDefinition,
        path: &str,
        diagnostics: &mut Diagnostics,
    ) -> NodeMetadata {
        self.check_reserved_ports(path, diagnostics);
        // In a mesh that prefers IPv6 the default would be `::1`, on which containers do not listen.
        let app_address = self.is_sidecar().then_some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let collector = task.otel_collector().map(|_| (Ipv4Addr::LOCALHOST, GRPC_PORT).into());
        if self.is_transparent_proxy {
            let mut metadata = NodeMetadata::transparent_proxy();
            metadata.extension.app_address = app_address;
            metadata.extension.collector = collector;
            return metadata;
        }
        let mut taken: BTreeSet<u16> = self.ports().chain(self.reserved_ports()).collect();
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
                // Security groups allow only tasks of the same network and the load balancer.
                ingress_address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                app_ports,
                app_address,
                collector,
                ..MeshwrightMetadata::default()
            },
        }
    }

    /// Sets the environment variables and ports of the applications of a task.
    pub(super) fn configure_applications(
        &self,
        task: TaskDefinition,
        metadata: &NodeMetadata,
        control_plane: &ControlPlaneHandle,
    ) -> TaskDefinition {
        let mut variables = Vec::new();
        if self.is_transparent_proxy {
            variables.push((environment::TRAFFIC_MODE, environment::TRANSPARENT_PROXY.to_owned()));
        } else {
            variables.push((environment::EGRESS, format!("127.0.0.1:{EGRESS_PORT}")));
            let tcp = self.tcp_backends.iter().filter_map(|(name, port)| {
                let at = metadata.listener_ports.get(&tcp_egress_listener(name, *port))?;
                Some(format!("{name}:{port}=127.0.0.1:{at}"))
            });
            let tcp: Vec<String> = tcp.collect();
            if !tcp.is_empty() {
                variables.push((environment::TCP_EGRESS, tcp.join(",")));
            }
        }
        variables.push((environment::SUFFIXES, self.suffixes(control_plane).to_string()));
        variables.push((environment::READY, format!("http://127.0.0.1:{ADMIN_PORT}/ready")));
        task.map_containers(|container| {
            let container = with_app_ports(container, &metadata.extension.app_ports).listening_at("127.0.0.1");
            variables.iter().fold(container, |container, (name, value)| {
                container.with_variable_unless_set(name, value)
            })
        })
    }

    fn ports(&self) -> impl Iterator<Item = u16> {
        self.listeners.iter().map(|listener| listener.port)
    }

    /// The ports of the Envoy itself, and of its agent.
    fn reserved_ports(&self) -> impl Iterator<Item = u16> {
        let store = self.control_plane.as_ref().and_then(ControlPlaneHandle::store);
        let agent = store.into_iter().flat_map(|_| AGENT_PORTS);
        [ADMIN_PORT, INGRESS_PORT, EGRESS_PORT].into_iter().chain(agent)
    }

    /// Reports listeners on ports that Envoy uses itself.
    fn check_reserved_ports(&self, path: &str, diagnostics: &mut Diagnostics) {
        for port in self
            .ports()
            .filter(|port| self.reserved_ports().any(|reserved| reserved == *port))
        {
            let name = &self.path.name;
            diagnostics.add(
                path,
                format!("`{name}` listens on port {port}, which is reserved for Envoy; choose another port"),
            );
        }
    }

    /// The ports of the applications, by the ports that the Envoy uses instead. Reports ports that cannot be changed,
    /// and listeners without an application: such an Envoy would call itself.
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
                    format!("no container has the port {port} of `{name}`; add a port mapping to a container"),
                );
                continue;
            };
            if mapping.variable().is_none() {
                diagnostics.add(
                    path,
                    format!(
                        "the container cannot use the port {port}, on which its Envoy listens; set the environment \
                         variable with its port by PortMapping::with_port_variable, or use \
                         Service::with_transparent_proxy"
                    ),
                );
            }
            let at = other_port(port, taken);
            taken.insert(at);
            app_ports.insert(port, at);
        }
        app_ports
    }

    /// The names that are called through the Envoy: those of the control plane's namespace, and other backends.
    fn suffixes(&self, control_plane: &ControlPlaneHandle) -> MeshSuffixes {
        let own = MeshSuffixes::new([control_plane.namespace()]);
        let elsewhere = self.backends.iter().filter(|backend| !own.contains(backend));
        MeshSuffixes::new(elsewhere.map(String::as_str).chain([control_plane.namespace()]))
    }

    /// The bootstrap of the Envoy, in one line.
    pub(super) fn bootstrap(&self, control_plane: &ControlPlaneHandle, metadata: NodeMetadata) -> String {
        let bootstrap = Bootstrap {
            node_id: self.path.to_string(),
            metadata,
            xds: Upstream::Host {
                name: control_plane.host(),
                port: control_plane.port(),
            },
            api_type: ApiType::DeltaGrpc,
            admin: Admin::Address((Ipv4Addr::LOCALHOST, ADMIN_PORT).into()),
            sds: self.sds.as_ref().map(PathBuf::from),
            dns_servers: Vec::new(),
            xds_security: control_plane
                .access()
                .map(XdsAccessHandle::security)
                .unwrap_or_default(),
            failover: control_plane
                .store()
                .map(|_| (Ipv4Addr::LOCALHOST, AGENT_PORTS[0]).into()),
            reports_calls: true,
        };
        bootstrap.to_json().to_string()
    }

    /// The `ProxyConfiguration` by which ECS redirects connections to the Envoy of a virtual node.
    ///
    /// Source: App Mesh user guide, "Getting started with AWS App Mesh and Amazon ECS", and ECS API reference,
    /// `ProxyConfiguration` (both read 2026-11-23).
    pub(in crate::constructs) fn proxy_configuration(&self) -> Option<ecs::ProxyConfiguration> {
        if !(self.is_transparent_proxy && self.is_sidecar()) {
            return None;
        }
        let ports: Vec<String> = self
            .listeners
            .iter()
            .map(|listener| listener.port.to_string())
            .collect();
        let properties = [
            ("IgnoredUID", ENVOY_USER.to_owned()),
            ("ProxyIngressPort", INGRESS_PORT.to_string()),
            ("ProxyEgressPort", EGRESS_PORT.to_string()),
            ("AppPorts", ports.join(",")),
            ("EgressIgnoredIPs", LINK_LOCAL.to_owned()),
            ("EgressIgnoredPorts", IGNORED_PORTS.to_owned()),
        ];
        Some(ecs::ProxyConfiguration {
            kind: Some(Value::from("APPMESH")),
            container_name: Value::from(ENVOY_CONTAINER),
            proxy_configuration_properties: properties
                .into_iter()
                .map(|(name, value)| ecs::KeyValuePair {
                    name: Value::from(name),
                    value: Value::Known(value),
                })
                .collect(),
        })
    }
}

fn other_port(port: u16, taken: &BTreeSet<u16>) -> u16 {
    free_port(
        port.checked_add(DISTANCE).unwrap_or(port.saturating_sub(DISTANCE)),
        taken,
    )
}

/// The first free port from `first` on; after the last port, the search continues with the first unprivileged one.
fn free_port(first: u16, taken: &BTreeSet<u16>) -> u16 {
    let mut ports = (first..=u16::MAX).chain(1024..first);
    ports.find(|port| !taken.contains(port)).unwrap_or(first)
}

/// Sets the container's port variables to its application ports.
fn with_app_ports(container: Container, app_ports: &BTreeMap<u16, u16>) -> Container {
    let variables: Vec<(String, u16)> = container
        .ports()
        .iter()
        .filter_map(|port| Some((port.variable()?.to_owned(), *app_ports.get(&port.container_port())?)))
        .collect();
    variables.into_iter().fold(container, |container, (variable, port)| {
        container.with_variable_set(&variable, port.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applications_get_a_free_port() {
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
