//! Up: start a template's mesh, take the walk, stay until told to stop, stop.

mod control_handler;
mod usage_hints;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use futures_util::future::LocalBoxFuture;
use mesh_local::{Applied, CallScope, Event, LocalMesh, Plan};
use sidecar_contract::ValidationErrors;
use stop_signals::{StopSignal, StopSignals};

use crate::cli::template::Watch;
use crate::console::{Console, chain};
use crate::self_exec::launcher;
use crate::smoke_test::{Runner, SmokeTest};

pub(crate) use self::control_handler::ControlHandler;

/// What network tasks are in, as it is said on the command line.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum Network {
    /// All tasks share this machine's loopback address; services are told where their Envoys are
    #[default]
    Shared,
    /// Each task has a network of its own, in which its connections are redirected to its Envoy; Linux, as root or in a
    /// user namespace
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

/// What to bring up, and how.
pub(crate) struct Up<'a> {
    /// When the program started, for the time it took.
    pub(crate) beginning: Instant,
    pub(crate) plan: Plan,
    pub(crate) network: mesh_local::Network,
    pub(crate) walk: &'a SmokeTest,
    /// Stop after the walk.
    pub(crate) once: bool,
    /// The files the plan was read from, if their changes are to be followed.
    pub(crate) watch: Option<Watch<'a>>,
    /// By which other programs change the mesh, if they may.
    pub(crate) controlled: Option<ControlHandler<'a>>,
    /// What happens once the walk is taken, instead of staying until told to stop.
    pub(crate) story: Option<Story<'a>>,
}

/// What happens in a mesh that runs. The error is the reason why it went wrong.
pub(crate) type Story<'a> = Box<dyn FnOnce(Scene) -> LocalBoxFuture<'a, Result<(), String>> + 'a>;

/// Where a story takes place.
pub(crate) struct Scene {
    pub(crate) console: Console,
    /// From where they are called.
    pub(crate) beside: CallScope,
    /// Where the Envoys of each service's first task are called, by service.
    pub(crate) doors: BTreeMap<String, SocketAddr>,
}

/// Brings a mesh up and down again. The error is the reason why it did not come up or the walk went wrong.
pub(crate) fn run(up: Up<'_>) -> Result<(), String> {
    let console = Console::new();
    console.take_warnings();
    let runtime = tokio::runtime::Runtime::new().map_err(|error| format!("no runtime: {error}"))?;
    let result = runtime.block_on(up.start_and_stay(&console));
    console.at_rest();
    result
}

/// What is said of a template with problems.
pub(crate) fn cannot_be_run(diagnostics: &ValidationErrors) -> String {
    format!("this template cannot be run here\n{diagnostics}")
}

/// Between two looks at the files. Nobody saves a file and expects its effect sooner.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

impl Up<'_> {
    async fn start_and_stay(mut self, console: &Console) -> Result<(), String> {
        // Before anything is started: from here on a signal never ends this process on the spot.
        let mut signals = StopSignals::for_terminal().map_err(|error| format!("cannot listen for signals: {error}"))?;
        console.waiting("starting");
        let shown = console.clone();
        let start = LocalMesh::start(self.plan.clone(), self.network, launcher(), move |event| {
            show(&shown, &event);
        });
        if let Some(controlled) = &mut self.controlled {
            controlled.open().await?;
        }
        let mut mesh = tokio::select! {
            mesh = start => mesh.map_err(|error| chain(&error))?,
            name = signals.next_distinct() => return Err(format!("interrupted by {name} before the mesh was started")),
        };
        // From here on there is something to be stopped in good order, whatever happens.
        let result = tokio::select! {
            result = self.use_mesh(&mut mesh, console) => result,
            name = signals.next_distinct() => {
                console.progress(&format!("{name}: stopping"));
                Err(format!("interrupted by {name}"))
            }
        };
        let result = match result {
            Ok(()) => self.stay(&mut mesh, &mut signals, console).await,
            Err(reason) => Err(reason),
        };
        console.waiting("stopping");
        tokio::select! {
            () = mesh.shutdown() => {}
            name = signals.next_distinct() => console.progress(&format!("{name} again: killing what is left")),
        }
        result
    }

    /// Stays up for as long as it is meant to, and lets the mesh be changed meanwhile.
    async fn stay(&mut self, mesh: &mut LocalMesh, signals: &mut StopSignals, console: &Console) -> Result<(), String> {
        if let Some(story) = self.story.take() {
            let mut doors = BTreeMap::new();
            for task in mesh.tasks() {
                if let (Some(service), Some(door)) = (task.task.split('/').next(), task.ingress.values().next()) {
                    doors.entry(service.to_owned()).or_insert(*door);
                }
            }
            let scene = Scene {
                console: console.clone(),
                beside: mesh.call_scope(),
                doors,
            };
            return tokio::select! {
                result = story(scene) => result,
                name = self.follow_changes(mesh, signals, console) => {
                    console.progress(&format!("{name}: stopping"));
                    Err(format!("interrupted by {name}"))
                }
            };
        }
        if !self.once {
            console.at_rest();
            console.show(&usage_hints::text(mesh, self.walk));
            // Being told to stop is how this is meant to end.
            let name = self.follow_changes(mesh, signals, console).await;
            console.progress(&format!("{name}: stopping"));
        }
        Ok(())
    }

    /// Makes the mesh what changes in the files, and others, say, until a signal comes. Gives its name.
    async fn follow_changes(
        &mut self,
        mesh: &mut LocalMesh,
        signals: &mut StopSignals,
        console: &Console,
    ) -> StopSignal {
        loop {
            let asked = tokio::select! {
                name = signals.next_distinct() => return name,
                () = tokio::time::sleep(BETWEEN_LOOKS) => None,
                asked = control_handler::next(self.controlled.as_mut()) => Some(asked),
            };
            let work = async {
                if let (Some((wish, reply)), Some(controlled)) = (asked, &mut self.controlled) {
                    // Whoever asked may be gone.
                    let _gone = reply.send(controlled.handle(wish, mesh, console).await);
                } else if let Some(changed) = self.watch.as_mut().and_then(Watch::look) {
                    let said = match changed {
                        Ok(plan) => apply_file(mesh, plan, self.walk, console).await,
                        Err(reason) => format!("the template changed, and everything stays as it is: {reason}"),
                    };
                    console.progress(&said);
                }
            };
            tokio::select! {
                name = signals.next_distinct() => return name,
                () = work => {}
            }
        }
    }

    /// Waits for the mesh and takes the walk.
    async fn use_mesh(&mut self, mesh: &mut LocalMesh, console: &Console) -> Result<(), String> {
        mesh.ready().await.map_err(|error| chain(&error))?;
        console.progress(&format!(
            "everything is running, {} after the start",
            seconds_since(self.beginning)
        ));
        console.waiting("calling");
        let walked = Runner::new(mesh, console)?.run(self.walk).await;
        let first = walked.map_err(|reason| with_logs(reason, mesh))?;
        if let Some(first) = first {
            let after = first.duration_since(self.beginning).as_secs_f64();
            console.show(&format!(
                "\nThe first answer through two services was there {after:.2} s after the start."
            ));
        }
        match &mut self.controlled {
            Some(controlled) => controlled.running().await,
            None => Ok(()),
        }
    }
}

/// Makes the mesh what a changed file says, and gives what is to be said of that.
async fn apply_file(mesh: &mut LocalMesh, plan: Plan, walk: &SmokeTest, console: &Console) -> String {
    match mesh.apply(plan).await {
        Ok(applied) => {
            if !applied.started.is_empty() || !applied.stopped.is_empty() {
                console.show(&usage_hints::text(mesh, walk));
            }
            applied_text(&applied, &refusals(mesh))
        }
        Err(error) => format!("the template changed, and everything stays as it is: {}", chain(&error)),
    }
}

/// What is said of a change that was made.
fn applied_text(applied: &Applied, refusals: &str) -> String {
    let Applied {
        started,
        stopped,
        settled_after,
        settled,
    } = applied;
    let milliseconds = settled_after.as_secs_f64() * 1000.0;
    let mut said = if *settled {
        format!("the template changed: every Envoy has answered after {milliseconds:.1} ms{refusals}")
    } else {
        "the template changed, and some Envoy has not answered in time; the status page says which".to_owned()
    };
    for (what, tasks) in [("started", started), ("stopped", stopped)] {
        if !tasks.is_empty() {
            said.push_str(&format!("; {what} {}", tasks.join(", ")));
        }
    }
    said
}

/// Which tasks' Envoys have refused something, if any.
fn refusals(mesh: &LocalMesh) -> String {
    let status = mesh.status();
    let refusing = status.nodes.iter().filter(|node| node.rejected().next().is_some());
    let tasks: Vec<&str> = refusing.map(|node| node.task.as_deref().unwrap_or(&node.id)).collect();
    if tasks.is_empty() {
        String::new()
    } else {
        format!("; refused in part by {}, see the status page", tasks.join(", "))
    }
}

fn show(console: &Console, event: &Event) {
    match event {
        Event::Preparing(what) => {
            console.progress(what);
            console.waiting(what);
        }
        Event::Waiting { task, what } => {
            console.progress(&event.to_string());
            console.waiting(&format!("{task}: waiting for {what}"));
        }
        Event::TaskRunning { .. } => {
            console.progress(&event.to_string());
            // Whatever was waited for is there.
            console.waiting("starting");
        }
        event => console.progress(&event.to_string()),
    }
}

fn with_logs(reason: String, mesh: &LocalMesh) -> String {
    let tails = mesh.log_tails();
    if tails.is_empty() {
        reason
    } else {
        format!("{reason}\nWhat the logs say last:\n{}", tails.trim_end())
    }
}

fn seconds_since(beginning: Instant) -> String {
    format!("{:.2} s", beginning.elapsed().as_secs_f64())
}
