//! One life of a task: its Envoy, its containers in order, its registration, and its end.
//!
//! The order is ECS's: the Service Connect proxy is up before any container starts, a container starts when
//! what it depends on is far enough, the task is registered when its essential containers are ready, and it ends
//! with the first essential container that does, or with its Envoy. What was started last is stopped first.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use mesh_control::Bootstrap;
use mesh_control::ads::Variant;
use tempfile::TempDir;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cloud_map::{CloudMap, Registration};
use crate::container::{Container, Surroundings};
use crate::envoy::Envoy;
use crate::event::Event;
use crate::launcher::Launcher;
use crate::plan::{Condition, ServicePlan};
use crate::slot::Slot;

/// How long the essential containers may take to become ready once all are started, if no health check decides
/// it earlier.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// What all tasks of a mesh share.
pub(crate) struct Shared {
    pub(crate) envoy: PathBuf,
    pub(crate) xds: std::net::SocketAddr,
    pub(crate) launcher: Launcher,
    pub(crate) cloud_map: CloudMap,
    pub(crate) on_event: Box<dyn Fn(Event) + Send + Sync>,
    /// Keeps the folder of all logs and sockets for as long as a task may write to it.
    pub(crate) _state: Arc<TempDir>,
}

/// A service's task in its slot.
pub(crate) struct Task<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) plan: &'a ServicePlan,
    pub(crate) slot: &'a Slot,
    /// Under what the task is to be registered.
    pub(crate) registrations: &'a [Registration],
}

/// What a task has started so far, to be stopped in reverse.
#[derive(Default)]
struct Started {
    envoy: Option<Envoy>,
    containers: Vec<Container>,
}

impl Task<'_> {
    /// Lives once: starts everything, calls `running` when others can reach it, and stops everything when told
    /// to (`Ok`) or when something essential fails.
    ///
    /// # Errors
    ///
    /// What failed, with the end of its log. Nothing is left running.
    pub(crate) async fn live(&self, stop: &CancellationToken, running: impl FnOnce()) -> Result<(), String> {
        let mut started = Started::default();
        let end = tokio::select! {
            () = stop.cancelled() => Ok(()),
            failure = self.start_and_watch(&mut started, running) => Err(failure),
        };
        started.stop().await;
        end
    }

    /// Ends only with a failure. The registration lives as long as this does.
    async fn start_and_watch(&self, started: &mut Started, running: impl FnOnce()) -> String {
        let beginning = Instant::now();
        if let Err(failure) = self.start(started).await {
            return failure;
        }
        let _registered = self.shared.cloud_map.register(&self.slot.name, self.registrations);
        self.say(Event::TaskRunning {
            task: self.slot.name.clone(),
            took: beginning.elapsed(),
        });
        running();
        started.first_failure().await
    }

    async fn start(&self, started: &mut Started) -> Result<(), String> {
        if let Some(wiring) = self.slot.wiring() {
            let beginning = Instant::now();
            let bootstrap = Bootstrap {
                node_id: self.slot.node_id(),
                wiring,
                xds: self.shared.xds,
                variant: Variant::Delta,
                admin: self.slot.admin_socket(),
            };
            let envoy = Envoy::start(
                &self.shared.envoy,
                &bootstrap,
                &self.slot.directory,
                &self.shared.launcher,
            )
            .await?;
            self.say(Event::EnvoyReady {
                task: self.slot.name.clone(),
                pid: envoy.pid(),
                took: beginning.elapsed(),
            });
            started.envoy = Some(envoy);
        }
        for plan in &self.plan.containers {
            for (name, condition) in &plan.depends_on {
                if let Some(other) = started.containers.iter().find(|container| container.name() == name) {
                    other.meets(*condition).await?;
                }
            }
            let around = Surroundings {
                environment: self.slot.environment_of(plan),
                addresses: self.slot.addresses_of(plan),
                log: self.slot.directory.join(format!("{}.log", plan.name)),
            };
            let container = Container::start(plan, around, &self.shared.launcher)?;
            self.say(Event::ContainerStarted {
                task: self.slot.name.clone(),
                container: plan.name.clone(),
                pid: container.pid(),
            });
            started.containers.push(container);
        }
        for container in started.containers.iter().filter(|container| container.is_essential()) {
            let ready = tokio::time::timeout(READY_WITHIN, container.meets(Condition::Healthy));
            ready.await.unwrap_or_else(|_| {
                Err(format!(
                    "container {} did not open its ports within {} s",
                    container.name(),
                    READY_WITHIN.as_secs()
                ))
            })?;
        }
        Ok(())
    }

    fn say(&self, event: Event) {
        (self.shared.on_event)(event);
    }
}

impl Started {
    /// Waits for the first essential part to fail, and says which and how.
    async fn first_failure(&mut self) -> String {
        let envoy = self.envoy.as_mut();
        let envoy_ends = async {
            match envoy {
                Some(envoy) => envoy.ended().await,
                None => std::future::pending().await,
            }
        };
        let essential = self.containers.iter().filter(|container| container.is_essential());
        let mut containers_fail: FuturesUnordered<_> = essential.map(Container::fails).collect();
        tokio::select! {
            failure = envoy_ends => failure,
            Some(failure) = containers_fail.next() => failure,
        }
    }

    async fn stop(mut self) {
        while let Some(container) = self.containers.pop() {
            container.stop().await;
        }
        if let Some(envoy) = self.envoy {
            envoy.stop().await;
        }
    }
}
