//! Up: start a template's mesh, take the walk, stay until told to stop, stop.

use std::error::Error;
use std::time::{Duration, Instant};

use mesh_local::local_mesh::UpdateError;
use mesh_local::{Event, LocalMesh, Plan};
use mesh_model::Problems;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::child::launcher;
use crate::console::Console;
use crate::template_file::Watch;
use crate::walk::{Caller, Walk};

/// A signal this soon after the first is the same wish once more: `timeout` for instance signals its child and then
/// its child's whole group. Nobody presses Ctrl-C twice that quickly to mean something else by the second.
const SAME_WISH: Duration = Duration::from_millis(500);

/// What to bring up, and how.
pub(crate) struct Up<'a> {
    /// When the program started, for the time it took.
    pub(crate) beginning: Instant,
    pub(crate) plan: Plan,
    pub(crate) walk: &'a Walk,
    /// Stop after the walk.
    pub(crate) once: bool,
    /// The files the plan was read from, if their changes are to be followed.
    pub(crate) watch: Option<Watch<'a>>,
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
pub(crate) fn cannot_be_run(problems: &Problems) -> String {
    format!("this template cannot be run here\n{problems}")
}

/// Between two looks at the files. Nobody saves a file and expects its effect sooner.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

impl Up<'_> {
    async fn start_and_stay(mut self, console: &Console) -> Result<(), String> {
        // Before anything is started: from here on a signal never ends this process on the spot.
        let mut signals = Signals::new()?;
        let without_tasks: Vec<String> = self
            .plan
            .services
            .iter()
            .filter(|service| service.desired_count == 0)
            .map(|service| service.name.clone())
            .collect();
        console.waiting("starting");
        let shown = console.clone();
        let start = LocalMesh::start(self.plan.clone(), launcher(), move |event| show(&shown, &event));
        let mut mesh = tokio::select! {
            mesh = start => mesh.map_err(|error| chain(&error))?,
            name = signals.next() => return Err(format!("interrupted by {name} before the mesh was started")),
        };
        // From here on there is something to be stopped in good order, whatever happens.
        let result = tokio::select! {
            result = self.use_mesh(&mut mesh, console) => result,
            name = signals.next() => {
                console.progress(&format!("{name}: stopping"));
                Err(format!("interrupted by {name}"))
            }
        };
        if result.is_ok() && !self.once {
            console.at_rest();
            self.say_how_to_call(&mesh, &without_tasks, console);
            // Being told to stop is how this is meant to end.
            let name = self.follow_changes(&mesh, &mut signals, console).await;
            console.progress(&format!("{name}: stopping"));
        }
        console.waiting("stopping");
        tokio::select! {
            () = mesh.shutdown() => {}
            name = signals.next() => console.progress(&format!("{name} again: killing what is left")),
        }
        result
    }

    /// Brings what changes in the files to the Envoys, until a signal comes. Gives its name.
    async fn follow_changes(&mut self, mesh: &LocalMesh, signals: &mut Signals, console: &Console) -> &'static str {
        loop {
            tokio::select! {
                name = signals.next() => return name,
                () = tokio::time::sleep(BETWEEN_LOOKS) => {}
            }
            match self.watch.as_mut().and_then(Watch::look) {
                None => {}
                Some(Err(reason)) => console.progress(&format!(
                    "the template changed, and everything stays as it is: {reason}"
                )),
                Some(Ok(plan)) => {
                    let said = tokio::select! {
                        name = signals.next() => return name,
                        updated = mesh.update_meshes(&plan) => match updated {
                            Ok(took) => format!(
                                "the template changed: every Envoy has answered after {:.1} ms{}",
                                took.as_secs_f64() * 1000.0,
                                refusals(mesh)
                            ),
                            Err(UpdateError::NeedsRestart(why)) => {
                                format!("the template changed in a way that needs a restart, and everything stays as it is:\n{why}")
                            }
                            Err(error) => format!("the template changed: {error}"),
                        }
                    };
                    console.progress(&said);
                }
            }
        }
    }

    /// Waits for the mesh and takes the walk.
    async fn use_mesh(&self, mesh: &mut LocalMesh, console: &Console) -> Result<(), String> {
        mesh.ready().await.map_err(|error| chain(&error))?;
        console.progress(&format!(
            "everything is running, {} after the start",
            seconds_since(self.beginning)
        ));
        console.waiting("calling");
        let walked = Caller::new(mesh, console)?.take(self.walk).await;
        let first = walked.map_err(|reason| with_logs(reason, mesh))?;
        if let Some(first) = first {
            let after = first.duration_since(self.beginning).as_secs_f64();
            console.show(&format!(
                "\nThe first answer through two services was there {after:.2} s after the start."
            ));
        }
        Ok(())
    }

    fn say_how_to_call(&self, mesh: &LocalMesh, without_tasks: &[String], console: &Console) {
        console.show("\nFrom another terminal:");
        for task in mesh.tasks() {
            for (port, address) in &task.ingress {
                console.show(&if task.tcp.contains(port) {
                    format!("  {address}    # {}, port {port} (tcp)", task.task)
                } else {
                    format!("  curl http://{address}/    # {}, port {port}", task.task)
                });
            }
            if task.ingress.is_empty() {
                for address in &task.applications {
                    console.show(&format!(
                        "  curl http://{address}/    # {}, without an Envoy",
                        task.task
                    ));
                }
            }
        }
        for service in without_tasks {
            console.show(&format!("  service {service}: its desired count is 0, no task runs"));
        }
        // The most telling call of the walk is its last.
        if let Some(call) = self.walk.calls.last()
            && let Some(address) = mesh.address_of(call.service(), None)
        {
            console.show(&format!("  curl http://{address}{}", call.path()));
        }
        console.show(&format!(
            "  curl http://{}/status    # what each Envoy has accepted and refused\n\nLogs are in {}. Ctrl-C stops everything.",
            mesh.control_plane().status,
            mesh.logs().display()
        ));
    }
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

/// An error and what is behind it.
fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut behind = error.source();
    while let Some(error) = behind {
        words.push_str(&format!(": {error}"));
        behind = error.source();
    }
    words
}

fn seconds_since(beginning: Instant) -> String {
    format!("{:.2} s", beginning.elapsed().as_secs_f64())
}

/// The signals by which a terminal, a person or a service manager asks a program to stop.
struct Signals {
    streams: [(Signal, &'static str); 3],
    first: Option<Instant>,
}

impl Signals {
    fn new() -> Result<Self, String> {
        let listen = |kind, name| {
            signal(kind)
                .map(|signal| (signal, name))
                .map_err(|error| format!("cannot listen for {name}: {error}"))
        };
        let streams = [
            listen(SignalKind::interrupt(), "SIGINT")?,
            listen(SignalKind::terminate(), "SIGTERM")?,
            listen(SignalKind::hangup(), "SIGHUP")?,
        ];
        Ok(Self { streams, first: None })
    }

    /// The name of the next one to come that is a wish of its own.
    async fn next(&mut self) -> &'static str {
        let [interrupt, terminate, hangup] = &mut self.streams;
        loop {
            let name = tokio::select! {
                _ = interrupt.0.recv() => interrupt.1,
                _ = terminate.0.recv() => terminate.1,
                _ = hangup.0.recv() => hangup.1,
            };
            match self.first {
                Some(first) if first.elapsed() < SAME_WISH => {}
                Some(_) => return name,
                None => {
                    self.first = Some(Instant::now());
                    return name;
                }
            }
        }
    }
}
