//! One life of a task: its Envoy, its containers in order, its registration, and its end.
//!
//! The order is ECS's: the Service Connect proxy is up before any container starts, and so is the Envoy of App Mesh,
//! whether or not containers wait for it. A container starts when what it depends on is far enough, the task is
//! registered when its essential containers are ready, and it ends with the first essential container that does, or
//! with its Envoy, or with its own network. It ends in this order: others learn that it leaves, its Envoy asks callers
//! to go elsewhere, the containers stop, what was started last first, and the Envoy delivers what is under way before
//! it stops, too.

mod netns;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use mesh_control::ApiType;
use mesh_control::node::NodeMetadata;
use mesh_control::{Admin, Bootstrap, ControlPlane};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cloud_map::{CloudMap, Registration};
use crate::container::{Container, ContainerContext};
use crate::envoy::Envoy;
use crate::envoy::admin::AdminClient;
use crate::event::Event;
use crate::launcher::Launcher;
use crate::network::MeshNetwork;
use crate::plan::{Condition, ServicePlan};
use crate::process::TaskFailure;
use crate::run_dir::RunDir;
use crate::slot::Slot;

use self::netns::TaskNetns;

/// How long a container may take to get as far as another needs that depends on it. ECS calls it `startTimeout`;
/// this is Fargate's default, and Fargate decides it.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html> (2026-11-23)
const START_TIMEOUT: Duration = Duration::from_secs(3 * 60);
/// How long the essential containers may take to become ready once all are started, if no health check decides
/// it earlier.
const READY_WITHIN: Duration = Duration::from_secs(120);
/// How long others may take to learn that a task leaves. They take milliseconds; one that hangs is not waited for.
const LEARN_WITHIN: Duration = Duration::from_secs(1);
/// How long an Envoy may take to deliver what is under way once the containers are gone.
const DELIVER_WITHIN: Duration = Duration::from_secs(10);
/// How long the other containers, and then the deliveries, may take after one part has failed: callers are waiting
/// for the successor.
const GRACE_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// What all tasks of a mesh share.
pub(crate) struct TaskContext {
    pub(crate) envoy: PathBuf,
    pub(crate) xds: std::net::SocketAddr,
    /// Where everybody sends spans.
    pub(crate) collector: std::net::SocketAddr,
    pub(crate) launcher: Launcher,
    pub(crate) cloud_map: CloudMap,
    pub(crate) control: ControlPlane,
    pub(crate) on_event: Box<dyn Fn(Event) + Send + Sync>,
    /// What tasks have networks of their own in; `None` if all share the machine's.
    pub(crate) network: Option<Arc<MeshNetwork>>,
    /// The folder of all logs and sockets, kept for as long as a task may write to it.
    pub(crate) state: Arc<RunDir>,
}

/// A service's task in its slot.
pub(crate) struct Task<'a> {
    pub(crate) shared: &'a TaskContext,
    pub(crate) plan: &'a ServicePlan,
    pub(crate) slot: &'a Slot,
    /// Under what the task is to be registered.
    pub(crate) registrations: &'a [Registration],
}

/// What a part of a task tells it without having been asked.
#[derive(Debug)]
pub(crate) enum TaskEvent {
    /// The task cannot go on.
    Failed(TaskFailure),
    /// Something takes long. The text goes on after "waiting for".
    WaitingFor(String),
}

/// What a task has started so far, to be stopped in reverse.
#[derive(Default)]
struct Started<'a> {
    containers: Vec<Container>,
    envoy: Option<Envoy>,
    netns: Option<TaskNetns<'a>>,
}

impl Task<'_> {
    /// Lives once: starts everything, calls `running` when others can reach it, and stops everything when told
    /// to (`Ok`) or when something essential fails.
    ///
    /// # Errors
    ///
    /// What failed, with the end of its log. Nothing is left running.
    pub(crate) async fn live(&self, stop: &CancellationToken, running: impl FnOnce()) -> Result<(), TaskFailure> {
        let mut started = Started::default();
        let end = tokio::select! {
            () = stop.cancelled() => Ok(()),
            failure = self.start_and_watch(&mut started, running) => Err(failure),
        };
        started.stop(&self.shared.control, end.is_err()).await;
        end
    }

    /// Ends only with a failure. The registration lives as long as this does.
    async fn start_and_watch<'a>(&'a self, started: &mut Started<'a>, running: impl FnOnce()) -> TaskFailure {
        let beginning = Instant::now();
        let Started {
            containers,
            envoy,
            netns,
        } = started;
        let netns = match TaskNetns::enter(self.slot, self.shared).await {
            Ok(entered) => &*netns.insert(entered),
            Err(failure) => return failure,
        };
        let (words, heard) = mpsc::channel(16);
        let mut failed = std::pin::pin!(async {
            tokio::select! {
                failure = self.listen(heard) => failure,
                failure = netns.lost() => failure,
            }
        });
        tokio::select! {
            failure = &mut failed => return failure,
            outcome = self.start(netns, containers, envoy, &words) => if let Err(failure) = outcome {
                return failure;
            }
        }
        let _registered = self.shared.cloud_map.register(&self.slot.name, self.registrations);
        self.say(Event::TaskRunning {
            task: self.slot.name.clone(),
            took: beginning.elapsed(),
        });
        running();
        failed.await
    }

    /// Hears what the parts say until one of them has failed.
    async fn listen(&self, mut heard: mpsc::Receiver<TaskEvent>) -> TaskFailure {
        loop {
            match heard.recv().await {
                Some(TaskEvent::Failed(failure)) => return failure,
                Some(TaskEvent::WaitingFor(what)) => self.say(Event::Waiting {
                    task: self.slot.name.clone(),
                    what,
                }),
                // Nobody is left who could say anything.
                None => std::future::pending().await,
            }
        }
    }

    async fn start(
        &self,
        netns: &TaskNetns<'_>,
        containers: &mut Vec<Container>,
        envoy: &mut Option<Envoy>,
        words: &mpsc::Sender<TaskEvent>,
    ) -> Result<(), TaskFailure> {
        if let Some(wiring) = self.slot.wiring() {
            self.start_envoy(wiring, netns, envoy, words).await?;
        }
        for plan in &self.plan.containers {
            for (name, condition) in &plan.depends_on {
                if let Some(other) = containers.iter().find(|container| container.name() == name) {
                    other.wait_for(*condition, START_TIMEOUT).await?;
                }
            }
            let context = ContainerContext {
                environment: self.slot.environment_of(plan),
                addresses: self.slot.addresses_of(plan),
                network: netns.holder(),
                log: self.slot.directory.join(format!("{}.log", plan.name)),
            };
            let container = Container::start(plan, context, netns.of_containers(), words.clone())?;
            self.slot.remember_log(&plan.name, container.log());
            self.say(Event::ContainerStarted {
                task: self.slot.name.clone(),
                container: plan.name.clone(),
                pid: container.pid(),
            });
            containers.push(container);
        }
        for container in containers.iter().filter(|container| container.is_essential()) {
            container.wait_for(Condition::Healthy, READY_WITHIN).await?;
        }
        Ok(())
    }

    async fn start_envoy(
        &self,
        wiring: NodeMetadata,
        netns: &TaskNetns<'_>,
        place: &mut Option<Envoy>,
        words: &mpsc::Sender<TaskEvent>,
    ) -> Result<(), TaskFailure> {
        let beginning = Instant::now();
        let socket = self.slot.admin_socket();
        let page = AdminClient::new(&socket, &self.slot.tcp_listeners())
            .map_err(|error| format!("no client for Envoy's admin page: {error}"))?;
        let bootstrap = Bootstrap {
            node_id: self.slot.node_id().unwrap_or_default().to_owned(),
            metadata: wiring,
            xds: self.shared.xds.into(),
            api_type: ApiType::DeltaGrpc,
            admin: Admin::Socket(socket),
            sds: self.slot.sds(),
            dns_servers: self.shared.network.iter().map(|network| network.dns_server()).collect(),
        };
        let files = netns.files_of_envoy(&self.shared.envoy);
        let envoy = Envoy::start(files, &bootstrap, page, netns.of_envoy(), words.clone()).await?;
        self.slot.remember_log("envoy", envoy.log());
        let envoy = place.insert(envoy);
        envoy.ready().await?;
        self.say(Event::EnvoyReady {
            task: self.slot.name.clone(),
            pid: envoy.pid(),
            took: beginning.elapsed(),
        });
        Ok(())
    }

    fn say(&self, event: Event) {
        (self.shared.on_event)(event);
    }
}

impl Started<'_> {
    /// Stops everything in the order that loses no request, in a hurry after a failure. The task is not
    /// registered any more.
    async fn stop(mut self, control: &ControlPlane, failed: bool) {
        let envoy = self.envoy.take().filter(|envoy| !envoy.has_ended());
        if let Some(envoy) = &envoy {
            let _too_slow = tokio::time::timeout(LEARN_WITHIN, control.settled(0)).await;
            envoy.drain().await;
        }
        if failed {
            let in_a_hurry = |container: Container| container.stop(Some(GRACE_AFTER_FAILURE));
            join_all(self.containers.into_iter().map(in_a_hurry)).await;
        } else {
            while let Some(container) = self.containers.pop() {
                container.stop(None).await;
            }
        }
        if let Some(envoy) = envoy {
            envoy
                .stop(if failed { GRACE_AFTER_FAILURE } else { DELIVER_WITHIN })
                .await;
        }
        if let Some(netns) = self.netns {
            netns.leave().await;
        }
    }
}
