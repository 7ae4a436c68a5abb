//! What the tasks of one mesh share where each has a network of its own: the bridge between them, the names, and the
//! addresses that are given out.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Mutex, PoisonError};

use mesh_model::app_mesh::Topology;
use mesh_model::namespace::Namespace;

use super::addresses::{AddressLease, AddressPool, AddressesExhausted, BRIDGE};
use super::dns::{DnsNames, DnsServer};
use super::netns_handle::NetnsHandle;
use super::setns::{NetnsRuntime, run_in_netns};
use crate::launcher::Launcher;
use crate::plan::Plan;

/// The port of DNS.
const DNS: u16 = 53;

/// The endpoints of a Service Connect namespace.
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

/// What the tasks of one mesh share. It is gone when this is dropped and the last task is.
pub(crate) struct MeshNetwork {
    runtime: NetnsRuntime,
    _dns: DnsServer,
    names: DnsNames,
    tasks: AddressPool,
    /// The addresses of Service Connect's endpoints, by namespace and name. They are the same in all tasks, and are never
    /// given to another name: tasks learn of them when they start.
    endpoints: Mutex<BTreeMap<String, Endpoints>>,
    /// Those of virtual services, by mesh and name.
    virtual_services: Mutex<BTreeMap<(String, String), AddressLease>>,
    of_virtual_services: AddressPool,
    bridge: NetnsHandle,
}

impl MeshNetwork {
    /// Makes the bridge, and gives every name of the plan that is no task's an address. Must be called on a Tokio runtime.
    /// Cancelling it leaves nothing behind.
    ///
    /// # Errors
    ///
    /// If the machine refuses; the error says what it refused.
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
            bridge,
        };
        network.name_new(plan).map_err(io::Error::other)?;
        Ok(network)
    }

    /// Makes known what the plan names, but for tasks, beside what is known already: whoever still runs under a former plan
    /// finds what it had. [`MeshNetwork::name_only`] with that former plan takes it back.
    ///
    /// # Errors
    ///
    /// If there are more names than addresses. Some may be known then.
    pub(crate) fn name_new(&self, plan: &Plan) -> Result<(), AddressesExhausted> {
        self.name_endpoints(&plan.namespaces)?;
        self.add_virtual_services(&plan.meshes)?;
        self.names.add_zones(zones(plan));
        Ok(())
    }

    /// Makes known no more than what the plan names, of that which [`MeshNetwork::name_new`] did. Endpoints of Service
    /// Connect keep their addresses, as tasks do not look those up anew.
    pub(crate) fn name_only(&self, plan: &Plan) {
        let services = virtual_services(&plan.meshes);
        let mut leases = self.virtual_services.lock().unwrap_or_else(PoisonError::into_inner);
        leases.retain(|service, _| services.contains(service));
        self.tell_virtual_services(&leases);
        self.names.keep_zones(zones(plan));
    }

    /// Gives each endpoint's name an address, as ECS does.
    fn name_endpoints(&self, namespaces: &[Namespace]) -> Result<(), AddressesExhausted> {
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

    /// Gives each virtual service of these meshes an address.
    ///
    /// # Errors
    ///
    /// If there are more of them than addresses. Nothing has changed then.
    fn add_virtual_services(&self, meshes: &BTreeMap<String, Topology>) -> Result<(), AddressesExhausted> {
        let services = virtual_services(meshes);
        let mut leases = self.virtual_services.lock().unwrap_or_else(PoisonError::into_inner);
        let new = services.iter().filter(|service| !leases.contains_key(*service));
        let new: Result<Vec<_>, _> = new
            .map(|service| Ok((service.clone(), self.of_virtual_services.allocate()?)))
            .collect();
        leases.extend(new?);
        self.tell_virtual_services(&leases);
        Ok(())
    }

    fn tell_virtual_services(&self, leases: &BTreeMap<(String, String), AddressLease>) {
        let addresses = leases.iter().map(|(service, lease)| (service.clone(), lease.address()));
        self.names.set_virtual_services(addresses);
    }

    /// A listener between the tasks, for all of them, on a port that the operating system picks.
    pub(crate) fn listen(&self) -> io::Result<TcpListener> {
        run_in_netns(self.bridge.pid(), || {
            let listener = TcpListener::bind((BRIDGE, 0))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        })
    }

    /// The process that holds the bridge.
    pub(crate) fn bridge(&self) -> u32 {
        self.bridge.pid()
    }

    /// An address for a task.
    pub(crate) fn address(&self) -> Result<AddressLease, AddressesExhausted> {
        self.tasks.allocate()
    }

    /// The addresses of all endpoints of a Service Connect namespace, with their names.
    pub(crate) fn endpoints_of(&self, namespace: &str) -> Vec<(Ipv4Addr, String)> {
        let all = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        let leases = all.get(namespace).into_iter().flat_map(|endpoints| &endpoints.leases);
        let mut hosts: Vec<_> = leases.map(|(name, lease)| (lease.address(), name.clone())).collect();
        hosts.sort();
        hosts
    }

    /// What names mean.
    pub(crate) fn names(&self) -> &DnsNames {
        &self.names
    }

    /// Where names are asked for.
    pub(crate) fn dns_server(&self) -> SocketAddr {
        (BRIDGE, DNS).into()
    }

    /// ContainerSource a future between the tasks, so that it can reach all of them. Cancelling this drops it.
    ///
    /// # Errors
    ///
    /// If it panicked.
    pub(crate) async fn run<T>(&self, future: impl Future<Output = T> + Send + 'static) -> io::Result<T>
    where
        T: Send + 'static,
    {
        self.runtime.run(future).await
    }
}

/// The DNS namespaces of a plan.
fn zones(plan: &Plan) -> impl Iterator<Item = &String> {
    let services = plan.cloud_map.iter().filter(|service| service.has_dns);
    services.map(|service| &service.namespace)
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
