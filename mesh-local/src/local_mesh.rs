//! A whole mesh on this machine: started from a plan, running until it is told to stop.

mod start;
mod update;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mesh_control::{Addresses, ControlPlane, ads};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::cloud_map::{CloudMap, Registration};
use crate::event::Event;
use crate::launcher::Launcher;
use crate::path::{Atlas, Journey};
use crate::plan::{Plan, ServicePlan};
use crate::slot::Slot;
use crate::supervisor::keep_running;
use crate::task::{Shared, Task};
use crate::world::{registrations, world};

pub use self::start::StartError;
use self::start::{locate_envoy, places, state_directory};
pub use self::update::UpdateError;

/// How long the Envoys may take to learn of the last task. They take milliseconds; a mesh with one that hangs is
/// still worth calling.
const SETTLED_WITHIN: Duration = Duration::from_secs(10);

/// A mesh that runs or is coming up. Dropping it kills everything at once; [`LocalMesh::shutdown`] stops it in
/// good order.
#[derive(Debug)]
pub struct LocalMesh {
    /// What it was started with. Its meshes may have changed since.
    plan: Plan,
    control: ControlPlane,
    slots: Vec<Arc<Slot>>,
    atlas: Atlas,
    stop: CancellationToken,
    supervisors: JoinSet<()>,
    waiting: JoinSet<Result<(), String>>,
    /// Its files. The tasks hold it too, so that it is removed after the last process that writes to it.
    state: Arc<TempDir>,
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
    /// Where its applications listen. Calls to them pass no Envoy.
    pub applications: Vec<SocketAddr>,
}

impl LocalMesh {
    /// Starts everything in `plan`. `on_event` is called with everything that happens, then and later, from
    /// whichever thread it happens on. [`LocalMesh::ready`] waits until all of it is running.
    ///
    /// Must be called on a Tokio runtime. Cancelling it leaves nothing behind.
    ///
    /// # Errors
    ///
    /// If there is no Envoy, or the machine refuses something.
    pub async fn start(
        plan: Plan,
        launcher: Launcher,
        on_event: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let (envoy, on_event) = locate_envoy(on_event).await?;
        for (logical_id, kind) in &plan.not_simulated {
            on_event(Event::NotSimulated {
                logical_id: logical_id.clone(),
                kind: kind.clone(),
            });
        }
        let state = Arc::new(state_directory()?);
        let (control, serving) = ControlPlane::bind(Addresses::default(), world(&plan))
            .await
            .map_err(|source| StartError::Machine {
                what: "starting the control plane",
                source,
            })?;
        on_event(Event::ControlPlaneReady(control.addresses()));
        let places = places(&plan, state.path()).map_err(|source| StartError::Machine {
            what: "reserving directories and ports",
            source,
        })?;
        let shared = Arc::new(Shared {
            envoy: envoy.path,
            xds: control.addresses().xds,
            launcher,
            cloud_map: CloudMap::new(control.clone()),
            control: control.clone(),
            on_event: Box::new(on_event),
            _state: Arc::clone(&state),
        });
        let watcher = Arc::clone(&shared);
        let serving = tokio::spawn(async move {
            if let Err(error) = serving.await {
                (watcher.on_event)(Event::ControlPlaneFailed(error.to_string()));
            }
        });
        let namespaces = plan.namespaces.clone();
        let mut mesh = Self {
            plan,
            control,
            atlas: Atlas::new(places.iter().map(|(slot, _)| slot.as_ref())),
            slots: places.iter().map(|(slot, _)| Arc::clone(slot)).collect(),
            stop: CancellationToken::new(),
            supervisors: JoinSet::new(),
            waiting: JoinSet::new(),
            state,
            _serving: AbortOnDropHandle::new(serving),
        };
        for (slot, service) in places {
            let registrations = registrations(&slot, &service, &namespaces);
            mesh.supervise(slot, service, registrations, &shared);
        }
        Ok(mesh)
    }

    fn supervise(
        &mut self,
        slot: Arc<Slot>,
        plan: Arc<ServicePlan>,
        registrations: Vec<Registration>,
        shared: &Arc<Shared>,
    ) {
        let (first, running) = oneshot::channel();
        let (shared, stop) = (Arc::clone(shared), self.stop.clone());
        self.supervisors.spawn(async move {
            let task = Task {
                shared: &shared,
                plan: &plan,
                slot: &slot,
                registrations: &registrations,
            };
            keep_running(&task, &stop, first).await;
        });
        self.waiting.spawn(async move {
            let ended = || Err("a task ended before it was running".to_owned());
            running.await.unwrap_or_else(|_| ended())
        });
    }

    /// Waits until every task has been running and every Envoy has been told of all of them; the latter not longer
    /// than ten seconds. Cancelling it loses nothing: it can be called again.
    ///
    /// # Errors
    ///
    /// The first task that failed before it was ever running, with the end of its log. The others go on.
    pub async fn ready(&mut self) -> Result<(), StartError> {
        while let Some(joined) = self.waiting.join_next().await {
            joined
                .unwrap_or_else(|panic| Err(panic.to_string()))
                .map_err(StartError::Task)?;
        }
        let envoys = self.slots.iter().filter(|slot| slot.is_in_mesh()).count();
        let settled = tokio::time::timeout(SETTLED_WITHIN, self.control.settled(envoys));
        if settled.await.is_err() {
            tracing::warn!("some Envoy has not accepted its latest configuration; the status page says which");
        }
        Ok(())
    }

    /// The tasks, service by service.
    pub fn tasks(&self) -> impl Iterator<Item = TaskAddress> {
        self.slots.iter().map(|slot| TaskAddress {
            task: slot.name.clone(),
            ingress: slot
                .ingresses()
                .map(|(name, address)| (name.to_owned(), address))
                .collect(),
            tcp: slot.tcp_ingresses().map(str::to_owned).collect(),
            applications: slot.apps().map(|(_, address)| address).collect(),
        })
    }

    /// Where the Envoy of a service's first task takes requests, on the port of this name or, without one, on
    /// its only one.
    #[must_use]
    pub fn address_of(&self, service: &str, port_name: Option<&str>) -> Option<SocketAddr> {
        let slot = self.slots.iter().find(|slot| slot.service.service == service)?;
        match port_name {
            Some(name) => slot.ingress(name),
            None => {
                let mut ingresses = slot.ingresses();
                let (_, only) = ingresses.next()?;
                ingresses.next().is_none().then_some(only)
            }
        }
    }

    /// The path of the request with this W3C trace id, an [`crate::path::observed_trace_id`], that was sent to
    /// `entry`, the address of an Envoy's ingress. Waits up to two seconds for Envoys to write down their part.
    /// Cancelling it loses nothing.
    pub async fn path(&self, trace_id: &str, entry: SocketAddr) -> Journey {
        self.atlas.path(trace_id, entry).await
    }

    /// The end of every log that is not empty, each under a line that says whose it is.
    #[must_use]
    pub fn log_tails(&self) -> String {
        let mut tails = String::new();
        for slot in &self.slots {
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
    pub fn status(&self) -> ads::Status {
        self.control.status()
    }

    /// Stops everything: tasks are taken out of Cloud Map, finish their requests, and end. Takes up to the sum of a
    /// task's stop timeouts and ten seconds for what is still being delivered. Cancelling it kills what is left.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        while self.supervisors.join_next().await.is_some() {}
    }
}
