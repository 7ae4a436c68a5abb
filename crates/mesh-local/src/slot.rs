//! A task slot: the name, directory and addresses of a task on this machine, across restarts.
//!
//! On AWS a replacement task has a new IP address. Here it keeps the slot of its predecessor, so that printed addresses
//! stay valid. Tasks either share one address and differ by port, or have a network namespace each.

mod entrances;
mod environment;
mod interception;
mod listeners;
mod netns;
mod sidecar;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::DirBuilder;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use mesh_control::node::{MeshwrightMetadata, NodeMetadata, TRANSPARENT_INGRESS, egress_listener, ingress_listener};
use mesh_control::{EntranceBootstrap, ServiceIdentity, XdsSecurity};
use mesh_model::namespace::Namespace;

use self::entrances::Entrances;
use self::interception::InterceptionSetup;
use self::listeners::ListenAddresses;
pub(crate) use self::netns::{EnteredNetns, SlotNetns};
use self::sidecar::Sidecar;
use crate::network::{EnvoyDir, MeshNetwork};
use crate::plan::{ContainerPlan, Membership, RegistryPlan, ServicePlan};
use crate::process::Log;
use crate::run_state::RunState;

/// The slot of one task.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) service: ServiceIdentity,
    /// The task's files. Exists, and only this user can enter it.
    pub(crate) dir: PathBuf,
    /// A number that is unique among all slots.
    ordinal: usize,
    addresses: ListenAddresses,
    sidecar: Option<Sidecar>,
    /// `None` if it shares the machine's network.
    network: Option<SlotNetns>,
    /// The entrances from this machine to a load balancer with a network of its own.
    entrances: Option<Entrances>,
    /// The OTLP collector.
    collector: SocketAddr,
    /// The logs of its containers and its Envoy, for their latest run.
    logs: Mutex<BTreeMap<String, Log>>,
    state: RunState,
}

/// Shared settings of all slots of a mesh.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SlotContext<'a> {
    /// The parent of their directories.
    pub(crate) run_dir: &'a Path,
    /// The network for their namespaces; `None` if all share the machine's.
    pub(crate) network: Option<&'a MeshNetwork>,
    /// The OTLP collector.
    pub(crate) collector: SocketAddr,
}

impl Slot {
    /// Creates the slot of the service's task `number`, counted from 1; `ordinal` counts all slots. `namespace` is the
    /// service's Service Connect namespace.
    pub(crate) fn new(
        plan: &ServicePlan,
        number: u32,
        ordinal: usize,
        namespace: Option<&Namespace>,
        context: SlotContext<'_>,
    ) -> io::Result<Self> {
        let dir = context.run_dir.join(format!("{}-{number}", plan.name));
        // Logs are private.
        DirBuilder::new().mode(0o700).create(&dir)?;
        let service = ServiceIdentity {
            cluster: plan.cluster.clone(),
            service: plan.name.clone(),
        };
        let sidecar = match &plan.membership {
            Membership::Mesh(node) => Some(Sidecar::of_mesh_node(node)),
            Membership::Namespace(_) => namespace.map(|namespace| Sidecar::of_service(&service, namespace)),
            Membership::LoadBalancer(node) => Some(Sidecar::of_load_balancer(node)),
            Membership::None => None,
        };
        let (addresses, network) = match context.network {
            None => {
                let listeners = sidecar.iter().flat_map(Sidecar::listeners);
                let ingress = sidecar.iter().flat_map(|sidecar| sidecar.ingress.keys());
                (
                    ListenAddresses::on_loopback(listeners, ingress, &plan.containers, &chosen_ports(plan))?,
                    None,
                )
            }
            Some(mesh) => {
                let interception = InterceptionSetup::of(plan, namespace);
                let hosts = namespace.map_or_else(Vec::new, |namespace| mesh.endpoints_of(&namespace.name));
                let dir = context.run_dir.join(ordinal.to_string());
                let node_id = sidecar.as_ref().map(|sidecar| sidecar.node_id.as_str());
                let network = SlotNetns::new(mesh, interception.as_ref(), hosts, dir, node_id)?;
                let address = IpAddr::V4(network.address());
                (
                    ListenAddresses::at(address, interception, &plan.containers),
                    Some(network),
                )
            }
        };
        let envoy_dir = network.as_ref().and_then(SlotNetns::envoy).map(|(dir, _)| dir);
        let entrances = match (&plan.membership, envoy_dir) {
            (Membership::LoadBalancer(node), Some(dir)) => Some(Entrances::new(node, dir)?),
            _ => None,
        };
        Ok(Self {
            name: format!("{}/{number}", plan.name),
            addresses,
            service,
            dir,
            ordinal,
            sidecar,
            network,
            entrances,
            collector: context.collector,
            logs: Mutex::default(),
            state: RunState::default(),
        })
    }

    /// The metadata of its Envoy's bootstrap, if it has an Envoy.
    pub(crate) fn node_metadata(&self) -> Option<NodeMetadata> {
        let sidecar = self.sidecar.as_ref()?;
        let own = MeshwrightMetadata {
            task: Some(self.name.clone()),
            app_ports: self.addresses.apps().clone(),
            app_address: sidecar.app_address,
            access_log: Some(self.access_log().display().to_string()),
            collector: Some(self.collector),
            ..MeshwrightMetadata::default()
        };
        Some(NodeMetadata {
            listener_ports: self.addresses.listeners().clone(),
            extension: match &self.network {
                None => own,
                Some(network) => MeshwrightMetadata {
                    // Only reachable from other tasks.
                    ingress_address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                    is_transparent_proxy: network.is_transparent_proxy,
                    entrances: self.entrances.as_ref().map(Entrances::to_metadata).unwrap_or_default(),
                    virtual_addresses: network
                        .hosts
                        .iter()
                        .map(|(address, name)| (name.clone(), IpAddr::V4(*address)))
                        .collect(),
                    ..own
                },
            },
        })
    }

    /// Whether it stands in for a load balancer.
    pub(crate) fn is_load_balancer(&self) -> bool {
        self.sidecar.as_ref().is_some_and(|sidecar| !sidecar.has_egress)
    }

    /// The entrance from this machine to a listener of a load balancer with a network of its own.
    pub(crate) fn entrance(&self, port: u16) -> Option<SocketAddr> {
        self.entrances.as_ref()?.address(port)
    }

    /// The bootstrap of the Envoy for its entrances, if it has any.
    pub(crate) fn entrance_bootstrap(&self) -> Option<EntranceBootstrap> {
        Some(EntranceBootstrap {
            admin: self.dir.with_file_name(format!("{}e.sock", self.ordinal)),
            entrances: self.entrances.as_ref()?.to_metadata().into_values().collect(),
        })
    }

    /// Its network namespace, if it has one.
    pub(crate) fn network(&self) -> Option<&SlotNetns> {
        self.network.as_ref()
    }

    /// The node id of its Envoy, if it has one.
    pub(crate) fn node_id(&self) -> Option<&str> {
        self.sidecar.as_ref().map(|sidecar| sidecar.node_id.as_str())
    }

    /// How its Envoy connects to the control plane: on the machine's loopback as it is, otherwise with a token.
    pub(crate) fn xds_security(&self) -> XdsSecurity {
        let envoy = self.network.as_ref().and_then(SlotNetns::envoy);
        XdsSecurity {
            tls: None,
            token: envoy.map(|(dir, _)| dir.xds_token()),
        }
    }

    /// The Unix socket of its Envoy's secret discovery service.
    pub(crate) fn sds(&self) -> Option<PathBuf> {
        self.sidecar.as_ref()?.sds.clone()
    }

    /// Its state over all runs.
    pub(crate) fn state(&self) -> &RunState {
        &self.state
    }

    /// Sets the current log of the container or Envoy of this name.
    pub(crate) fn remember_log(&self, name: &str, log: &Log) {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        logs.insert(name.to_owned(), log.clone());
    }

    /// The end of each log that is not empty, with the name of its container.
    pub(crate) fn log_tails(&self) -> Vec<(String, String)> {
        let logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = logs
            .iter()
            .filter_map(|(name, log)| Some((name.clone(), log.tail()?.to_string())));
        ends.collect()
    }

    /// The socket of its Envoy's admin interface. Socket paths are limited to about a hundred bytes and service names
    /// to 255, so it is named by number.
    pub(crate) fn admin_socket(&self) -> PathBuf {
        match self.envoy_folder() {
            Some(dir) => dir.admin_socket(),
            None => self.dir.with_file_name(format!("{}.sock", self.ordinal)),
        }
    }

    /// The access log of its Envoy.
    pub(crate) fn access_log(&self) -> PathBuf {
        match self.envoy_folder() {
            Some(dir) => dir.access_log(),
            None => self.dir.join("access.jsonl"),
        }
    }

    fn envoy_folder(&self) -> Option<&EnvoyDir> {
        Some(self.network.as_ref()?.envoy()?.0)
    }

    /// Its address, as seen by other tasks.
    pub(crate) fn address(&self) -> IpAddr {
        self.addresses.address
    }

    /// Its Envoy's ingress address for the port of this name, as seen by other tasks; the ports of a virtual node or
    /// virtual gateway are named by number.
    pub(crate) fn ingress(&self, port_name: &str) -> Option<SocketAddr> {
        self.addresses.ingress(port_name)
    }

    /// The port at which its Envoy listens for the port of this name.
    pub(crate) fn ingress_listener_port(&self, port_name: &str) -> Option<u16> {
        let listeners = self.addresses.listeners();
        let own = listeners.get(&ingress_listener(port_name));
        own.or_else(|| listeners.get(TRANSPARENT_INGRESS)).copied()
    }

    /// Its Envoy's ingress addresses, by port name.
    pub(crate) fn ingresses(&self) -> impl Iterator<Item = (&str, SocketAddr)> {
        let names = self.sidecar.iter().flat_map(|sidecar| sidecar.ingress.keys());
        names.filter_map(|name| Some((name.as_str(), self.ingress(name)?)))
    }

    /// The names of its Envoy's TCP ingress ports.
    pub(crate) fn tcp_ingresses(&self) -> impl Iterator<Item = &str> {
        let ports = self.sidecar.iter().flat_map(|sidecar| &sidecar.ingress);
        ports.filter(|(_, is_tcp)| **is_tcp).map(|(name, _)| name.as_str())
    }

    /// Its Envoy's egress listener, for calls of its applications or of a virtual gateway.
    pub(crate) fn egress(&self) -> Option<SocketAddr> {
        self.addresses.listener(&egress_listener())
    }

    /// The ports of its Envoy's TCP listeners, ingress and egress. With interception, HTTP may use the same ports.
    pub(crate) fn tcp_listeners(&self) -> BTreeSet<u16> {
        let ingress = self.tcp_ingresses().map(ingress_listener);
        let egress = self.sidecar.iter().flat_map(Sidecar::tcp_egress_listeners);
        let own: Vec<String> = ingress.chain(egress).collect();
        let redirected = [
            (TRANSPARENT_INGRESS.to_owned(), self.tcp_ingresses().next().is_some()),
            (
                egress_listener(),
                self.sidecar.as_ref().is_some_and(Sidecar::has_tcp_egress),
            ),
        ];
        let redirected = redirected
            .into_iter()
            .filter(|(_, carries_tcp)| self.is_transparent_proxy() && *carries_tcp);
        let names = own.into_iter().chain(redirected.map(|(name, _)| name));
        names
            .filter_map(|name| self.addresses.listeners().get(&name).copied())
            .collect()
    }

    fn is_transparent_proxy(&self) -> bool {
        self.network
            .as_ref()
            .is_some_and(|network| network.is_transparent_proxy)
    }

    /// Whether it has an Envoy.
    pub(crate) fn is_in_mesh(&self) -> bool {
        self.sidecar.is_some()
    }

    /// Addresses of its applications as seen by other tasks, by container port. Calls to them bypass Envoy unless they
    /// are intercepted.
    pub(crate) fn apps(&self) -> impl Iterator<Item = (u16, SocketAddr)> {
        let apps = self.addresses.apps().iter();
        apps.map(|(port, at)| (*port, (self.addresses.address, *at).into()))
    }

    /// Addresses of its applications as seen by its own Envoy.
    pub(crate) fn apps_beside_envoy(&self) -> impl Iterator<Item = SocketAddr> {
        self.addresses
            .apps()
            .keys()
            .filter_map(|port| self.addresses.app(*port))
    }

    /// Container port and listening address of this container's ports, as seen inside the task.
    pub(crate) fn addresses_of(&self, container: &ContainerPlan) -> Vec<(u16, SocketAddr)> {
        let ports = container.ports.iter().map(|port| port.mapping.container_port);
        ports
            .filter_map(|port| Some((port, self.addresses.app_of(&container.name, port)?)))
            .collect()
    }

    /// The port of a registry's `SRV` record, as other tasks call it: in a network namespace, the port of the template.
    pub(crate) fn registered_port(&self, registry: &RegistryPlan) -> Option<u16> {
        let port = registry.port?;
        if self.network.is_none() {
            return Some(port);
        }
        let container = registry.container.as_deref().unwrap_or_default();
        Some(self.addresses.moved(container, port).unwrap_or(port))
    }
}

/// The chosen ports of a load balancer, by listener key.
fn chosen_ports(plan: &ServicePlan) -> BTreeMap<String, u16> {
    let Membership::LoadBalancer(node) = &plan.membership else {
        return BTreeMap::new();
    };
    let ports = node.local_ports.iter();
    ports
        .map(|(port, local)| (ingress_listener(&port.to_string()), *local))
        .collect()
}

#[cfg(test)]
mod tests;
