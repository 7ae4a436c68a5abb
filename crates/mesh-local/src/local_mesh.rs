//! A mesh on this machine: starts a plan and keeps it running until shutdown.

mod apply;
mod call_scope;
mod describe;
mod difference;
mod meshes;
mod operations;
mod problems;
mod service_start;
mod start;
mod task_set;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mesh_control::{Addresses, ControlPlane, MeshState, Status, XdsAuthenticator, egress_clusters};
use mesh_model::app_mesh::ResourcePath;
use mesh_model::app_mesh::tls::TlsMode;
use mesh_model::load_balancer::ListenerProtocol;
use tokio_util::task::AbortOnDropHandle;

use crate::certificates::CertificateStore;
use crate::cloud_map::CloudMap;
use crate::event::Event;
use crate::launcher::Launcher;
use crate::mesh_state::initial_state;
use crate::network::{MeshNetwork, Network};
use crate::plan::{Membership, Plan};
use crate::request_path::{AddressIndex, RequestPath};
use crate::run_dir::RunDir;
use crate::slot::SlotNetns;
use crate::statistics::{NodeStatistics, StatisticsError, collect};
use crate::task::{LoadBalancerSockets, TaskContext};
use crate::traces::{Collector, TraceWatch};

pub use self::apply::{Applied, ApplyError};
pub use self::call_scope::CallScope;
pub use self::operations::OperationError;
pub use self::problems::Problem;
pub use self::start::StartError;
use self::start::{create_run_dir, locate_envoy};
use self::task_set::TaskSet;

/// Timeout for all Envoys to receive the last task's endpoints. They take milliseconds; a mesh with an Envoy that hangs
/// is still usable.
const SYNC_TIMEOUT: Duration = Duration::from_secs(10);

/// A mesh that is running or starting. Dropping it kills everything at once; [`LocalMesh::shutdown`] stops it
/// gracefully.
#[derive(Debug)]
pub struct LocalMesh {
    /// The current plan.
    plan: Plan,
    control: ControlPlane,
    task_set: TaskSet,
    /// Its files. Tasks hold it too, so that it is removed after the last process that writes to it.
    run_dir: Arc<RunDir>,
    network: Option<Arc<MeshNetwork>>,
    collector: Collector,
    certificates: CertificateStore,
    _serving: AbortOnDropHandle<()>,
}

/// A task of a running mesh, with its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskAddress {
    /// Its name: service, slash and a number from 1.
    pub task: String,
    /// The ingress addresses of its Envoy by port name. The ports of a virtual node or virtual gateway are named by
    /// number.
    pub ingress: BTreeMap<String, SocketAddr>,
    /// The names of TCP ports among them.
    pub tcp: BTreeSet<String>,
    /// The names of ports with TLS among them.
    pub tls: BTreeSet<String>,
    /// The addresses of its applications. Calls to them bypass Envoy, except in [`Network::Namespaces`].
    pub applications: Vec<SocketAddr>,
    /// The init process of its network namespace. `None` if it has none, or is not running.
    pub network: Option<u32>,
}

/// A listener of a load balancer, as it is reached from this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entrance {
    /// The name of the load balancer.
    pub load_balancer: String,
    /// Name of the service that it publishes; `None` for a load balancer of the templates.
    pub publishes: Option<String>,
    /// The port of the listener in the template.
    pub port: u16,
    /// The protocol of the listener.
    pub protocol: ListenerProtocol,
    /// Its address on this machine.
    pub address: SocketAddr,
}

impl LocalMesh {
    /// Starts everything in `plan`, in this network mode. `on_event` receives all events, now and later, on any thread.
    /// [`LocalMesh::ready`] waits until all tasks are running, and [`LocalMesh::apply`] updates the mesh to another
    /// plan.
    ///
    /// Must be called on a Tokio runtime. Cancelling this leaves nothing behind.
    ///
    /// # Errors
    ///
    /// If there is no Envoy, or a system call fails: network namespaces need privileges.
    pub async fn start(
        plan: Plan,
        network: Network,
        launcher: Launcher,
        on_event: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let run_dir = create_run_dir(network)?;
        let (envoy, on_event) = locate_envoy(on_event).await?;
        for (logical_id, kind) in plan.not_simulated_in(network) {
            on_event(Event::NotSimulated { logical_id, kind });
        }
        for (path, note) in plan.assumed.clone() {
            on_event(Event::Assumed { path, note });
        }
        let mut certificates = CertificateStore::default();
        let provided = certificates.provide(&plan);
        let (provided, notes) = provided.map_err(|source| StartError::Machine {
            what: "cannot make a certificate",
            source,
        })?;
        for (path, note) in notes {
            on_event(Event::Assumed { path, note });
        }
        let network = start::network(network, &plan, &launcher).await?;
        let run_dir = Arc::new(run_dir);
        let state = MeshState {
            certificates: provided,
            ..initial_state(&plan)
        };
        let (control, serving) =
            control_plane(state, network.as_deref())
                .await
                .map_err(|source| StartError::Machine {
                    what: "cannot start the control plane",
                    source,
                })?;
        on_event(Event::ControlPlaneReady(control.addresses()));
        let collector = Collector::start(network.as_deref()).await;
        let collector = collector.map_err(|source| StartError::Machine {
            what: "cannot start the span collector",
            source,
        })?;
        let context = Arc::new(TaskContext {
            envoy: envoy.path,
            xds: control.addresses().xds,
            collector: collector.address(),
            launcher,
            cloud_map: CloudMap::new(control.clone(), network.as_ref().map(|network| network.names().clone())),
            load_balancer_sockets: LoadBalancerSockets::default(),
            network: network.clone(),
            control: control.clone(),
            on_event: Box::new(on_event),
            run_dir: Arc::clone(&run_dir),
        });
        let watcher = Arc::clone(&context);
        let serving = tokio::spawn(async move {
            if let Err(error) = serving.await {
                (watcher.on_event)(Event::ControlPlaneFailed(error.to_string()));
            }
        });
        let mut task_set = TaskSet::new(context);
        for service in plan.task_services() {
            task_set.expect(&service.name, service.desired_count);
        }
        for service in plan.task_services() {
            let service = Arc::new(service.clone());
            let added = task_set.add(&service, service.desired_count, &plan.namespaces);
            added.map_err(|source| StartError::Machine {
                what: "cannot create a task slot",
                source,
            })?;
        }
        Ok(Self {
            plan,
            control,
            task_set,
            run_dir,
            network,
            collector,
            certificates,
            _serving: AbortOnDropHandle::new(serving),
        })
    }

    /// Waits until every task has been running, and every Envoy has received all of them; the latter for at most ten
    /// seconds. Cancelling this loses nothing: it can be called again.
    ///
    /// # Errors
    ///
    /// The first task that failed before it was ever running, with the end of its log. The other tasks keep running.
    pub async fn ready(&mut self) -> Result<(), StartError> {
        self.task_set.ready().await.map_err(StartError::Task)?;
        self.wait_for_envoys().await;
        Ok(())
    }

    /// Waits until every Envoy has an ACK or NACK for the current state, for a limited time: see [`LocalMesh::problems`].
    async fn wait_for_envoys(&self) {
        let envoys = self.task_set.running().filter(|slot| slot.is_in_mesh()).count();
        let _timed_out = tokio::time::timeout(SYNC_TIMEOUT, self.control.settled(envoys)).await;
    }

    /// Adds the certificates of a plan to those that the Envoys can get.
    fn provide_certificates(&mut self, plan: &Plan) -> Result<(), ApplyError> {
        let (provided, notes) = self.certificates.provide(plan).map_err(ApplyError::Certificate)?;
        for (path, note) in notes {
            self.task_set.emit(Event::Assumed { path, note });
        }
        self.control.update(|state| {
            state.certificates.identities.extend(provided.identities);
            state.certificates.authorities.extend(provided.authorities);
        });
        Ok(())
    }

    /// The certificate of the development authority, if a certificate of its own is used.
    #[must_use]
    pub fn development_authority(&self) -> Option<&Path> {
        self.certificates.authority_file()
    }

    /// The entrances: the listeners of load balancers, in the order of their names and ports.
    pub fn entrances(&self) -> impl Iterator<Item = Entrance> {
        self.plan.load_balancers.values().flat_map(|load_balancer| {
            let publishes = self.plan.published_service(&load_balancer.name);
            let service = format!("load-balancer.{}", load_balancer.name);
            let mut slots = self.task_set.slots();
            let slot = slots.find(|slot| slot.service.service == service);
            let listeners = load_balancer.listeners.iter().filter_map(move |(port, listener)| {
                let address = slot?.entrance(*port).or_else(|| slot?.ingress(&port.to_string()))?;
                Some(Entrance {
                    load_balancer: load_balancer.name.clone(),
                    publishes: publishes.clone(),
                    port: *port,
                    protocol: listener.protocol,
                    address,
                })
            });
            listeners.collect::<Vec<_>>()
        })
    }

    /// All tasks of services, by service, without those that failed before they were ever running.
    pub fn tasks(&self) -> impl Iterator<Item = TaskAddress> {
        let slots = self.task_set.running();
        let slots = slots.filter(|slot| !slot.is_load_balancer());
        slots.map(|slot| TaskAddress {
            task: slot.name.clone(),
            ingress: slot
                .ingresses()
                .map(|(name, address)| (name.to_owned(), address))
                .collect(),
            tcp: slot.tcp_ingresses().map(str::to_owned).collect(),
            tls: self.ports_with_tls(&slot.service.service),
            applications: slot.apps().map(|(_, address)| address).collect(),
            network: slot.network().and_then(SlotNetns::init_pid),
        })
    }

    /// The listener ports with TLS of the virtual node or gateway of a service's tasks.
    fn ports_with_tls(&self, service: &str) -> BTreeSet<String> {
        let service = self.plan.services.iter().find(|found| found.name == service);
        let node = service.and_then(|service| match &service.membership {
            Membership::Mesh(node) => Some(&node.path),
            Membership::Namespace(_) | Membership::None | Membership::LoadBalancer(_) => None,
        });
        let listeners = node.and_then(|path| Some(self.plan.meshes.get(&path.mesh)?.listeners(path)));
        let secured = listeners.unwrap_or_default().iter().filter(|listener| {
            let tls = listener.tls.as_ref();
            tls.is_some_and(|tls| tls.mode == TlsMode::Strict)
        });
        secured.map(|listener| listener.port_mapping.port.to_string()).collect()
    }

    /// The services with a desired count of 0.
    pub fn services_without_tasks(&self) -> impl Iterator<Item = &str> {
        let services = self.plan.services.iter();
        let without = services.filter(|service| service.desired_count == 0);
        without.map(|service| service.name.as_str())
    }

    /// The ingress address of a service's first task, for the port of this name, or, without a name, for its only port.
    #[must_use]
    pub fn address_of(&self, service: &str, port_name: Option<&str>) -> Option<SocketAddr> {
        let slot = self.task_set.slots().find(|slot| slot.service.service == service)?;
        match port_name {
            Some(name) => slot.ingress(name),
            None => {
                let mut ingresses = slot.ingresses();
                let (_, only) = ingresses.next()?;
                ingresses.next().is_none().then_some(only)
            }
        }
    }

    /// Runs a future where the addresses of [`LocalMesh::tasks`] are reachable: on this machine, or in the network
    /// between the tasks. Its clients must not be used elsewhere. Cancelling this drops it.
    ///
    /// # Errors
    ///
    /// If the future panicked.
    pub async fn run_in_call_scope<T>(&self, future: impl Future<Output = T> + Send + 'static) -> io::Result<T>
    where
        T: Send + 'static,
    {
        self.call_scope().run(future).await
    }

    /// The same scope for callers that outlive this reference, while the mesh changes.
    #[must_use]
    pub fn call_scope(&self) -> CallScope {
        CallScope(self.network.clone())
    }

    /// The init process of the network between the tasks, in [`Network::Namespaces`].
    #[must_use]
    pub fn bridge(&self) -> Option<u32> {
        self.network.as_ref().map(|network| network.bridge())
    }

    /// The path of the request with this W3C trace id, an [`crate::request_path::sampled_trace_id`], that was sent to
    /// `entry`, the address of an Envoy's ingress. Waits up to two seconds for missing access-log entries. Cancelling
    /// this loses nothing.
    pub async fn path(&self, trace_id: &str, entry: SocketAddr) -> RequestPath {
        let index = AddressIndex::new(self.task_set.slots());
        index.path(trace_id, entry).await
    }

    /// Statistics of the calls to the tasks of a virtual node, as counted by all Envoys. Empty for an unknown node.
    ///
    /// # Errors
    ///
    /// If an Envoy does not respond, for example while it starts or stops. Retry then.
    pub async fn statistics(&self, node: &ResourcePath) -> Result<NodeStatistics, StatisticsError> {
        let mesh = self.plan.meshes.get(&node.mesh);
        let clusters = mesh.map_or_else(Vec::new, |mesh| egress_clusters(mesh, &node.name));
        let in_mesh = self.task_set.slots().filter(|slot| slot.is_in_mesh());
        let envoys: Vec<_> = in_mesh.map(|slot| (slot.name.clone(), slot.admin_socket())).collect();
        collect(&envoys, &clusters).await
    }

    /// Keeps the spans of the request with this sampled `traceparent`, until the returned watch is dropped. `None` if
    /// it is not a `traceparent` of version 00.
    #[must_use]
    pub fn watch_trace(&self, traceparent: &str) -> Option<TraceWatch> {
        self.collector.watch(traceparent)
    }

    /// The end of every log that is not empty, each below a heading with its task and container.
    #[must_use]
    pub fn log_tails(&self) -> String {
        let mut tails = String::new();
        for slot in self.task_set.slots() {
            for (name, tail) in slot.log_tails() {
                tails.push_str(&format!("{} {name}:\n{tail}\n", slot.name));
            }
        }
        tails
    }

    /// The directory with the logs of all containers and Envoys, one directory per task. Removed with the mesh.
    #[must_use]
    pub fn logs(&self) -> &Path {
        self.run_dir.path()
    }

    /// The addresses of the control plane.
    #[must_use]
    pub fn control_plane(&self) -> Addresses {
        self.control.addresses()
    }

    /// The connected Envoys, with their acknowledged and rejected configuration.
    #[must_use]
    pub fn status(&self) -> Status {
        self.control.status()
    }

    /// Stops everything: deregisters tasks from Cloud Map, completes their requests, and ends them. Takes up to the sum
    /// of a task's stop timeouts and ten seconds for open requests. Cancelling this kills the rest.
    pub async fn shutdown(self) {
        self.task_set.shutdown().await;
    }
}

/// Starts a control plane that is reachable from the tasks.
async fn control_plane(
    state: MeshState,
    network: Option<&MeshNetwork>,
) -> io::Result<(ControlPlane, impl Future<Output = io::Result<()>> + Send + use<>)> {
    let mut builder = ControlPlane::builder().mesh_state(state);
    if let Some(network) = network {
        // All tasks reach it, so each must prove which node it is.
        let authenticator = XdsAuthenticator::default().with_tokens(network.tokens().clone());
        builder = builder
            .xds_listener(network.listen()?)
            .xds_authenticator(Arc::new(authenticator));
    }
    let (control, serving) = builder.bind().await.map_err(io::Error::other)?;
    Ok((control, async { serving.await.map_err(io::Error::other) }))
}
