//! Up: starts a mesh, runs the smoke test, keeps the mesh running, stops it.

mod api;
mod control_handler;
mod problems;
mod running_handler;
mod trace;
mod usage_hints;
mod watch;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use bluegreen_deploy::control_api::Request;
use clap::ValueEnum;
use futures_util::future::LocalBoxFuture;
use mesh_local::{Applied, CallScope, Event, LocalMesh, Plan, StartError};
use mesh_model::app_mesh::Topology;
use stop_signals::{StopSignal, StopSignals};

use self::api::Api;
use crate::console::{Console, chain};
use crate::exit_code::Exit;
use crate::page::Page;
use crate::running;
use crate::running::server::RunningServer;
use crate::self_exec::launcher;
use crate::smoke_test::{Runner, SmokeTest, SmokeTestError};

pub(crate) use self::control_handler::ControlHandler;
pub(crate) use self::usage_hints::enter_namespaces;
pub(crate) use self::watch::Watch;

/// Any error of a step that the caller supplies.
pub(crate) type BoxError = Box<dyn std::error::Error>;

/// The network of tasks, on the command line.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum Network {
    /// All tasks share the loopback address of this machine; services learn their Envoy's address from the environment
    #[default]
    Shared,
    /// Each task has a network namespace in which its connections are redirected to its Envoy (transparent proxy);
    /// Linux, as root or in a user namespace
    Namespaces,
}

impl From<Network> for mesh_local::Network {
    fn from(network: Network) -> Self {
        match network {
            Network::Shared => Self::Shared,
            Network::Namespaces => Self::Namespaces,
        }
    }
}

/// A mesh to start, and what to do with it.
pub(crate) struct Up<'a> {
    /// When the program started, to report start times.
    pub(crate) start: Instant,
    /// Its name, for commands from other terminals.
    pub(crate) name: String,
    /// The port of its page, unless there is none; 0 is any free one.
    pub(crate) page: Option<u16>,
    pub(crate) plan: Plan,
    pub(crate) network: mesh_local::Network,
    pub(crate) smoke_test: &'a SmokeTest,
    /// Stop after the smoke test.
    pub(crate) once: bool,
    /// Fail unless everything works.
    pub(crate) strict: bool,
    /// The template files to watch for changes.
    pub(crate) watch: Option<Watch<'a>>,
    /// Where to serve App Mesh's API over this mesh.
    pub(crate) api: Option<SocketAddr>,
    /// Applies commands from the control socket.
    pub(crate) control: Option<ControlHandler<'a>>,
    /// Runs after the smoke test; the mesh stops with it.
    pub(crate) scenario: Option<Scenario<'a>>,
}

/// A scenario in a running mesh.
pub(crate) type Scenario<'a> = Box<dyn FnOnce(ScenarioContext) -> LocalBoxFuture<'a, Result<(), BoxError>> + 'a>;

/// What a scenario can use.
pub(crate) struct ScenarioContext {
    pub(crate) console: Console,
    /// Where calls can be made from.
    pub(crate) call_scope: CallScope,
    /// The ingress address of each service's first task, by service.
    pub(crate) gateways: BTreeMap<String, SocketAddr>,
}

/// Why a mesh did not start, or why it stopped early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpError {
    #[error("cannot start the async runtime")]
    Runtime(#[source] io::Error),
    #[error("cannot listen for signals")]
    Signals(#[source] io::Error),
    #[error("cannot listen at {}", socket.display())]
    ControlSocket {
        socket: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Api(#[from] api::ApiError),
    #[error(transparent)]
    Start(#[from] StartError),
    /// A signal before the work was complete.
    #[error("interrupted by {signal}{phase}")]
    Interrupted { signal: StopSignal, phase: &'static str },
    #[error("--strict: not everything works")]
    Strict,
    #[error("{error}{}", log_tails(.logs))]
    SmokeTest { error: String, logs: String },
    #[error(transparent)]
    Supplied(#[from] BoxError),
}

fn log_tails(logs: &str) -> String {
    match logs.trim_end() {
        "" => String::new(),
        logs => format!("\nLast lines of the logs:\n{logs}"),
    }
}

impl UpError {
    /// Whether an argument does not fit.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, Self::Api(api::ApiError::NotLoopback(_)))
    }

    fn smoke_test(error: &SmokeTestError, mesh: &LocalMesh) -> Self {
        Self::SmokeTest {
            error: chain(error),
            logs: mesh.log_tails(),
        }
    }
}

/// Why a changed template was not applied.
#[derive(Debug, thiserror::Error)]
enum ReloadError {
    #[error(transparent)]
    Plan(BoxError),
    #[error("{error}{owned}")]
    Apply { error: String, owned: String },
}

/// Starts a mesh and stops it again.
pub(crate) fn run(up: Up<'_>) -> Result<Exit, UpError> {
    let console = Console::new();
    console.install_log_subscriber();
    let runtime = tokio::runtime::Runtime::new().map_err(UpError::Runtime)?;
    let result = runtime.block_on(up.start_and_serve(&console));
    console.clear_status();
    result
}

/// Time between two checks of the watched files.
const WATCH_INTERVAL: Duration = Duration::from_millis(100);

impl Up<'_> {
    async fn start_and_serve(mut self, console: &Console) -> Result<Exit, UpError> {
        // Before anything is started: from here on a signal no longer ends this process at once.
        let mut signals = StopSignals::for_terminal().map_err(UpError::Signals)?;
        console.set_status("starting");
        let mut api = match self.api {
            Some(address) => Some(Api::open(address, &self.plan).await?),
            None => None,
        };
        let event_console = console.clone();
        let start = LocalMesh::start(self.plan.clone(), self.network, launcher(), move |event| {
            show_event(&event_console, &event);
        });
        if let Some(control) = &mut self.control {
            control.open().await?;
        }
        let mut mesh = tokio::select! {
            mesh = start => mesh?,
            signal = signals.next_distinct() => {
                return Err(UpError::Interrupted { signal, phase: " before the mesh had started" });
            }
        };
        let mut running = running_handler::open(&self.name, &mesh, console);
        // From here on the mesh has to be shut down, whatever happens.
        let result = tokio::select! {
            result = self.check_mesh(&mut mesh, console) => result,
            signal = signals.next_distinct() => Err(interrupt(signal, console)),
        };
        let result = match result {
            Ok(()) => {
                self.serve(&mut mesh, api.as_mut(), running.as_mut(), &mut signals, console)
                    .await
            }
            Err(error) => Err(error),
        };
        console.set_status("stopping");
        tokio::select! {
            () = mesh.shutdown() => {}
            signal = signals.next_distinct() => {
                console.progress(&format!("{signal} again: killing the remaining processes"));
            }
        }
        result
    }

    /// Runs the scenario, or serves until a signal arrives; applies changes meanwhile.
    async fn serve(
        &mut self,
        mesh: &mut LocalMesh,
        mut api: Option<&mut Api>,
        running: Option<&mut RunningServer>,
        signals: &mut StopSignals,
        console: &Console,
    ) -> Result<Exit, UpError> {
        if let Some(api) = &mut api {
            api.serve();
        }
        if let Some(scenario) = self.scenario.take() {
            let mut gateways = BTreeMap::new();
            for task in mesh.tasks() {
                if let (Some(service), Some(gateway)) = (task.task.split('/').next(), task.ingress.values().next()) {
                    gateways.entry(service.to_owned()).or_insert(*gateway);
                }
            }
            let context = ScenarioContext {
                console: console.clone(),
                call_scope: mesh.call_scope(),
                gateways,
            };
            return tokio::select! {
                result = scenario(context) => Ok(result.map(|()| Exit::Done)?),
                signal = self.apply_changes(mesh, api, running, signals, console) => Err(interrupt(signal, console)),
            };
        }
        if self.once {
            return Ok(Exit::Done);
        }
        console.clear_status();
        let page = match &running {
            Some(running) => self.open_page(running, console).await,
            None => None,
        };
        if let Some(page) = &page {
            console.show(&format!("\nThe mesh in a browser: http://{}/", page.address()));
        }
        console.show(&usage_hints::text(
            mesh,
            self.smoke_test,
            api.as_deref().map(Api::address),
        ));
        let signal = self.apply_changes(mesh, api, running, signals, console).await;
        console.progress(&format!("{signal}: stopping"));
        Ok(Exit::Interrupted)
    }

    /// Opens the page. Without it the mesh runs on, which is reported.
    async fn open_page(&self, running: &RunningServer, console: &Console) -> Option<Page> {
        let opened = Page::open(&self.name, self.page?, running.commands()).await;
        opened
            .inspect_err(|error| {
                let port = self.page.filter(|port| *port > 0);
                let port = port.map_or_else(String::new, |port| format!(" at port {port}"));
                console.progress(&format!("the page of the mesh cannot be served{port}: {error}"));
            })
            .ok()
    }

    /// Applies changes of the watched files and of the API, and commands from the control socket, until a signal arrives.
    async fn apply_changes(
        &mut self,
        mesh: &mut LocalMesh,
        mut api: Option<&mut Api>,
        mut running: Option<&mut RunningServer>,
        signals: &mut StopSignals,
        console: &Console,
    ) -> StopSignal {
        loop {
            let event = tokio::select! {
                signal = signals.next_distinct() => return signal,
                () = tokio::time::sleep(WATCH_INTERVAL) => MeshEvent::Tick,
                request = control_handler::next(self.control.as_mut()) => MeshEvent::Request(request),
                request = running_handler::next(running.as_deref_mut()) => MeshEvent::Running(request),
                meshes = api::next(api.as_deref_mut()) => MeshEvent::Meshes(meshes),
            };
            let work = async {
                match event {
                    MeshEvent::Request((command, reply)) => {
                        if let Some(control) = &mut self.control {
                            // The client may have disconnected.
                            let _disconnected = reply.send(control.handle(command, mesh, console).await);
                        }
                    }
                    // Envoys may take a while to respond, and nothing changes.
                    MeshEvent::Running((running::command::Command::Edges, reply)) => {
                        let edges = mesh.edges();
                        tokio::spawn(async move {
                            let _disconnected = reply.send(running_handler::document(&edges.await));
                        });
                    }
                    MeshEvent::Running((command, reply)) => {
                        // The client may have disconnected.
                        let _disconnected = reply.send(running_handler::handle(command, mesh, console).await);
                    }
                    MeshEvent::Meshes(meshes) => {
                        if let Err(error) = mesh.set_meshes(meshes).await {
                            console.progress(&format!("change through the API not applied: {}", chain(&error)));
                        }
                    }
                    MeshEvent::Tick => {
                        if let Some(changed) = self.watch.as_mut().and_then(Watch::poll) {
                            let text = match reload(mesh, changed, api.as_deref(), self.smoke_test, console).await {
                                Ok(text) => text,
                                Err(error) => format!("template changed, not applied: {}", chain(&error)),
                            };
                            console.progress(&text);
                        }
                    }
                }
            };
            tokio::select! {
                signal = signals.next_distinct() => return signal,
                () = work => {}
            }
        }
    }

    /// Waits until the mesh is ready and runs the smoke test.
    async fn check_mesh(&mut self, mesh: &mut LocalMesh, console: &Console) -> Result<(), UpError> {
        let mut problems = if self.strict {
            mesh.ready().await?;
            Vec::new()
        } else {
            let failures = mesh.wait_for_tasks().await;
            if let Some(first) = failures.first().filter(|_| mesh.tasks().next().is_none()) {
                return Err(UpError::Start(StartError::Task(first.to_string())));
            }
            failures
        };
        problems.extend(mesh.problems().await);
        let seconds = self.start.elapsed().as_secs_f64();
        for (node, note) in mesh.notes() {
            console.progress(&format!("not translated: {node}: {note}"));
        }
        if problems.is_empty() {
            console.progress(&format!("everything is running, {seconds:.2} s after the start"));
        } else {
            console.progress(&format!("{}, {seconds:.2} s after the start:", problems::HEADING));
            console.progress(&problems::lines(&problems));
            if self.strict {
                return Err(UpError::Strict);
            }
        }
        console.set_status("running the smoke test");
        let first = async { Runner::new(mesh, console)?.run(self.smoke_test).await };
        let first = first.await.map_err(|error| UpError::smoke_test(&error, mesh))?;
        if let Some(first) = first {
            let after = first.duration_since(self.start).as_secs_f64();
            console.show(&format!(
                "\nThe first response through two services arrived {after:.2} s after the start."
            ));
        }
        match &mut self.control {
            Some(control) => Ok(control.when_running().await?),
            None => Ok(()),
        }
    }
}

/// What changes a running mesh.
enum MeshEvent {
    /// Time to check the watched files.
    Tick,
    /// A command from the control socket.
    Request(Request),
    /// A command from another terminal.
    Running(running::command::Request),
    /// The meshes were changed through the API.
    Meshes(BTreeMap<String, Topology>),
}

fn interrupt(signal: StopSignal, console: &Console) -> UpError {
    console.progress(&format!("{signal}: stopping"));
    UpError::Interrupted { signal, phase: "" }
}

/// Applies the plan of changed files, and describes the result.
async fn reload(
    mesh: &mut LocalMesh,
    changed: Result<Plan, BoxError>,
    api: Option<&Api>,
    smoke_test: &SmokeTest,
    console: &Console,
) -> Result<String, ReloadError> {
    let mut plan = changed.map_err(ReloadError::Plan)?;
    let mut owned = String::new();
    if let Some(api) = api {
        let (merged, owned_by_api) = api.merge(plan);
        plan = merged;
        owned = owned_by_api.to_string();
    }
    let applied = mesh.apply(plan).await.map_err(|error| ReloadError::Apply {
        error: chain(&error),
        owned: owned.clone(),
    })?;
    if !applied.started.is_empty() || !applied.stopped.is_empty() {
        console.show(&usage_hints::text(mesh, smoke_test, api.map(Api::address)));
    }
    Ok(applied_text(&applied, mesh).await + &owned)
}

/// Describes an applied change, and what does not work after it.
async fn applied_text(applied: &Applied, mesh: &LocalMesh) -> String {
    let Applied {
        started,
        stopped,
        settled_after,
        settled,
        unsettled,
        ..
    } = applied;
    let milliseconds = settled_after.as_secs_f64() * 1000.0;
    let mut text = if *settled {
        format!("template changed: applied, every Envoy has responded (ACK or NACK) after {milliseconds:.1} ms")
    } else {
        format!(
            "template changed: applied, but not acknowledged in time by {}; see the status page",
            unsettled.join(", ")
        )
    };
    for (action, tasks) in [("started", started), ("stopped", stopped)] {
        if !tasks.is_empty() {
            text.push_str(&format!("; {action} {}", tasks.join(", ")));
        }
    }
    let problems = mesh.problems().await;
    if !problems.is_empty() {
        text.push_str(&format!("; {}:\n{}", problems::HEADING, problems::lines(&problems)));
    }
    text
}

fn show_event(console: &Console, event: &Event) {
    match event {
        Event::Preparing(step) => {
            console.progress(step);
            console.set_status(step);
        }
        Event::Waiting { task, what } => {
            console.progress(&event.to_string());
            console.set_status(&format!("{task}: waiting for {what}"));
        }
        Event::TaskRunning { .. } => {
            console.progress(&event.to_string());
            console.set_status("starting");
        }
        event => console.progress(&event.to_string()),
    }
}
