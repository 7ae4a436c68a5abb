//! The place of one task on this machine: its name, its directory, and where its parts listen.
//!
//! On AWS every task has an IP address of its own and a new one when it is replaced. Here tasks share one
//! address and are told apart by port, and a task that is replaced finds its successor in the same slot: the
//! address that somebody was told to call keeps working.

mod places;
mod sidecar;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use mesh_control::ServiceIdentity;
use mesh_control::node::{OwnWiring, Wiring, egress_listener, ingress_listener};
use mesh_model::namespace::Namespace;

use self::places::Places;
use self::sidecar::Sidecar;
use crate::environment;
use crate::plan::{ContainerPlan, Membership, ServicePlan};
use crate::process::Log;

/// The place of one task.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) service: ServiceIdentity,
    /// The task's files. Exists.
    pub(crate) directory: PathBuf,
    /// A number that no other slot has.
    ordinal: usize,
    places: Places,
    sidecar: Option<Sidecar>,
    /// Of its containers and its Envoy in their latest lives.
    logs: Mutex<BTreeMap<String, Log>>,
}

impl Slot {
    /// Makes the place of the service's task `number`, counted from 1, the `ordinal`th of all. `namespace` is the Service
    /// Connect namespace that the service takes part in.
    pub(crate) fn new(
        plan: &ServicePlan,
        number: u32,
        ordinal: usize,
        namespace: Option<&Namespace>,
        state: &Path,
    ) -> io::Result<Self> {
        let directory = state.join(format!("{}-{number}", plan.name));
        std::fs::create_dir(&directory)?;
        let service = ServiceIdentity {
            cluster: plan.cluster.clone(),
            service: plan.name.clone(),
        };
        let sidecar = match &plan.membership {
            Membership::Mesh(member) => Some(Sidecar::of_member(member)),
            Membership::Namespace(_) => namespace.map(|namespace| Sidecar::of_service(&service, namespace)),
            Membership::None => None,
        };
        let listeners = sidecar.iter().flat_map(Sidecar::listeners);
        Ok(Self {
            name: format!("{}/{number}", plan.name),
            places: Places::on_loopback(listeners, &plan.containers)?,
            service,
            directory,
            ordinal,
            sidecar,
            logs: Mutex::default(),
        })
    }

    /// What its Envoy's bootstrap must say, if it has an Envoy.
    pub(crate) fn wiring(&self) -> Option<Wiring> {
        let sidecar = self.sidecar.as_ref()?;
        Some(Wiring {
            listeners: self
                .places
                .listeners()
                .map(|(name, address)| (name.to_owned(), address.port()))
                .collect(),
            own: OwnWiring {
                task: Some(self.name.clone()),
                app_ports: self
                    .places
                    .apps()
                    .map(|(port, address)| (port, address.port()))
                    .collect(),
                app_address: sidecar.app_address,
                hops: Some(self.hops().display().to_string()),
                ..OwnWiring::default()
            },
        })
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
        self.directory.with_file_name(format!("{}.sock", self.ordinal))
    }

    /// The file to which its Envoy writes what passes.
    pub(crate) fn hops(&self) -> PathBuf {
        self.directory.join("hops.jsonl")
    }

    /// Under which address others find it.
    pub(crate) fn address(&self) -> IpAddr {
        self.places.address
    }

    /// Where its Envoy takes requests for the port of this name; a virtual node's or virtual gateway's ports are named
    /// by their numbers.
    pub(crate) fn ingress(&self, port_name: &str) -> Option<SocketAddr> {
        self.places.listener(&ingress_listener(port_name))
    }

    /// Where its Envoy takes requests, by port name.
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

    /// Where its Envoy passes on TCP connections, from outside and from its applications.
    pub(crate) fn tcp_listeners(&self) -> Vec<SocketAddr> {
        let ingress = self.tcp_ingresses().filter_map(|name| self.ingress(name));
        let egress = self.sidecar.iter().flat_map(Sidecar::tcp_egress_listeners);
        let egress = egress.filter_map(|name| self.places.listener(&name));
        ingress.chain(egress).collect()
    }

    /// Whether it has an Envoy.
    pub(crate) fn is_in_mesh(&self) -> bool {
        self.sidecar.is_some()
    }

    /// Where its applications listen, by container port.
    pub(crate) fn apps(&self) -> impl Iterator<Item = (u16, SocketAddr)> {
        self.places.apps()
    }

    /// Where this container listens, with the port it has in its task definition.
    pub(crate) fn addresses_of(&self, container: &ContainerPlan) -> Vec<(u16, SocketAddr)> {
        let ports = container.ports.iter().map(|port| port.mapping.container_port);
        ports.filter_map(|port| Some((port, self.places.app(port)?))).collect()
    }

    /// The whole environment of one of its containers.
    pub(crate) fn environment_of(&self, container: &ContainerPlan) -> Vec<(String, OsString)> {
        let mut variables = environment::inherited();
        let given = container.environment.iter();
        variables.extend(given.map(|(name, value)| (name.clone(), value.into())));
        for port in &container.ports {
            let address = self.places.app(port.mapping.container_port);
            if let (Some(variable), Some(address)) = (&port.variable, address) {
                variables.push((variable.clone(), address.port().to_string().into()));
            }
        }
        let sidecar = self.sidecar.iter().flat_map(|sidecar| sidecar.variables(&self.places));
        variables.extend(sidecar.map(|(name, value)| (name, value.into())));
        variables
    }
}

#[cfg(test)]
mod tests;
