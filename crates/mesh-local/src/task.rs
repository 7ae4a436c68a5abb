//! One run of a task: its Envoy, its containers in order, its registration, and its end.
//!
//! The order is ECS's. The Service Connect proxy, and likewise the App Mesh Envoy, is ready before any container
//! starts, with or without dependencies on it. A container starts once its dependencies are met, and the task is
//! registered once its essential containers are ready. The task ends with its first essential container, its Envoy or
//! its network namespace. Shutdown order: deregister, drain the Envoy, stop the containers in reverse order, and stop
//! the Envoy after it has completed open requests.

mod context;
mod draining;
pub(crate) mod event;
mod netns;
mod target_health;

use std::time::Duration;

use futures_util::future::{join, join_all};
use mesh_control::ApiType;
use mesh_control::node::NodeMetadata;
use mesh_control::{Admin, Bootstrap, ControlPlane, EntranceBootstrap};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cloud_map::Registration;
use crate::container::{Container, ContainerContext};
use crate::envoy::admin::AdminClient;
use crate::envoy::{Envoy, Files};
use crate::event::Event;
use crate::network::{MAX_TTL, MIN_TTL};
use crate::plan::{Condition, DnsRecords, ServicePlan};
use crate::process::TaskFailure;
use crate::run_state::TaskStatus;
use crate::slot::Slot;

pub(crate) use self::context::TaskContext;
pub(crate) use self::draining::LoadBalancerSockets;
use self::event::TaskEvent;
use self::netns::TaskNetns;

/// Timeout for a container to meet a dependency's condition. ECS calls it `startTimeout`; this is Fargate's default,
/// decided by Fargate.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html> (2026-11-23)
const START_TIMEOUT: Duration = Duration::from_secs(3 * 60);
/// Timeout for the essential containers to become ready once all are started, unless a health check fails earlier.
const READY_TIMEOUT: Duration = Duration::from_secs(120);
/// Timeout for the deregistration to reach all Envoys. They take milliseconds; one that hangs is not waited for.
const DEREGISTER_TIMEOUT: Duration = Duration::from_secs(1);
/// Timeout for an Envoy to complete open requests after the containers have stopped.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Time that a replaced task serves beyond the time to live of its DNS records.
const DNS_MARGIN: Duration = Duration::from_millis(500);
/// Stop and drain timeout after a failure: callers are waiting for the replacement.
const GRACE_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// How a task is asked to stop.
#[derive(Debug, Clone, Default)]
pub(crate) struct StopRequest {
    /// Deregister, and stop once no DNS client knows the task any more.
    pub(crate) leave: CancellationToken,
    /// Deregister and stop.
    pub(crate) now: CancellationToken,
}

impl StopRequest {
    /// Waits until the task is to stop, in either way.
    pub(crate) async fn requested(&self) {
        tokio::select! {
            () = self.leave.cancelled() => {}
            () = self.now.cancelled() => {}
        }
    }
}

/// A service's task in its task slot.
pub(crate) struct Task<'a> {
    pub(crate) context: &'a TaskContext,
    pub(crate) plan: &'a ServicePlan,
    pub(crate) slot: &'a Slot,
    /// The task's entries in Cloud Map.
    pub(crate) registrations: &'a [Registration],
}

/// The started parts of a task, stopped in reverse.
#[derive(Default)]
struct Started<'a> {
    containers: Vec<Container>,
    envoy: Option<Envoy>,
    /// The Envoy for the entrances of a load balancer.
    entrance: Option<Envoy>,
    netns: Option<TaskNetns<'a>>,
}

impl Task<'_> {
    /// Runs once: starts everything, calls `running` when the task is registered, and stops everything on `stop` (`Ok`)
    /// or when an essential part fails.
    ///
    /// # Errors
    ///
    /// The failure, with the end of its log. No process is left running.
    pub(crate) async fn run(&self, stop: &StopRequest, running: impl FnOnce()) -> Result<(), TaskFailure> {
        let mut started = Started::default();
        self.slot.state().enter(TaskStatus::Pending);
        let result = tokio::select! {
            () = self.stopped(stop) => Ok(()),
            failure = self.start_and_watch(&mut started, stop, running) => Err(failure),
        };
        self.slot.state().enter(TaskStatus::Deactivating);
        self.slot.state().forget_processes();
        started.stop(&self.context.control, result.is_err()).await;
        result
    }

    /// Waits until the task is to stop or to leave, until its requests through load balancers are complete, and, if it
    /// leaves, until no DNS client knows its address any more.
    async fn stopped(&self, stop: &StopRequest) {
        let drain = || draining::drain(self.context, &self.slot.name, self.registrations);
        let leave = async {
            stop.leave.cancelled().await;
            join(drain(), tokio::time::sleep(self.dns_ttl())).await;
        };
        let now = async {
            stop.now.cancelled().await;
            drain().await;
        };
        tokio::select! {
            () = now => {}
            () = leave => {}
        }
    }

    /// The time for which DNS clients use the task's address after its deregistration. Zero without DNS records.
    pub(crate) fn dns_ttl(&self) -> Duration {
        let has_dns = self.context.network.is_some();
        let services = self.registrations.iter().filter_map(|registration| match registration {
            Registration::Service { service, .. } => service.dns,
            _ => None,
        });
        let longest = services.map(DnsRecords::longest_ttl).max().filter(|_| has_dns);
        longest.map_or(Duration::ZERO, |ttl| {
            // A client counts from its own receipt of the response.
            Duration::from_secs(ttl.clamp(MIN_TTL, MAX_TTL).into()) + DNS_MARGIN
        })
    }

    /// Returns only a failure. The registration ends with this future, or when the task is to leave.
    async fn start_and_watch<'a>(
        &'a self,
        started: &mut Started<'a>,
        stop: &StopRequest,
        running: impl FnOnce(),
    ) -> TaskFailure {
        let beginning = Instant::now();
        let Started {
            containers,
            envoy,
            entrance,
            netns,
        } = started;
        let netns = match TaskNetns::enter(self.slot, self.context).await {
            Ok(entered) => &*netns.insert(entered),
            Err(failure) => return failure,
        };
        let (events, received) = mpsc::channel(16);
        let mut failed = std::pin::pin!(async {
            tokio::select! {
                failure = self.wait_for_failure(received) => failure,
                failure = netns.lost() => failure,
            }
        });
        tokio::select! {
            failure = &mut failed => return failure,
            outcome = self.start(netns, containers, (envoy, entrance), &events) => if let Err(failure) = outcome {
                return failure;
            }
        }
        let registered = self.context.cloud_map.register(&self.slot.name, self.registrations);
        self.emit(Event::TaskRunning {
            task: self.slot.name.clone(),
            took: beginning.elapsed(),
        });
        self.slot.state().enter(TaskStatus::Running);
        running();
        tokio::select! {
            failure = &mut failed => return failure,
            failure = target_health::wait_for_unhealthy(self) => return failure,
            () = stop.leave.cancelled() => registered.leave(),
        }
        failed.await
    }

    /// Handles events of the task's parts until one of them has failed.
    async fn wait_for_failure(&self, mut received: mpsc::Receiver<TaskEvent>) -> TaskFailure {
        loop {
            match received.recv().await {
                Some(TaskEvent::Failed(failure)) => return failure,
                Some(TaskEvent::WaitingFor(what)) => self.emit(Event::Waiting {
                    task: self.slot.name.clone(),
                    what,
                }),
                // All senders have ended.
                None => std::future::pending().await,
            }
        }
    }

    async fn start(
        &self,
        netns: &TaskNetns<'_>,
        containers: &mut Vec<Container>,
        (envoy, entrance): (&mut Option<Envoy>, &mut Option<Envoy>),
        events: &mpsc::Sender<TaskEvent>,
    ) -> Result<(), TaskFailure> {
        if let Some(metadata) = self.slot.node_metadata() {
            self.start_envoy(metadata, netns, envoy, events).await?;
        }
        if let Some(bootstrap) = self.slot.entrance_bootstrap() {
            self.start_entrance(&bootstrap, entrance, events).await?;
        }
        for plan in &self.plan.containers {
            for (name, condition) in &plan.depends_on {
                if let Some(other) = containers.iter().find(|container| container.name() == name) {
                    other.wait_for(*condition, START_TIMEOUT).await?;
                }
            }
            let container_context = ContainerContext {
                environment: self.slot.environment_of(plan),
                addresses: self.slot.addresses_of(plan),
                network: netns.init_pid(),
                log: self.slot.dir.join(format!("{}.log", plan.name)),
            };
            let launcher = netns.container_launcher(plan);
            let container = Container::start(plan, container_context, &launcher, events.clone())?;
            self.slot.remember_log(&plan.name, container.log());
            self.slot.state().add_process(&plan.name, container.pid());
            self.emit(Event::ContainerStarted {
                task: self.slot.name.clone(),
                container: plan.name.clone(),
                pid: container.pid(),
            });
            containers.push(container);
        }
        for container in containers.iter().filter(|container| container.is_essential()) {
            container.wait_for(Condition::Healthy, READY_TIMEOUT).await?;
        }
        Ok(())
    }

    async fn start_envoy(
        &self,
        metadata: NodeMetadata,
        netns: &TaskNetns<'_>,
        started: &mut Option<Envoy>,
        events: &mpsc::Sender<TaskEvent>,
    ) -> Result<(), TaskFailure> {
        let beginning = Instant::now();
        let socket = self.slot.admin_socket();
        let admin = AdminClient::new(&socket, &self.slot.tcp_listeners())
            .map_err(|error| format!("cannot create a client for Envoy's admin interface: {error}"))?;
        let bootstrap = Bootstrap {
            node_id: self.slot.node_id().unwrap_or_default().to_owned(),
            metadata,
            xds: self.context.xds.into(),
            xds_security: self.slot.xds_security(),
            failover: None,
            api_type: ApiType::DeltaGrpc,
            admin: Admin::Socket(socket),
            sds: self.slot.sds(),
            dns_servers: self
                .context
                .network
                .iter()
                .map(|network| network.dns_server())
                .collect(),
            // They are read from the admin page.
            reports_calls: false,
        };
        let files = netns.envoy_files(&self.context.envoy);
        let envoy = Envoy::start(
            files,
            &bootstrap.to_json(),
            admin,
            netns.envoy_launcher(),
            events.clone(),
        )
        .await?;
        self.slot.remember_log("envoy", envoy.log());
        self.slot.state().add_process("envoy", envoy.pid());
        let envoy = started.insert(envoy);
        envoy.wait_until_ready().await?;
        self.emit(Event::EnvoyReady {
            task: self.slot.name.clone(),
            pid: envoy.pid(),
            took: beginning.elapsed(),
        });
        Ok(())
    }

    /// Starts the Envoy that passes connections of this machine on to a load balancer in a network namespace.
    async fn start_entrance(
        &self,
        bootstrap: &EntranceBootstrap,
        started: &mut Option<Envoy>,
        events: &mpsc::Sender<TaskEvent>,
    ) -> Result<(), TaskFailure> {
        let ports = bootstrap.entrances.iter().map(|entrance| entrance.port).collect();
        let admin = AdminClient::new(&bootstrap.admin, &ports)
            .map_err(|error| format!("cannot create a client for Envoy's admin interface: {error}"))?;
        let file = self.slot.dir.join("entrance.json");
        let files = Files {
            executable: self.context.envoy.clone(),
            seen_bootstrap: file.clone(),
            bootstrap: file,
            log: self.slot.dir.join("entrance.log"),
        };
        let launcher = &self.context.launcher;
        let envoy = Envoy::start(files, &bootstrap.to_json(), admin, launcher, events.clone()).await?;
        self.slot.remember_log("entrance", envoy.log());
        self.slot.state().add_process("entrance", envoy.pid());
        started.insert(envoy).wait_until_ready().await
    }

    fn emit(&self, event: Event) {
        (self.context.on_event)(event);
    }
}

impl Started<'_> {
    /// Stops everything without losing requests, with short timeouts after a failure. The task is already deregistered.
    async fn stop(mut self, control: &ControlPlane, failed: bool) {
        if let Some(entrance) = self.entrance.take() {
            let timeout = if failed { GRACE_AFTER_FAILURE } else { DRAIN_TIMEOUT };
            entrance.stop(timeout).await;
        }
        let envoy = self.envoy.take().filter(|envoy| !envoy.has_ended());
        if let Some(envoy) = &envoy {
            let _timed_out = tokio::time::timeout(DEREGISTER_TIMEOUT, control.settled(0)).await;
            envoy.drain().await;
        }
        if failed {
            let stop = |container: Container| container.stop(Some(GRACE_AFTER_FAILURE));
            join_all(self.containers.into_iter().map(stop)).await;
        } else {
            while let Some(container) = self.containers.pop() {
                container.stop(None).await;
            }
        }
        if let Some(envoy) = envoy {
            envoy
                .stop(if failed { GRACE_AFTER_FAILURE } else { DRAIN_TIMEOUT })
                .await;
        }
        if let Some(netns) = self.netns {
            netns.leave().await;
        }
    }
}
