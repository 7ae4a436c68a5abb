//! The network between the tasks of a mesh in [`Network::Namespaces`](super::Network::Namespaces): the bridge, DNS, and
//! address allocation.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Mutex, PoisonError};

use mesh_control::TokenKeys;
use mesh_model::app_mesh::Topology;
use mesh_model::app_mesh::virtual_node::Backend;
use mesh_model::namespace::Namespace;

use super::addresses::{AddressLease, AddressPool, AddressesExhausted, BRIDGE};
use super::dns::{DnsNames, DnsServer};
use super::netns_handle::NetnsHandle;
use super::setns::{NetnsRuntime, run_in_netns};
use crate::launcher::Launcher;
use crate::plan::{DnsRecords, Plan};

/// The DNS port.
const DNS: u16 = 53;

/// Addresses of the endpoints of a Service Connect namespace.
struct Endpoints {
    pool: AddressPool,
    leases: BTreeMap<String, AddressLease>,
}

impl Default for Endpoints {
    fn default() -> Self {
        Self {
            pool: AddressPool::of_endpoints(),
            leases: BTreeMap::new(),
        }
    }
}

/// The network between the tasks of a mesh. It ends when this is dropped and the last task has ended.
pub(crate) struct MeshNetwork {
    runtime: NetnsRuntime,
    _dns: DnsServer,
    names: DnsNames,
    tasks: AddressPool,
    /// The addresses of Service Connect endpoints, by namespace and name. They are the same in all tasks, and never
    /// reassigned: tasks read them when they start.
    endpoints: Mutex<BTreeMap<String, Endpoints>>,
    /// The addresses of virtual services, by mesh and name.
    virtual_services: Mutex<BTreeMap<(String, String), AddressLease>>,
    of_virtual_services: AddressPool,
    /// The keys of the tokens by which tasks prove to the control plane which node they are.
    tokens: TokenKeys,
    bridge: NetnsHandle,
}

impl MeshNetwork {
    /// Creates the bridge, and assigns addresses to all endpoints and virtual services of the plan. Must be called on a
    /// Tokio runtime. Cancelling this leaves nothing behind.
    ///
    /// # Errors
    ///
    /// If a step fails, with its error.
    pub(crate) async fn start(plan: &Plan, launcher: &Launcher) -> io::Result<Self> {
        let bridge = NetnsHandle::of_bridge(launcher).await?;
        let names = DnsNames::new(zones(plan));
        let (udp, tcp) = run_in_netns(bridge.pid(), || {
            Ok((UdpSocket::bind((BRIDGE, DNS))?, TcpListener::bind((BRIDGE, DNS))?))
        })?;
        let network = Self {
            runtime: NetnsRuntime::start(bridge.pid())?,
            _dns: DnsServer::start(udp, tcp, names.clone())?,
            names,
            tasks: AddressPool::of_tasks(),
            endpoints: Mutex::default(),
            virtual_services: Mutex::default(),
            of_virtual_services: AddressPool::of_virtual_services(),
            tokens: TokenKeys::generate()?,
            bridge,
        };
        network.add_names(plan).map_err(io::Error::other)?;
        Ok(network)
    }

    /// Adds the endpoints, virtual services and zones of a plan, and keeps those of the current plan for running tasks.
    /// [`MeshNetwork::retain_names`] with the current plan reverts this.
    ///
    /// # Errors
    ///
    /// If there are more names than addresses. Some may be added then.
    pub(crate) fn add_names(&self, plan: &Plan) -> Result<(), AddressesExhausted> {
        self.add_endpoints(&plan.namespaces)?;
        self.add_virtual_services(&plan.meshes)?;
        self.names.add_zones(zones(plan));
        self.names.set_services(records(plan));
        Ok(())
    }

    /// Removes virtual services and zones outside the plan. Endpoints of Service Connect keep their addresses, as tasks
    /// read them only once.
    pub(crate) fn retain_names(&self, plan: &Plan) {
        let services = virtual_services(&plan.meshes);
        let mut leases = self.virtual_services.lock().unwrap_or_else(PoisonError::into_inner);
        leases.retain(|service, _| services.contains(service));
        self.publish_virtual_services(&leases);
        self.names.set_own_names(own_names(&plan.meshes));
        self.names.retain_zones(zones(plan));
        self.names.set_services(records(plan));
    }

    /// Assigns an address to each endpoint name, as ECS does.
    fn add_endpoints(&self, namespaces: &[Namespace]) -> Result<(), AddressesExhausted> {
        let mut all = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        for namespace in namespaces {
            let known = all.entry(namespace.name.clone()).or_default();
            let names: BTreeSet<&String> = namespace.services.iter().map(|endpoint| &endpoint.dns_name).collect();
            for name in names {
                if !known.leases.contains_key(name) {
                    known.leases.insert(name.clone(), known.pool.allocate()?);
                }
            }
        }
        Ok(())
    }

    /// Assigns an address to each virtual service of these meshes.
    ///
    /// # Errors
    ///
    /// If there are more virtual services than addresses. Nothing is changed then.
    fn add_virtual_services(&self, meshes: &BTreeMap<String, Topology>) -> Result<(), AddressesExhausted> {
        let services = virtual_services(meshes);
        let mut leases = self.virtual_services.lock().unwrap_or_else(PoisonError::into_inner);
        let new = services.iter().filter(|service| !leases.contains_key(*service));
        let new: Result<Vec<_>, _> = new
            .map(|service| Ok((service.clone(), self.of_virtual_services.allocate()?)))
            .collect();
        leases.extend(new?);
        self.publish_virtual_services(&leases);
        self.names.set_own_names(own_names(meshes));
        Ok(())
    }

    fn publish_virtual_services(&self, leases: &BTreeMap<(String, String), AddressLease>) {
        let addresses = leases.iter().map(|(service, lease)| (service.clone(), lease.address()));
        self.names.set_virtual_services(addresses);
    }

    /// A listener that is reachable from all tasks, on a port that the operating system picks.
    pub(crate) fn listen(&self) -> io::Result<TcpListener> {
        run_in_netns(self.bridge.pid(), || {
            let listener = TcpListener::bind((BRIDGE, 0))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        })
    }

    /// The keys of tokens for the control plane.
    pub(crate) fn tokens(&self) -> &TokenKeys {
        &self.tokens
    }

    /// The init process of the bridge.
    pub(crate) fn bridge(&self) -> u32 {
        self.bridge.pid()
    }

    /// Allocates an address for a task.
    pub(crate) fn allocate_address(&self) -> Result<AddressLease, AddressesExhausted> {
        self.tasks.allocate()
    }

    /// The addresses and names of all endpoints of a Service Connect namespace.
    pub(crate) fn endpoints_of(&self, namespace: &str) -> Vec<(Ipv4Addr, String)> {
        let all = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        let leases = all.get(namespace).into_iter().flat_map(|endpoints| &endpoints.leases);
        let mut hosts: Vec<_> = leases.map(|(name, lease)| (lease.address(), name.clone())).collect();
        hosts.sort();
        hosts
    }

    /// The DNS names of the mesh.
    pub(crate) fn names(&self) -> &DnsNames {
        &self.names
    }

    /// The address of the DNS server.
    pub(crate) fn dns_server(&self) -> SocketAddr {
        (BRIDGE, DNS).into()
    }

    /// Runs a future in the network between the tasks. Cancelling this drops it.
    ///
    /// # Errors
    ///
    /// If the future panicked.
    pub(crate) async fn run<T>(&self, future: impl Future<Output = T> + Send + 'static) -> io::Result<T>
    where
        T: Send + 'static,
    {
        self.runtime.run(future).await
    }
}

/// The DNS namespaces of a plan.
fn zones(plan: &Plan) -> impl Iterator<Item = &String> {
    let services = plan.cloud_map.iter().filter(|service| service.dns.is_some());
    services.map(|service| &service.namespace).chain(&plan.dns_zones)
}

/// The records of a plan's Cloud Map services, by host name.
fn records(plan: &Plan) -> impl Iterator<Item = (String, DnsRecords)> {
    let services = plan.cloud_map.iter();
    services.filter_map(|service| Some((service.hostname()?, service.dns?)))
}

/// The host names of virtual nodes that do not have them as backends, by mesh and virtual node.
fn own_names(meshes: &BTreeMap<String, Topology>) -> Vec<((String, String), String)> {
    let mut names = Vec::new();
    for (mesh, topology) in meshes {
        for (node, spec) in &topology.virtual_nodes {
            let Some(own) = spec.host_name() else { continue };
            let is_backend = spec
                .backends
                .iter()
                .any(|Backend::VirtualService(backend)| backend.virtual_service_name.eq_ignore_ascii_case(&own));
            if !is_backend {
                names.push(((mesh.clone(), node.clone()), own));
            }
        }
    }
    names
}

/// The virtual services of these meshes, by mesh and name.
fn virtual_services(meshes: &BTreeMap<String, Topology>) -> BTreeSet<(String, String)> {
    let services = meshes.iter().flat_map(|(mesh, topology)| {
        let services = topology.virtual_services.keys();
        services.map(move |name| (mesh.clone(), name.clone()))
    });
    services.collect()
}

impl std::fmt::Debug for MeshNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MeshNetwork")
            .field("bridge", &self.bridge)
            .finish_non_exhaustive()
    }
}
