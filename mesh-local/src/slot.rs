//! The place of one task on this machine: its name, its directory and its ports.
//!
//! On AWS every task has an IP address of its own and a new one when it is replaced. Here tasks share one
//! address and are told apart by port, and a task that is replaced finds its successor in the same slot: the
//! address that somebody was told to call keeps working.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use mesh_control::ServiceIdentity;
use mesh_control::node::{OwnWiring, Wiring, egress_listener, ingress_listener, tcp_egress_listener};
use mesh_model::namespace::{Endpoint, Namespace};
use mesh_model::{MeshSuffixes, environment as variables};

use crate::environment;
use crate::evaluate::{ACCOUNT, REGION};
use crate::plan::{ContainerPlan, ServicePlan};
use crate::ports::ReservedPort;
use crate::process::Log;

/// The place of one task.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) service: ServiceIdentity,
    /// The task's files. Exists.
    pub(crate) directory: PathBuf,
    /// Where its applications listen, by container port.
    apps: BTreeMap<u16, ReservedPort>,
    mesh: Option<MeshSlot>,
    /// Of its containers and its Envoy in their latest lives.
    logs: Mutex<BTreeMap<String, Log>>,
}

/// What a task has in addition if its service takes part in Service Connect.
#[derive(Debug)]
struct MeshSlot {
    egress: ReservedPort,
    /// By port name.
    ingress: BTreeMap<String, ReservedPort>,
    /// The names of those ports that carry TCP and not HTTP.
    tcp_ingress: BTreeSet<String>,
    /// By name and port.
    tcp_egress: BTreeMap<(String, u16), ReservedPort>,
    suffixes: MeshSuffixes,
}

impl Slot {
    /// Makes the place of the service's task `number`, counted from 1.
    pub(crate) fn new(
        plan: &ServicePlan,
        number: u32,
        namespace: Option<&Namespace>,
        state: &Path,
    ) -> io::Result<Self> {
        let directory = state.join(format!("{}-{number}", plan.name));
        std::fs::create_dir(&directory)?;
        let mut apps = BTreeMap::new();
        for port in plan.containers.iter().flat_map(|container| &container.ports) {
            apps.insert(port.mapping.container_port, ReservedPort::pick()?);
        }
        Ok(Self {
            name: format!("{}/{number}", plan.name),
            service: ServiceIdentity {
                cluster: plan.cluster.clone(),
                service: plan.name.clone(),
            },
            directory,
            apps,
            mesh: namespace
                .map(|namespace| MeshSlot::new(namespace, &plan.name))
                .transpose()?,
            logs: Mutex::default(),
        })
    }

    /// What its Envoy's bootstrap must say, if it has an Envoy.
    pub(crate) fn wiring(&self) -> Option<Wiring> {
        let mesh = self.mesh.as_ref()?;
        let ingress = mesh
            .ingress
            .iter()
            .map(|(name, port)| (ingress_listener(name), port.number()));
        let tcp = mesh
            .tcp_egress
            .iter()
            .map(|((name, port), reserved)| (tcp_egress_listener(name, *port), reserved.number()));
        Some(Wiring {
            listeners: [(egress_listener(), mesh.egress.number())]
                .into_iter()
                .chain(ingress)
                .chain(tcp)
                .collect(),
            own: OwnWiring {
                task: Some(self.name.clone()),
                app_ports: self
                    .apps
                    .iter()
                    .map(|(port, reserved)| (*port, reserved.number()))
                    .collect(),
                hops: Some(self.hops().display().to_string()),
                ..OwnWiring::default()
            },
        })
    }

    /// The id by which its Envoy asks for its configuration.
    pub(crate) fn node_id(&self) -> String {
        self.service.node_id(REGION, ACCOUNT, "local")
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
    /// have 255, so it is named after a port, which no other task has.
    pub(crate) fn admin_socket(&self) -> PathBuf {
        let port = self.mesh.as_ref().map_or(0, |mesh| mesh.egress.number());
        self.directory.with_file_name(format!("{port}.sock"))
    }

    /// The file to which its Envoy writes what passes.
    pub(crate) fn hops(&self) -> PathBuf {
        self.directory.join("hops.jsonl")
    }

    /// Where its Envoy takes requests for the port of this name.
    pub(crate) fn ingress(&self, port_name: &str) -> Option<SocketAddr> {
        Some(self.mesh.as_ref()?.ingress.get(port_name)?.address())
    }

    /// Where its Envoy takes requests, by port name.
    pub(crate) fn ingresses(&self) -> impl Iterator<Item = (&str, SocketAddr)> {
        self.mesh
            .iter()
            .flat_map(|mesh| &mesh.ingress)
            .map(|(name, port)| (name.as_str(), port.address()))
    }

    /// The names of the ports on which its Envoy takes TCP connections and not HTTP.
    pub(crate) fn tcp_ingresses(&self) -> impl Iterator<Item = &str> {
        self.mesh.iter().flat_map(|mesh| &mesh.tcp_ingress).map(String::as_str)
    }

    /// Where its Envoy passes on TCP connections, from outside and from its applications.
    pub(crate) fn tcp_listeners(&self) -> Vec<SocketAddr> {
        let ingress = self.tcp_ingresses().filter_map(|name| self.ingress(name));
        let egress = self.mesh.iter().flat_map(|mesh| mesh.tcp_egress.values());
        ingress.chain(egress.map(ReservedPort::address)).collect()
    }

    /// Whether it has an Envoy.
    pub(crate) fn is_in_mesh(&self) -> bool {
        self.mesh.is_some()
    }

    /// Where its applications listen.
    pub(crate) fn app_addresses(&self) -> impl Iterator<Item = SocketAddr> {
        self.apps.values().map(ReservedPort::address)
    }

    /// Where this container listens, with the port it has in its task definition.
    pub(crate) fn addresses_of(&self, container: &ContainerPlan) -> Vec<(u16, SocketAddr)> {
        let ports = container.ports.iter().map(|port| port.mapping.container_port);
        ports
            .filter_map(|port| Some((port, self.apps.get(&port)?.address())))
            .collect()
    }

    /// The whole environment of one of its containers.
    pub(crate) fn environment_of(&self, container: &ContainerPlan) -> Vec<(String, OsString)> {
        let mut variables = environment::inherited();
        variables.extend(
            container
                .environment
                .iter()
                .map(|(name, value)| (name.clone(), value.into())),
        );
        for port in &container.ports {
            let reserved = self.apps.get(&port.mapping.container_port);
            if let (Some(variable), Some(reserved)) = (&port.variable, reserved) {
                variables.push((variable.clone(), reserved.number().to_string().into()));
            }
        }
        variables.extend(self.mesh.iter().flat_map(MeshSlot::variables));
        variables
    }
}

impl MeshSlot {
    fn new(namespace: &Namespace, service: &str) -> io::Result<Self> {
        let (mut ingress, mut tcp_ingress) = (BTreeMap::new(), BTreeSet::new());
        for endpoint in namespace.offered_by(service) {
            if !endpoint.protocol.is_http_family() {
                tcp_ingress.insert(endpoint.port_name.clone());
            }
            if !ingress.contains_key(&endpoint.port_name) {
                ingress.insert(endpoint.port_name.clone(), ReservedPort::pick()?);
            }
        }
        let mut tcp_egress = BTreeMap::new();
        for endpoint in tcp_endpoints(namespace) {
            tcp_egress.insert((endpoint.dns_name.clone(), endpoint.port), ReservedPort::pick()?);
        }
        let names = namespace.endpoints.iter().map(|endpoint| endpoint.dns_name.as_str());
        let in_namespace = MeshSuffixes::new([&namespace.name]);
        let aliases = names.filter(|name| !in_namespace.contains(name));
        Ok(Self {
            egress: ReservedPort::pick()?,
            ingress,
            tcp_ingress,
            tcp_egress,
            suffixes: MeshSuffixes::new(aliases.chain([namespace.name.as_str()])),
        })
    }

    /// How the services of the task learn of their sidecar.
    fn variables(&self) -> Vec<(String, OsString)> {
        let mut variables = vec![
            (variables::EGRESS.to_owned(), self.egress.address().to_string().into()),
            (variables::SUFFIXES.to_owned(), self.suffixes.to_string().into()),
        ];
        if !self.tcp_egress.is_empty() {
            let list: Vec<String> = self
                .tcp_egress
                .iter()
                .map(|((name, port), reserved)| format!("{name}:{port}={}", reserved.address()))
                .collect();
            variables.push((variables::TCP_EGRESS.to_owned(), list.join(",").into()));
        }
        variables
    }
}

fn tcp_endpoints(namespace: &Namespace) -> impl Iterator<Item = &Endpoint> {
    namespace
        .endpoints
        .iter()
        .filter(|endpoint| !endpoint.protocol.is_http_family())
}
