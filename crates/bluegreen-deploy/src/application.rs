//! Applications with two sides: templates for a state.

use std::collections::BTreeSet;

use bluegreen_state::{HookStage, Pause, Plan, Side, State, Strategy, plan};
use cfn::{Template, ssm};
use mesh_infra::{MeshEncoding, Stack};
use mesh_local::Launcher;
use mesh_model::app_mesh::{ResourcePath, RouteSpec};

use crate::error::Error;
use crate::hook::{Hook, Hooks};
use crate::sides::Sides;
use crate::{INITIAL_VERSION, Version};

/// An application with two sides, described as a function from [`Sides`] to a [`Stack`].
pub struct Application {
    name: String,
    nodes: [ResourcePath; 2],
    route: ResourcePath,
    test_route: Option<ResourcePath>,
    describe: Box<dyn Fn(&Sides) -> Stack>,
    hooks: Hooks,
}

/// The header of test traffic that ECS uses by default (Amazon ECS developer guide, "Service Connect blue/green
/// deployments", 2026-11-23): a request that has it, with any value, is a test. Services between the router and the sides
/// have to forward it.
pub const TEST_HEADER: &str = "x-amzn-ecs-blue-green-test";

/// The parameter of a route, with its weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteParameter {
    /// The name of the parameter.
    pub name: String,
    /// The specification of the route, as JSON.
    pub value: String,
}

/// The change of the template that a deployment makes.
#[derive(Debug)]
pub enum VersionChange {
    /// The version is deployed already.
    None,
    /// Only the weights change.
    TrafficOnly {
        /// The side that gets the traffic.
        to: Side,
    },
    /// The template changes to this one, before weights change.
    Template(Box<Template>),
}

impl Application {
    /// An application with this name, the virtual nodes of `blue` and `green`, and the route that divides traffic
    /// between them.
    pub fn new(
        name: impl Into<String>,
        nodes: [ResourcePath; 2],
        route: ResourcePath,
        describe: impl Fn(&Sides) -> Stack + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            nodes,
            route,
            test_route: None,
            describe: Box::new(describe),
            hooks: Hooks::default(),
        }
    }

    /// Shifts the traffic of this route to the new version before production traffic, at the stage TEST_TRAFFIC_SHIFT, and
    /// back to the weights of production traffic when the rollout has ended. The description gives the route a higher
    /// priority than the other one, a match for the requests that are tests, such as [`TEST_HEADER`], and
    /// [`Sides::test_weights`]. Default: no test traffic, and no such stage.
    #[must_use]
    pub fn with_test_route(mut self, route: ResourcePath) -> Self {
        self.test_route = Some(route);
        self
    }

    /// Runs a hook at a stage of each rollout. The first deployment and rollbacks run no hooks.
    ///
    /// # Errors
    ///
    /// [`Error::DuplicateHook`] if the stage has one already.
    pub fn with_hook(mut self, stage: HookStage, hook: Hook) -> Result<Self, Error> {
        self.hooks.insert(stage, hook)?;
        Ok(self)
    }

    /// Starts the commands of hooks by `launcher`, so that they do not outlive this process. Default: they are started
    /// directly, and outlive a controller that is killed.
    #[must_use]
    pub fn with_hook_launcher(mut self, launcher: Launcher) -> Self {
        self.hooks.launcher = launcher;
        self
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    /// The strategy with the stages of the application: its hooks, and test traffic if it has a route for that.
    ///
    /// # Errors
    ///
    /// [`Error::HookMissing`] or [`Error::NoTestRoute`] if the strategy has a hook or test traffic, and the application does
    /// not; [`Error::NoTestTraffic`].
    pub fn staged(&self, strategy: Strategy) -> Result<Strategy, Error> {
        self.check(&strategy)?;
        self.hooks.added_to(match (&self.test_route, strategy.test_traffic()) {
            (Some(_), None) => strategy.with_test_traffic(Pause::None),
            _ => strategy,
        })
    }

    /// Checks that the application has what the stages of a strategy need.
    pub(crate) fn check(&self, strategy: &Strategy) -> Result<(), Error> {
        if self.test_route.is_none() && strategy.test_traffic().is_some() {
            return Err(Error::NoTestRoute);
        }
        self.hooks.check(strategy)
    }

    /// Checks that a rollout in progress runs all hooks of the application.
    pub(crate) fn check_hooks(&self, rollout: &Strategy) -> Result<(), Error> {
        self.hooks.check_stages(rollout)
    }

    /// Checks that a description mirrors requests if the state requires it.
    fn check_mirror(state: &State<Version>, route: &RouteParameter) -> Result<(), Error> {
        let spec: serde_json::Value = serde_json::from_str(&route.value).unwrap_or_default();
        let has_mirrors = ["httpRoute", "http2Route"]
            .iter()
            .any(|kind| spec[kind].get("mirrors").is_some());
        match state.mirror().is_some() && !has_mirrors {
            true => Err(Error::NoMirror),
            false => Ok(()),
        }
    }

    /// The name of the application.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the mesh.
    #[must_use]
    pub fn mesh(&self) -> &str {
        &self.route.mesh
    }

    /// The virtual node of a side.
    #[must_use]
    pub fn node(&self, side: Side) -> &ResourcePath {
        match side {
            Side::Blue => &self.nodes[0],
            Side::Green => &self.nodes[1],
        }
    }

    /// The template for a state: a side that is being updated has its new version.
    ///
    /// # Errors
    ///
    /// [`Error::Description`].
    pub fn template(&self, state: &State<Version>) -> Result<Template, Error> {
        self.synth(&Sides::of_state(state))
    }

    /// The template that can be run for a state, see [`Sides::runnable`]. `None` is the state before the first
    /// deployment.
    ///
    /// # Errors
    ///
    /// [`Error::Description`].
    pub fn runnable_template(&self, state: Option<&State<Version>>) -> Result<Template, Error> {
        match state {
            Some(state) => self.synth(&Sides::runnable(state)),
            None => self.synth(&Sides::runnable(&State::initial(INITIAL_VERSION))),
        }
    }

    /// The logical ids of the task definitions that differ between versions: those of the sides.
    ///
    /// # Errors
    ///
    /// [`Error::Description`].
    pub fn versioned_task_definitions(&self, state: &State<Version>) -> Result<BTreeSet<String>, Error> {
        let sides = Sides::of_state(state);
        let next = sides.blue().max(sides.green()).saturating_add(1);
        let template = self.synth(&sides)?;
        let definitions = template
            .resources
            .iter()
            .filter(|(_, found)| found.kind == "AWS::ECS::TaskDefinition");
        let mut versioned = BTreeSet::new();
        for side in [Side::Blue, Side::Green] {
            let other = self.synth(&sides.clone().with_version(side, next))?;
            let changed = definitions
                .clone()
                .filter(|(id, found)| other.resources.get(*id) != Some(*found));
            versioned.extend(changed.map(|(id, _)| id.clone()));
        }
        Ok(versioned)
    }

    /// The change that deploying `version` would make.
    ///
    /// # Errors
    ///
    /// [`Error::Rejected`] during another rollout, and [`Error::Description`].
    pub fn version_change(&self, state: &State<Version>, version: Version) -> Result<VersionChange, Error> {
        Ok(match plan(Some(state), &version)? {
            Plan::NoChange | Plan::Create { .. } => VersionChange::None,
            Plan::ShiftTraffic { to } => VersionChange::TrafficOnly { to },
            Plan::Update { side, version } => {
                let sides = Sides::runnable(state).with_version(side, version);
                VersionChange::Template(Box::new(self.synth(&sides)?))
            }
        })
    }

    /// The parameters of the routes with the weights of a state: of production traffic first, then of test traffic.
    pub(crate) fn route_parameters(&self, state: &State<Version>) -> Result<Vec<RouteParameter>, Error> {
        let template = self.template(state)?;
        let routes = std::iter::once(&self.route).chain(&self.test_route);
        let parameters: Result<Vec<RouteParameter>, Error> = routes
            .map(|route| {
                let name = route.to_parameter();
                let value = parameter_value(&template, &name)?;
                Ok(RouteParameter { name, value })
            })
            .collect();
        let parameters = parameters?;
        Self::check_mirror(state, &parameters[0])?;
        Ok(parameters)
    }

    /// Whether Envoys count the requests of the route that divides traffic. Those of a TCP route are connections.
    pub(crate) fn has_counted_requests(&self, state: &State<Version>) -> bool {
        let value = self
            .template(state)
            .and_then(|template| parameter_value(&template, &self.route.to_parameter()));
        let spec = value
            .ok()
            .and_then(|value| serde_json::from_str::<RouteSpec>(&value).ok());
        // An invalid description fails elsewhere.
        spec.is_none_or(|spec| spec.tcp_route.is_none())
    }

    /// Whether this is the parameter of the route of test traffic.
    #[cfg(feature = "aws")]
    pub(crate) fn is_test_parameter(&self, name: &str) -> bool {
        let route = self.test_route.as_ref();
        route.is_some_and(|route| route.to_parameter() == name)
    }

    fn synth(&self, sides: &Sides) -> Result<Template, Error> {
        let template = (self.describe)(sides).synth_as(MeshEncoding::Parameters)?;
        // Through JSON, because targets receive templates as text.
        Ok(Template::from_json(&template.to_json())?)
    }
}

/// The value of a parameter in a template.
fn parameter_value(template: &Template, name: &str) -> Result<String, Error> {
    let mut parameters = template
        .resources_of::<ssm::Parameter>()
        .filter_map(|(_, parameter)| parameter.ok());
    let found = parameters.find(|parameter| {
        let known = parameter.name.as_ref().and_then(|name| name.known());
        known.is_some_and(|known| known == name)
    });
    let value = found.as_ref().and_then(|parameter| parameter.value.known());
    value
        .cloned()
        .ok_or_else(|| Error::ParameterNotFound { name: name.to_owned() })
}
