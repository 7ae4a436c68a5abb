//! A described app of which two versions run beside each other, and verbs that move traffic from one to the other.
//!
//! ```text
//!  terminal 1: the app runs here              terminal 2: deploy --version 2
//!    mesh ◄── template, parameters ── socket ◄── driver ── bluegreen-state ── a file with the state
//! ```
//!
//! The state machine is `bluegreen-state`'s and runs a mesh is `mesh-local`'s; here one is told what the other did. What
//! is said on the command line is in `arguments`, and the rest in this order:
//! - `sides`: what a description is told of the two sides;
//! - `ground`: where the app runs: here, by `place`, a folder with the state and a socket; or in an AWS account, by `there`;
//! - `check`: whether a version is well, pure;
//! - `answers`: what was said and done, as the state machine and people are told of it, pure;
//! - `driver`: carries out a rollout;
//! - `story`: all of it, unattended, under load, and `story::judgement` of that, pure.

mod answers;
mod arguments;
mod check;
mod driver;
mod ground;
mod place;
mod sides;
mod story;
#[cfg(test)]
mod tests;
#[cfg(feature = "aws")]
mod there;

use std::process::ExitCode;
use std::time::Instant;

use bluegreen_state::{Event, Plan as Planned, Side, State};
use clap::Parser as _;
use mesh_infra::cfn::ssm;
use mesh_infra::{MeshEncoding, Stack, Template, diagram, diff};
use mesh_local::{Images, Plan, StackInput};
use mesh_model::app_mesh::ResourcePath;

use self::arguments::{Arguments, Verb};
use self::driver::Driver;
use self::ground::Here;
use self::place::Place;
pub use self::sides::Sides;
use crate::cli::exit_code;
use crate::console::{print, show};
use crate::self_exec;
use crate::smoke_test::SmokeTest;
use crate::up::{self, ControlHandler, Up};

/// A version: a number, as the state's document has it.
pub(crate) type Version = u64;

/// The version that runs before anything was ever deployed.
const FIRST: Version = 1;

/// An app that is deployed blue-green.
pub struct BlueGreen {
    name: String,
    describe: Box<dyn Fn(&Sides) -> Stack>,
    nodes: [ResourcePath; 2],
    route: ResourcePath,
    images: Images,
    /// None: the traffic client is what calls.
    walk: SmokeTest,
    traffic: Traffic,
}

/// Where the story's calls go.
struct Traffic {
    service: String,
    path: String,
}

impl BlueGreen {
    /// An app of this name, described for each state of its two sides. `blue` and `green` are the virtual nodes, and
    /// `route` is the route that divides traffic between them. The name is that of a folder of this user's state as well.
    pub fn new(
        name: impl Into<String>,
        [blue, green]: [ResourcePath; 2],
        route: ResourcePath,
        describe: impl Fn(&Sides) -> Stack + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            describe: Box::new(describe),
            nodes: [blue, green],
            route,
            images: self_exec::known_images(),
            walk: SmokeTest::new(),
            traffic: Traffic {
                service: String::new(),
                path: "/".to_owned(),
            },
        }
    }

    /// The service whose Envoy is called for the divided traffic, and with which path.
    #[must_use]
    pub fn with_traffic(mut self, service: &str, path: &str) -> Self {
        self.traffic = Traffic {
            service: service.to_owned(),
            path: path.to_owned(),
        };
        self
    }

    /// Reads the command line and does what it says. Mistakes are explained on standard error.
    #[must_use]
    pub fn run(self) -> ExitCode {
        let beginning = Instant::now();
        if let Some(code) = self_exec::run() {
            return code;
        }
        let arguments = Arguments::parse();
        let is_for_account = matches!(arguments.verb, Some(Verb::Outputs { .. } | Verb::Destroy { .. }));
        if arguments.target.aws || is_for_account {
            return self
                .perform_there(arguments)
                .unwrap_or_else(|reason| exit_code(Err(reason)));
        }
        exit_code(self.perform(arguments, beginning))
    }

    #[cfg(feature = "aws")]
    fn perform_there(&self, arguments: Arguments) -> Result<ExitCode, String> {
        there::perform(self, arguments)
    }

    #[cfg(not(feature = "aws"))]
    fn perform_there(&self, _arguments: Arguments) -> Result<ExitCode, String> {
        Err(crate::cli::aws_disabled::enable_hint())
    }

    fn perform(&self, arguments: Arguments, beginning: Instant) -> Result<(), String> {
        if arguments.once {
            return story::run(self, arguments.network.into(), beginning);
        }
        let place = Place::of(arguments.state.as_deref(), &self.name)?;
        match arguments.verb {
            None => self.stay(&place, arguments.network.into(), beginning),
            Some(Verb::Synth) => print(&self.template(&place.state()?.unwrap_or_else(first))?.to_json()),
            Some(Verb::Diagram) => print(&diagram(&self.template(&place.state()?.unwrap_or_else(first))?)),
            Some(Verb::Diff { version, given, .. }) => given.is_nothing().and_then(|()| self.diff(&place, version)),
            Some(Verb::Status) => self.say_status(place.state()?),
            Some(Verb::Deploy {
                version,
                strategy,
                given,
                ..
            }) => {
                given.is_nothing()?;
                let strategy = answers::strategy(place.state()?.as_ref(), version, strategy)?;
                self.drive(&place, |driver| Event::Deploy {
                    version,
                    strategy,
                    controller: driver,
                })
            }
            Some(Verb::Continue) => self.drive(&place, |_| Event::Continue),
            Some(Verb::Abort) => self.drive(&place, |_| Event::Abort),
            Some(Verb::Rollback) => self.drive(&place, |driver| Event::Rollback { controller: driver }),
            // These are for an account alone.
            Some(Verb::Outputs { .. } | Verb::Destroy { .. }) => Ok(()),
        }
    }

    /// Lets something happen here, and sees it through.
    fn drive(&self, place: &Place, event: impl FnOnce(String) -> Event<Version>) -> Result<(), String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
        runtime.block_on(Driver::new(self, Here::new(place)?).take(event, show))
    }

    /// Runs the app in the state that was stored, until told to stop.
    fn stay(&self, place: &Place, network: mesh_local::Network, beginning: Instant) -> Result<(), String> {
        self.up(place, network, beginning, None)
    }

    fn up<'a>(
        &'a self,
        place: &'a Place,
        network: mesh_local::Network,
        beginning: Instant,
        story: Option<up::Story<'a>>,
    ) -> Result<(), String> {
        let state = place.state()?;
        let template = self.synth(&Sides::that_run(state.as_ref().unwrap_or(&first()))?)?;
        let plan = self.plan(&template)?;
        let is_new = state.is_none();
        let when_running = async move {
            match is_new {
                // Both sides run the first version: now it is true.
                true => place.begin(FIRST).await,
                false => Ok(()),
            }
        };
        up::run(Up {
            beginning,
            plan,
            network,
            walk: &self.walk,
            once: false,
            watch: None,
            controlled: Some(ControlHandler::new(
                place.socket(),
                template,
                |template| self.plan(template),
                when_running,
            )),
            story,
        })
    }

    fn diff(&self, place: &Place, version: Version) -> Result<(), String> {
        let state = place.state()?.unwrap_or_else(first);
        match self.with_version(&state, version)? {
            Ok(after) => print(&diff(&self.synth(&Sides::that_run(&state)?)?, &after).to_string()),
            Err(words) => print(&words),
        }
    }

    /// The template for a state in which another version was deployed; or, if that would change no template, what would
    /// change, in words.
    fn with_version(&self, state: &State<Version>, version: Version) -> Result<Result<Template, String>, String> {
        let planned = bluegreen_state::plan(Some(state), &version).map_err(|refusal| refusal.to_string())?;
        Ok(match planned {
            Planned::Update { side, version } => Ok(self.synth(&Sides::that_run(state)?.with_version(side, version))?),
            Planned::NoChange | Planned::Create { .. } => Err("nothing changes\n".to_owned()),
            Planned::ShiftTraffic { to } => Err(format!("nothing changes but the traffic, which goes to {to}\n")),
        })
    }

    fn say_status(&self, state: Option<State<Version>>) -> Result<(), String> {
        match state {
            Some(state) => print(&answers::status(&state)),
            None => print("nothing was deployed yet\n"),
        }
    }

    /// The template for a state.
    fn template(&self, state: &State<Version>) -> Result<Template, String> {
        self.synth(&Sides::of(state)?)
    }

    fn synth(&self, sides: &Sides) -> Result<Template, String> {
        let template = (self.describe)(sides).synth_as(MeshEncoding::Parameters);
        let template = template.map_err(|diagnostics| diagnostics.to_string())?;
        // The template as text is all that passes from the description to the runner.
        Template::from_json(&template.to_json()).map_err(|error| error.to_string())
    }

    /// The value of a parameter in the template for these sides.
    fn parameter(&self, sides: &Sides, name: &str) -> Result<String, String> {
        let template = self.synth(sides)?;
        let mut parameters = template
            .resources_of::<ssm::Parameter>()
            .filter_map(|(_, parameter)| parameter.ok());
        let found = parameters.find(|parameter| {
            let own = parameter.name.as_ref().and_then(|own| own.known());
            own.is_some_and(|own| own == name)
        });
        let value = found.as_ref().and_then(|parameter| parameter.value.known());
        value
            .cloned()
            .ok_or_else(|| format!("the description has no parameter `{name}` with a value that is known"))
    }

    fn plan(&self, template: &Template) -> Result<Plan, String> {
        let stack = StackInput {
            name: &self.name,
            template,
            parameters: &Default::default(),
        };
        Plan::new(&[stack], &self.images)
            .and_then(Plan::with_services)
            .map_err(|diagnostics| up::cannot_be_run(&diagnostics))
    }

    fn node(&self, side: Side) -> &ResourcePath {
        match side {
            Side::Blue => &self.nodes[0],
            Side::Green => &self.nodes[1],
        }
    }
}

fn first() -> State<Version> {
    State::initial(FIRST)
}
