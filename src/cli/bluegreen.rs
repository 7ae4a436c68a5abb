//! Command line of an application that is deployed blue-green.
//!
//! ```text
//!  terminal 1: the application runs           terminal 2: deploy --version 2
//!    mesh ◄── control socket ◄── LocalTarget ◄── RolloutController ──► state file
//! ```
//!
//! `bluegreen-deploy` has the rollout controller and its targets. This module connects them with the command line:
//! - `arguments`: the verbs and their options;
//! - `aws` (feature `aws`): the verbs in an AWS account;
//! - `interrupt`: the signals that stop a command;
//! - `demo_scenario`: three deployments under load, unattended; `assertions`: checks of its results, pure.

mod arguments;
mod assertions;
#[cfg(feature = "aws")]
mod aws;
mod demo_scenario;
mod interrupt;
#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::time::{Instant, SystemTime};

use bluegreen_deploy::{
    AnalysisOptions, Application, ControllerStatus, Hook, INITIAL_VERSION, LocalStateDir, LocalTarget,
    RolloutController, Sides, TaskNames, Version, VersionChange, check_ignored, select_strategy, status, status_json,
};
use bluegreen_state::{Event, HookStage, State, Timestamp};
use indexmap::IndexMap;
use mesh_infra::{Stack, Template, diagram, diff};
use mesh_local::{Images, Plan, StackInput};
use mesh_model::app_mesh::ResourcePath;

use self::arguments::{Analysis, Arguments, Verb, Waiting};
use crate::cli::aws_args::AwsTarget;
use crate::cli::error::{CliError, report};
use crate::cli::policy::{PolicyArguments, print_policy};
use crate::console::{print, show};
use crate::exit_code::Exit;
use crate::self_exec;
use crate::smoke_test::SmokeTest;
use crate::up::{self, ControlHandler, Up};

/// An application that is deployed blue-green, with its command line.
pub struct BlueGreen {
    application: Application,
    images: Images,
    /// Empty: the traffic client makes the requests.
    smoke_test: SmokeTest,
    traffic: Traffic,
    hooks: Vec<(HookStage, Hook)>,
}

/// The requests of the demo scenario.
struct Traffic {
    service: String,
    path: String,
}

impl BlueGreen {
    /// An application with this name, described for each state of its two sides. `blue` and `green` are the virtual
    /// nodes, `route` divides traffic between them. The name is also that of the state directory.
    pub fn new(
        name: impl Into<String>,
        nodes: [ResourcePath; 2],
        route: ResourcePath,
        describe: impl Fn(&Sides) -> Stack + 'static,
    ) -> Self {
        Self {
            application: Application::new(name, nodes, route, describe).with_hook_launcher(self_exec::launcher()),
            images: self_exec::known_images(),
            smoke_test: SmokeTest::new(),
            traffic: Traffic {
                service: String::new(),
                path: "/".to_owned(),
            },
            hooks: Vec::new(),
        }
    }

    /// Shifts the traffic of this route to the new version before production traffic, and back when the rollout has ended.
    /// The description gives the route a higher priority than the other one, a match for the requests that are tests, such
    /// as [`TEST_HEADER`](crate::TEST_HEADER), and [`Sides::test_weights`]. Default: no test traffic.
    #[must_use]
    pub fn with_test_route(mut self, route: ResourcePath) -> Self {
        self.application = self.application.with_test_route(route);
        self
    }

    /// Runs a hook at a lifecycle stage of each rollout, like the option `--hook`. One per stage.
    #[must_use]
    pub fn with_hook(mut self, stage: HookStage, hook: Hook) -> Self {
        self.hooks.push((stage, hook));
        self
    }

    /// The service and path that the demo scenario (`--once`) requests, through the service's Envoy.
    #[must_use]
    pub fn with_traffic(mut self, service: &str, path: &str) -> Self {
        self.traffic = Traffic {
            service: service.to_owned(),
            path: path.to_owned(),
        };
        self
    }

    /// Parses the command line and runs its verb. Errors are printed to standard error.
    #[must_use]
    pub fn run(mut self) -> ExitCode {
        let start = Instant::now();
        if let Some(code) = self_exec::run() {
            return code;
        }
        let mut arguments: Arguments = crate::cli::arguments::parse();
        let options = arguments.verb.as_mut().map(Verb::take_hooks).unwrap_or_default();
        match options.into_hooks() {
            Ok(hooks) => self.hooks.extend(hooks),
            Err(error) => return report(Err(error)),
        }
        for (stage, hook) in std::mem::take(&mut self.hooks) {
            self.application = match self.application.with_hook(stage, hook) {
                Ok(application) => application,
                Err(error) => return report(Err(CliError::Usage(error.to_string()))),
            };
        }
        let needs_account = matches!(arguments.verb, Some(Verb::Outputs { .. } | Verb::Destroy { .. }));
        if let Some(Verb::Policy(policy)) = &arguments.verb {
            return report(self.print_policy(policy, &arguments.target));
        }
        if arguments.target.aws || needs_account {
            return report(self.run_in_account(arguments));
        }
        report(self.run_locally(arguments, start))
    }

    /// Whichever versions run, a deployment needs the same permissions.
    fn print_policy(&self, policy: &PolicyArguments, target: &AwsTarget) -> Result<Exit, CliError> {
        let template = self.application.template(&or_initial(None))?;
        let stacks = IndexMap::from([(self.application.name().to_owned(), template)]);
        print_policy(policy, target, &stacks)?;
        Ok(Exit::Done)
    }

    #[cfg(feature = "aws")]
    fn run_in_account(&self, arguments: Arguments) -> Result<Exit, CliError> {
        aws::run(&self.application, arguments)
    }

    #[cfg(not(feature = "aws"))]
    fn run_in_account(&self, _arguments: Arguments) -> Result<Exit, CliError> {
        Err(CliError::AwsDisabled(crate::cli::aws_disabled::enable_hint()))
    }

    fn run_locally(&self, arguments: Arguments, start: Instant) -> Result<Exit, CliError> {
        arguments.target.require_local()?;
        if arguments.once && arguments.verb.is_some() {
            return Err(CliError::Usage(
                "--once plays the demo scenario, and takes no command".to_owned(),
            ));
        }
        if arguments.once {
            return demo_scenario::run(self, arguments.network.into(), start);
        }
        let state_dir = LocalStateDir::open(arguments.state.as_deref(), self.application.name())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(CliError::Runtime)?;
        let state = runtime.block_on(state_dir.state())?;
        let has_rollout = state.as_ref().is_some_and(|state| state.rollout().is_some());
        let is_new = state.is_none();
        let command = |command: RolloutCommand| {
            runtime.block_on(interrupt::interruptible(&state_dir, async {
                if is_new {
                    return Err(CliError::NotStarted);
                }
                check_ignored(
                    &self.application,
                    &or_initial(state.clone()),
                    &command.ignored,
                    TaskNames::Numbered,
                )?;
                let target = LocalTarget::new(&state_dir)?.ignoring(command.ignored);
                if command.needs_mesh {
                    target.require_mesh().await?;
                }
                let controller = RolloutController::with_analysis(&self.application, target, command.analysis, show);
                Ok(controller.run_command(command.event).await?)
            }))
        };
        if let Some(verb) = &arguments.verb {
            verb.require_local()?;
        }
        match arguments.verb {
            None => {
                drop(runtime);
                return self.up(&state_dir, state.as_ref(), arguments.network.into(), start, None);
            }
            Some(Verb::Synth(format)) => format.print(&self.application.template(&or_initial(state))?)?,
            Some(Verb::Policy(_)) => unreachable!("`run` prints policies"),
            Some(Verb::Diagram) => print(&diagram(&self.application.template(&or_initial(state))?))?,
            Some(Verb::Diff { version, given, .. }) => {
                given.require_empty()?;
                print_diff(&self.application, &or_initial(state), version)?;
            }
            Some(Verb::Status { json }) => {
                let controller = state
                    .as_ref()
                    .and_then(State::rollout)
                    .map(LocalTarget::controller_status);
                print_status(state.as_ref(), controller, json)?;
            }
            Some(Verb::Deploy {
                version,
                strategy,
                given,
                options,
                waiting,
                analysis,
                ..
            }) => {
                given.require_empty()?;
                options.require_empty()?;
                let strategy = select_strategy(&self.application, state.as_ref(), version, strategy)?;
                let event = move |controller| Event::Deploy {
                    version,
                    strategy,
                    controller,
                };
                return command(RolloutCommand::new(event).with_options(waiting, analysis));
            }
            Some(Verb::Continue { waiting, analysis, .. }) => {
                return command(RolloutCommand::new(|_| Event::Continue).with_options(waiting, analysis));
            }
            Some(Verb::Promote { waiting, analysis, .. }) => {
                let event = |controller| Event::Promote { controller };
                return command(RolloutCommand::new(event).with_options(waiting, analysis));
            }
            // A rollback in progress may be recorded while no mesh is running, and waits for one.
            Some(Verb::Abort) => return command(RolloutCommand::new(|_| Event::Abort).without_mesh(true)),
            Some(Verb::Rollback) => {
                let event = |controller| Event::Rollback { controller };
                return command(RolloutCommand::new(event).without_mesh(has_rollout));
            }
            // `run` runs these in an account.
            Some(Verb::Outputs { .. } | Verb::Destroy { .. }) => {}
        }
        Ok(Exit::Done)
    }

    /// Runs the application in its stored state, until it is stopped or the scenario ends.
    fn up<'a>(
        &'a self,
        state_dir: &'a LocalStateDir,
        state: Option<&State<Version>>,
        network: mesh_local::Network,
        start: Instant,
        scenario: Option<up::Scenario<'a>>,
    ) -> Result<Exit, CliError> {
        let template = self.application.runnable_template(state)?;
        let plan = self.plan(&template)?;
        let is_new = state.is_none();
        let when_running = async move {
            match is_new {
                // Both sides run the initial version now.
                true => Ok(state_dir.initialize(INITIAL_VERSION).await?),
                false => Ok(()),
            }
        };
        Ok(up::run(Up {
            start,
            name: self_exec::program_name(),
            page: Some(0),
            plan,
            network,
            smoke_test: &self.smoke_test,
            once: false,
            strict: true,
            watch: None,
            // The rollout changes the mesh through the template.
            api: None,
            control: Some(ControlHandler::new(
                state_dir.socket(),
                template,
                |template| Ok(self.plan(template)?),
                when_running,
            )),
            scenario,
        })?)
    }

    fn plan(&self, template: &Template) -> Result<Plan, CliError> {
        let stack = StackInput {
            name: self.application.name(),
            template,
            parameters: &Default::default(),
        };
        Plan::new(&[stack], &self.images)
            .and_then(Plan::with_services)
            .map_err(CliError::NotRunnable)
    }
}

/// A command that begins or changes a rollout on this machine.
struct RolloutCommand {
    event: Box<dyn FnOnce(String) -> Event<Version>>,
    /// Whether nothing may be recorded before a mesh is running.
    needs_mesh: bool,
    ignored: Vec<String>,
    analysis: AnalysisOptions,
}

impl RolloutCommand {
    fn new(event: impl FnOnce(String) -> Event<Version> + 'static) -> Self {
        Self {
            event: Box::new(event),
            needs_mesh: true,
            ignored: Vec::new(),
            analysis: AnalysisOptions::default(),
        }
    }

    fn with_options(self, waiting: Waiting, analysis: Analysis) -> Self {
        Self {
            ignored: waiting.ignore,
            analysis: analysis.into(),
            ..self
        }
    }

    fn without_mesh(self, is_possible: bool) -> Self {
        Self {
            needs_mesh: !is_possible,
            ..self
        }
    }
}

fn or_initial(state: Option<State<Version>>) -> State<Version> {
    state.unwrap_or_else(|| State::initial(INITIAL_VERSION))
}

fn print_diff(application: &Application, state: &State<Version>, version: Version) -> Result<(), CliError> {
    match changed_template(application, state, version)? {
        Ok(after) => {
            let before = application.runnable_template(Some(state))?;
            Ok(print(&diff(&before, &after).to_string())?)
        }
        Err(text) => Ok(print(text)?),
    }
}

/// The template after a deployment of `version`; or a text, if the template does not change.
fn changed_template(
    application: &Application,
    state: &State<Version>,
    version: Version,
) -> Result<Result<Template, &'static str>, CliError> {
    Ok(match application.version_change(state, version)? {
        VersionChange::Template(template) => Ok(*template),
        VersionChange::None => Err("no changes\n"),
        VersionChange::TrafficOnly { to } => Err(match to {
            bluegreen_state::Side::Blue => "no changes, except that traffic shifts to blue\n",
            bluegreen_state::Side::Green => "no changes, except that traffic shifts to green\n",
        }),
    })
}

/// Prints the status. `controller` is that of the rollout in progress.
fn print_status(
    state: Option<&State<Version>>,
    controller: Option<ControllerStatus>,
    json: bool,
) -> Result<(), CliError> {
    let controller = controller.unwrap_or(ControllerStatus::Unknown);
    match state {
        _ if json => Ok(print(&status_json(state, controller))?),
        Some(state) => Ok(print(&status(state, controller, now()))?),
        None => Ok(print("nothing was deployed yet\n")?),
    }
}

fn now() -> Timestamp {
    SystemTime::now().into()
}
