//! A whole mesh on this machine: started from a plan, running until it is told to stop.

mod apply;
mod call_scope;
mod difference;
mod start;
mod task_set;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mesh_control::{Addresses, ControlPlane, MeshState, Status, egress_clusters};
use mesh_model::app_mesh::ResourcePath;
use tokio_util::task::AbortOnDropHandle;

use crate::cloud_map::CloudMap;
use crate::event::Event;
use crate::launcher::Launcher;
use crate::mesh_state::initial_state;
use crate::network::{MeshNetwork, Network};
use crate::plan::Plan;
use crate::request_path::{AddressIndex, RequestPath};
use crate::run_dir::RunDir;
use crate::slot::SlotNetns;
use crate::statistics::{NodeStatistics, gather};
use crate::task::TaskContext;
use crate::traces::{Collector, TraceWatch};

pub use self::apply::{Applied, ApplyError};
pub use self::call_scope::CallScope;
pub use self::start::StartError;
use self::start::{locate_envoy, state_folder};
use self::task_set::TaskSet;

/// How long the Envoys may take to learn of the last task. They take milliseconds; a mesh with one that hangs is
/// still worth calling.
const SETTLED_WITHIN: Duration = Duration::from_secs(10);

/// A mesh that runs or is coming up. Dropping it kills everything at once; [`LocalMesh::shutdown`] stops it in
/// good order.
#[derive(Debug)]
pub struct LocalMesh {
    /// What it is at the moment.
    plan: Plan,
    control: ControlPlane,
    task_set: TaskSet,
    /// Its files. The tasks hold it too, so that it is removed after the last process that writes to it.
    state: Arc<RunDir>,
    network: Option<Arc<MeshNetwork>>,
    collector: Collector,
    _serving: AbortOnDropHandle<()>,
}

/// A task of a running mesh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskAddress {
    /// Its name: the service's, a slash and a number counted from 1.
    pub task: String,
    /// Where its Envoy takes requests, by the names of its ports. Those of a virtual node or a virtual gateway are the
    /// numbers of its listeners' ports.
    pub ingress: BTreeMap<String, SocketAddr>,
    /// The names of those of these ports that carry TCP and not HTTP.
    pub tcp: BTreeSet<String>,
    /// Where its applications are found. Calls to them pass no Envoy, unless the task has a network of its own.
    pub applications: Vec<SocketAddr>,
    /// The process that holds the task's own network. `None` if it has none, or does not live at the moment.
    pub network: Option<u32>,
}

impl LocalMesh {
    /// Starts everything in `plan`, with its tasks in such a network. `on_event` is called with everything that happens,
    /// then and later, from whichever thread it happens on. [`LocalMesh::ready`] waits until all of it is running, and
    /// [`LocalMesh::apply`] makes it what another plan says.
    ///
    /// Must be called on a Tokio runtime. Cancelling it leaves nothing behind.
    ///
    /// # Errors
    ///
    /// If there is no Envoy, or the machine refuses something: networks of namespaces need privileges.
    pub async fn start(
        plan: Plan,
        network: Network,
        launcher: Launcher,
        on_event: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let state = state_folder(network)?;
        let (envoy, on_event) = locate_envoy(on_event).await?;
        for (logical_id, kind) in plan.not_simulated_in(network) {
            on_event(Event::NotSimulated { logical_id, kind });
        }
        let network = start::network(network, &plan, &launcher).await?;
        let state = Arc::new(state);
        let (control, serving) = control_plane(initial_state(&plan), network.as_deref())
            .await
            .map_err(|source| StartError::Machine {
                what: "starting the control plane",
                source,
            })?;
        on_event(Event::ControlPlaneReady(control.addresses()));
        let collector = Collector::start(network.as_deref()).await;
        let collector = collector.map_err(|source| StartError::Machine {
            what: "starting the collector of spans",
            source,
        })?;
        let shared = Arc::new(TaskContext {
            envoy: envoy.path,
            xds: control.addresses().xds,
            collector: collector.address(),
            launcher,
            cloud_map: CloudMap::new(control.clone(), network.as_ref().map(|network| network.names().clone())),
            network: network.clone(),
            control: control.clone(),
            on_event: Box::new(on_event),
            state: Arc::clone(&state),
        });
        let watcher = Arc::clone(&shared);
        let serving = tokio::spawn(async move {
            if let Err(error) = serving.await {
                (watcher.on_event)(Event::ControlPlaneFailed(error.to_string()));
            }
        });
        let mut task_set = TaskSet::new(shared);
        for service in &plan.services {
            let service = Arc::new(service.clone());
            let added = task_set.add(&service, service.desired_count, &plan.namespaces);
            added.map_err(|source| StartError::Machine {
                what: "making a place for a task",
                source,
            })?;
        }
        Ok(Self {
            plan,
            control,
            task_set,
            state,
            network,
            collector,
            _serving: AbortOnDropHandle::new(serving),
        })
    }

    /// Waits until every task has been running and every Envoy has been told of all of them; the latter not longer
    /// than ten seconds. Cancelling it loses nothing: it can be called again.
    ///
    /// # Errors
    ///
    /// The first task that failed before it was ever running, with the end of its log. The others go on.
    pub async fn ready(&mut self) -> Result<(), StartError> {
        self.task_set.ready().await.map_err(StartError::Task)?;
        let envoys = self.task_set.slots().filter(|slot| slot.is_in_mesh()).count();
        let settled = tokio::time::timeout(SETTLED_WITHIN, self.control.settled(envoys));
        if settled.await.is_err() {
            tracing::warn!("some Envoy has not accepted its latest configuration; the status page says which");
        }
        Ok(())
    }

    /// The tasks, service by service.
    pub fn tasks(&self) -> impl Iterator<Item = TaskAddress> {
        self.task_set.slots().map(|slot| TaskAddress {
            task: slot.name.clone(),
            ingress: slot
                .ingresses()
                .map(|(name, address)| (name.to_owned(), address))
                .collect(),
            tcp: slot.tcp_ingresses().map(str::to_owned).collect(),
            applications: slot.apps().map(|(_, address)| address).collect(),
            network: slot.network().and_then(SlotNetns::holder),
        })
    }

    /// The services that are to have no task.
    pub fn services_without_tasks(&self) -> impl Iterator<Item = &str> {
        let services = self.plan.services.iter();
        let without = services.filter(|service| service.desired_count == 0);
        without.map(|service| service.name.as_str())
    }

    /// Where the Envoy of a service's first task takes requests, on the port of this name or, without one, on
    /// its only one.
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

    /// ContainerSource a future where the addresses of [`LocalMesh::tasks`] can be reached: on this machine, or between the networks
    /// of the tasks. Clients that it uses must not be used elsewhere. Cancelling this drops it.
    ///
    /// # Errors
    ///
    /// If it panicked.
    pub async fn run_in_call_scope<T>(&self, future: impl Future<Output = T> + Send + 'static) -> io::Result<T>
    where
        T: Send + 'static,
    {
        self.call_scope().run(future).await
    }

    /// The same place for whoever goes on while the mesh changes.
    #[must_use]
    pub fn call_scope(&self) -> CallScope {
        CallScope(self.network.clone())
    }

    /// The process that holds the network between the tasks, if they have networks of their own.
    #[must_use]
    pub fn bridge(&self) -> Option<u32> {
        self.network.as_ref().map(|network| network.bridge())
    }

    /// The path of the request with this W3C trace id, an [`crate::request_path::sampled_trace_id`], that was sent to
    /// `entry`, the address of an Envoy's ingress. Waits up to two seconds for Envoys to write down their part.
    /// Cancelling it loses nothing.
    pub async fn path(&self, trace_id: &str, entry: SocketAddr) -> RequestPath {
        let atlas = AddressIndex::new(self.task_set.slots());
        atlas.path(trace_id, entry).await
    }

    /// What the Envoys have counted of calls to the tasks of a virtual node. Nothing for one that there is not.
    ///
    /// # Errors
    ///
    /// If one of them does not answer, as when it is being started or stopped. It is worth asking again.
    pub async fn statistics(&self, node: &ResourcePath) -> Result<NodeStatistics, String> {
        let mesh = self.plan.meshes.get(&node.mesh);
        let clusters = mesh.map_or_else(Vec::new, |mesh| egress_clusters(mesh, &node.name));
        let in_mesh = self.task_set.slots().filter(|slot| slot.is_in_mesh());
        let envoys: Vec<_> = in_mesh.map(|slot| (slot.name.clone(), slot.admin_socket())).collect();
        gather(&envoys, &clusters).await
    }

    /// Keeps the spans of the request that will carry this `traceparent`, sampled, from now on and until what is given is
    /// dropped. `None` if it is no `traceparent` of version 00.
    #[must_use]
    pub fn watch_trace(&self, traceparent: &str) -> Option<TraceWatch> {
        self.collector.watch(traceparent)
    }

    /// The end of every log that is not empty, each under a line that says whose it is.
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

    /// The folder with the log of every container and Envoy, one folder per task. Gone with the mesh.
    #[must_use]
    pub fn logs(&self) -> &Path {
        self.state.path()
    }

    /// Where the control plane listens.
    #[must_use]
    pub fn control_plane(&self) -> Addresses {
        self.control.addresses()
    }

    /// What the connected Envoys have and what they refused.
    #[must_use]
    pub fn status(&self) -> Status {
        self.control.status()
    }

    /// Stops everything: tasks are taken out of Cloud Map, finish their requests, and end. Takes up to the sum of a
    /// task's stop timeouts and ten seconds for what is still being delivered. Cancelling it kills what is left.
    pub async fn shutdown(self) {
        self.task_set.shutdown().await;
    }
}

/// A control plane where the tasks can reach it.
async fn control_plane(
    world: MeshState,
    network: Option<&MeshNetwork>,
) -> io::Result<(ControlPlane, impl Future<Output = io::Result<()>> + Send + use<>)> {
    let mut builder = ControlPlane::builder().mesh_state(world);
    if let Some(network) = network {
        builder = builder.xds_listener(network.listen()?);
    }
    let (control, serving) = builder.bind().await.map_err(io::Error::other)?;
    Ok((control, async { serving.await.map_err(io::Error::other) }))
}
