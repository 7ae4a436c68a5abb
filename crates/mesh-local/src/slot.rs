//! The place of one task on this machine: its name, its directory, and where its parts listen.
//!
//! On AWS every task has an IP address of its own and a new one when it is replaced. Here a task that is replaced finds
//! its successor in the same slot: the address that somebody was told to call keeps working. Tasks either share one
//! address and are told apart by port, or have a network each.

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

use mesh_control::ServiceIdentity;
use mesh_control::node::{MeshwrightMetadata, NodeMetadata, TRANSPARENT_INGRESS, egress_listener, ingress_listener};
use mesh_model::namespace::Namespace;

use self::interception::InterceptionSetup;
use self::listeners::ListenAddresses;
pub(crate) use self::netns::{EnteredNetns, SlotNetns};
use self::sidecar::Sidecar;
use crate::network::{EnvoyDir, MeshNetwork};
use crate::plan::{ContainerPlan, Membership, ServicePlan};
use crate::process::Log;

/// The place of one task.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) service: ServiceIdentity,
    /// The task's files. Exists, and nobody but this user can enter it.
    pub(crate) directory: PathBuf,
    /// A number that no other slot has.
    ordinal: usize,
    places: ListenAddresses,
    sidecar: Option<Sidecar>,
    /// `None` if it shares the machine's with all others.
    network: Option<SlotNetns>,
    /// Where its parts send spans.
    collector: SocketAddr,
    /// Of its containers and its Envoy in their latest lives.
    logs: Mutex<BTreeMap<String, Log>>,
}

/// Where the slots of a mesh are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SlotContext<'a> {
    /// The folder for their files.
    pub(crate) state: &'a Path,
    /// What each has a network of its own in; `None` if all share the machine's.
    pub(crate) network: Option<&'a MeshNetwork>,
    /// Where all send spans.
    pub(crate) collector: SocketAddr,
}

impl Slot {
    /// Makes the place of the service's task `number`, counted from 1, the `ordinal`th of all. `namespace` is the Service
    /// Connect namespace that the service takes part in.
    pub(crate) fn new(
        plan: &ServicePlan,
        number: u32,
        ordinal: usize,
        namespace: Option<&Namespace>,
        site: SlotContext<'_>,
    ) -> io::Result<Self> {
        let directory = site.state.join(format!("{}-{number}", plan.name));
        // What its parts print is nobody else's business.
        DirBuilder::new().mode(0o700).create(&directory)?;
        let service = ServiceIdentity {
            cluster: plan.cluster.clone(),
            service: plan.name.clone(),
        };
        let sidecar = match &plan.membership {
            Membership::Mesh(member) => Some(Sidecar::of_member(member)),
            Membership::Namespace(_) => namespace.map(|namespace| Sidecar::of_service(&service, namespace)),
            Membership::None => None,
        };
        let (places, network) = match site.network {
            None => (ListenAddresses::on_loopback(sidecar.as_ref(), &plan.containers)?, None),
            Some(mesh) => {
                let redirection = InterceptionSetup::of(plan, namespace);
                let hosts = namespace.map_or_else(Vec::new, |namespace| mesh.endpoints_of(&namespace.name));
                let folder = site.state.join(ordinal.to_string());
                let network = SlotNetns::new(mesh, redirection.as_ref(), hosts, folder)?;
                let address = IpAddr::V4(network.address());
                (
                    ListenAddresses::at(address, redirection, &plan.containers),
                    Some(network),
                )
            }
        };
        Ok(Self {
            name: format!("{}/{number}", plan.name),
            places,
            service,
            directory,
            ordinal,
            sidecar,
            network,
            collector: site.collector,
            logs: Mutex::default(),
        })
    }

    /// What its Envoy's bootstrap must say, if it has an Envoy.
    pub(crate) fn wiring(&self) -> Option<NodeMetadata> {
        let sidecar = self.sidecar.as_ref()?;
        let own = MeshwrightMetadata {
            task: Some(self.name.clone()),
            app_ports: self.places.apps().clone(),
            app_address: sidecar.app_address,
            access_log: Some(self.access_log().display().to_string()),
            collector: Some(self.collector),
            ..MeshwrightMetadata::default()
        };
        Some(NodeMetadata {
            listener_ports: self.places.listeners().clone(),
            extension: match &self.network {
                None => own,
                Some(network) => MeshwrightMetadata {
                    // Nobody but the other tasks can come that far.
                    ingress_address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                    is_transparent_proxy: network.is_intercepted,
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

    /// The network of its own, if it has one.
    pub(crate) fn network(&self) -> Option<&SlotNetns> {
        self.network.as_ref()
    }

    /// The id by which its Envoy, if it has one, asks for its configuration.
    pub(crate) fn node_id(&self) -> Option<&str> {
        self.sidecar.as_ref().map(|sidecar| sidecar.node_id.as_str())
    }

    /// The socket of a secret discovery service beside its Envoy.
    pub(crate) fn sds(&self) -> Option<PathBuf> {
        self.sidecar.as_ref()?.sds.clone()
    }

    /// From now on this is the log of its container or Envoy of this name.
    pub(crate) fn remember_log(&self, name: &str, log: &Log) {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        logs.insert(name.to_owned(), log.clone());
    }

    /// The end of each of its logs that is not empty, with the name of whose it is.
    pub(crate) fn log_tails(&self) -> Vec<(String, String)> {
        let logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = logs
            .iter()
            .filter_map(|(name, log)| Some((name.clone(), log.end()?.to_string())));
        ends.collect()
    }

    /// The socket of its Envoy's admin page. The kernel has room for about a hundred bytes and a service's name may
    /// have 255, so it is named after a number.
    pub(crate) fn admin_socket(&self) -> PathBuf {
        match self.envoy_folder() {
            Some(folder) => folder.admin_socket(),
            None => self.directory.with_file_name(format!("{}.sock", self.ordinal)),
        }
    }

    /// The file to which its Envoy writes what passes.
    pub(crate) fn access_log(&self) -> PathBuf {
        match self.envoy_folder() {
            Some(folder) => folder.access_log(),
            None => self.directory.join("access.jsonl"),
        }
    }

    fn envoy_folder(&self) -> Option<&EnvoyDir> {
        Some(self.network.as_ref()?.envoy()?.0)
    }

    /// Under which address others find it.
    pub(crate) fn address(&self) -> IpAddr {
        self.places.address
    }

    /// Where others call its Envoy for the port of this name; a virtual node's or virtual gateway's ports are named by
    /// their numbers.
    pub(crate) fn ingress(&self, port_name: &str) -> Option<SocketAddr> {
        self.places.ingress(port_name)
    }

    /// Where others call its Envoy, by port name.
    pub(crate) fn ingresses(&self) -> impl Iterator<Item = (&str, SocketAddr)> {
        let names = self.sidecar.iter().flat_map(|sidecar| sidecar.ingress.keys());
        names.filter_map(|name| Some((name.as_str(), self.ingress(name)?)))
    }

    /// The names of the ports on which its Envoy takes TCP connections and not HTTP.
    pub(crate) fn tcp_ingresses(&self) -> impl Iterator<Item = &str> {
        let ports = self.sidecar.iter().flat_map(|sidecar| &sidecar.ingress);
        ports.filter(|(_, is_tcp)| **is_tcp).map(|(name, _)| name.as_str())
    }

    /// Where its Envoy takes the calls of its applications, and a virtual gateway's those of itself.
    pub(crate) fn egress(&self) -> Option<SocketAddr> {
        self.places.listener(&egress_listener())
    }

    /// The ports at which its Envoy passes on TCP connections, from outside and from its applications. Where connections
    /// are redirected, HTTP may come to the same ports.
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
            .filter(|(_, carries_tcp)| self.is_intercepted() && *carries_tcp);
        let names = own.into_iter().chain(redirected.map(|(name, _)| name));
        names
            .filter_map(|name| self.places.listeners().get(&name).copied())
            .collect()
    }

    fn is_intercepted(&self) -> bool {
        self.network.as_ref().is_some_and(|network| network.is_intercepted)
    }

    /// Whether it has an Envoy.
    pub(crate) fn is_in_mesh(&self) -> bool {
        self.sidecar.is_some()
    }

    /// Where others find its applications, by container port. Calls to them pass no Envoy, unless they are redirected.
    pub(crate) fn apps(&self) -> impl Iterator<Item = (u16, SocketAddr)> {
        let apps = self.places.apps().iter();
        apps.map(|(port, at)| (*port, (self.places.address, *at).into()))
    }

    /// Where its own Envoy finds its applications.
    pub(crate) fn apps_beside_envoy(&self) -> impl Iterator<Item = SocketAddr> {
        self.places.apps().keys().filter_map(|port| self.places.app(*port))
    }

    /// Where this container listens, as seen in its own task, with the port it has in its task definition.
    pub(crate) fn addresses_of(&self, container: &ContainerPlan) -> Vec<(u16, SocketAddr)> {
        let ports = container.ports.iter().map(|port| port.mapping.container_port);
        ports.filter_map(|port| Some((port, self.places.app(port)?))).collect()
    }
}

#[cfg(test)]
mod tests;
