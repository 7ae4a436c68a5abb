//! AWS target: a CloudFormation stack, with replica status and state in Parameter Store.
//!
//! Two parameters hold the state. The one in the template has the basic document, with the version of each side;
//! CloudFormation restores it together with everything else if an update fails. The complete document of the rollout,
//! which changes while CloudFormation works, is the parameter [`STATE_PREFIX`]`/NAME` outside of the stack.

mod readiness_gate;
#[cfg(test)]
mod tests;

use std::cell::{Cell, OnceCell, RefCell};
use std::time::{Duration, Instant};

use aws_sdk_ssm::Client;
use aws_sdk_ssm::operation::delete_parameter::DeleteParameterError;
use aws_sdk_ssm::operation::get_parameter::GetParameterError;
use aws_types::SdkConfig;
use bluegreen_state::{Deployment, Request, Side, SsmStore, State};
use cfn::{Template, ssm};
use mesh_control_aws::{ReportedCalls, SyncReader, SyncStatus};
use mesh_infra::refresh_revision_markers;
use mesh_local::NodeStatistics;
use mesh_model::app_mesh::ResourcePath;

use crate::Version;
use crate::application::{Application, RouteParameter};
use crate::control_api::{Applied, CommandError};
use crate::deployment_target::DeploymentTarget;
use crate::error::Error;

/// Parameter path of the states, followed by the application's name.
const STATE_PREFIX: &str = "/meshwright-rollout";

/// How long Envoys may take to acknowledge a configuration. A replica of the control plane reads its parameters, and
/// publishes its status, every few seconds.
const ACK_TIMEOUT: Duration = Duration::from_secs(60);
/// The same during a rollback. The control plane closes the stream of a silent Envoy after 20 s, and publishes that.
const ROLLBACK_ACK_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two reads of the replicas' status.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// The same for call statistics, which replicas publish every ten seconds while traffic is divided.
const CALLS_INTERVAL: Duration = Duration::from_secs(4);

/// The calls to both sides, blue first, or why they were not read.
type SideCalls = Result<[NodeStatistics; 2], String>;

/// The change of a route's parameter in the deployed template.
struct RouteChange<'r> {
    previous: String,
    value: &'r str,
}

/// Marks that weights are being set, until it is dropped.
struct SettingWeights<'t>(&'t Cell<bool>);

impl<'t> SettingWeights<'t> {
    fn begin(is_setting: &'t Cell<bool>) -> Self {
        is_setting.set(true);
        Self(is_setting)
    }
}

impl Drop for SettingWeights<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// Why a stack is updated. Decides about images whose tag was pushed again: a rollout takes the new image for the side that
/// changes, a rollback the former one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StackUpdate {
    /// A version is deployed, or traffic shifts to it.
    Rollout,
    /// The former version returns.
    Rollback,
}

impl StackUpdate {
    /// The reason of a request.
    fn of(request: Request<'_, Version>) -> Self {
        let rollout = request.state.rollout();
        match rollout.is_some_and(bluegreen_state::Rollout::is_returning) {
            true => Self::Rollback,
            false => Self::Rollout,
        }
    }
}

/// The stack of an application.
#[allow(
    async_fn_in_trait,
    reason = "a controller awaits these futures in the caller's task, so they need not be `Send`"
)]
pub trait StackUpdater {
    /// Updates the stack to a template, and waits until CloudFormation is done. Task definitions that do not change keep the
    /// images that they have.
    async fn update_stack(&self, template: Template, update: StackUpdate) -> Result<(), CommandError>;

    /// The template of the deployed stack.
    async fn deployed_template(&self) -> Result<Template, CommandError>;
}

/// Progress of operations that wait for AWS.
pub trait Reporter {
    /// Prints a line.
    fn report(&self, line: &str);

    /// Shows what is being waited for, until the next report.
    fn waiting(&self, activity: &str);
}

/// An application in an AWS account.
pub struct AwsTarget<'a, S> {
    application: &'a Application,
    config: SdkConfig,
    stack: S,
    reporter: &'a dyn Reporter,
    ignored: Vec<String>,
    /// Created by the first wait: the configuration that it has read is kept while no revision marker changes.
    sync_reader: OnceCell<SyncReader>,
    /// The calls as last read.
    calls: RefCell<Option<(Instant, SideCalls)>>,
    /// Whether weights are being set.
    is_setting_weights: Cell<bool>,
}

impl<'a, S> AwsTarget<'a, S> {
    /// The stack of an application in the account and region of `config`.
    pub fn new(application: &'a Application, config: SdkConfig, stack: S, reporter: &'a dyn Reporter) -> Self {
        Self {
            application,
            config,
            stack,
            reporter,
            ignored: Vec::new(),
            sync_reader: OnceCell::new(),
            calls: RefCell::default(),
            is_setting_weights: Cell::default(),
        }
    }

    /// Does not wait for these Envoys to acknowledge a change: node ids or tasks, as messages name them. For an Envoy
    /// that is connected and does not respond. Default: none.
    #[must_use]
    pub fn ignoring(self, ignored: Vec<String>) -> Self {
        Self {
            ignored,
            sync_reader: OnceCell::new(),
            ..self
        }
    }

    /// The same target with the stack to update, for a rollout.
    pub fn with_stack<T>(self, stack: T) -> AwsTarget<'a, T> {
        AwsTarget {
            application: self.application,
            config: self.config,
            stack,
            reporter: self.reporter,
            ignored: self.ignored,
            sync_reader: self.sync_reader,
            calls: self.calls,
            is_setting_weights: self.is_setting_weights,
        }
    }

    /// The stored state; `None` before the first deployment.
    ///
    /// # Errors
    ///
    /// [`Error::State`].
    pub async fn state(&self) -> Result<Option<State<Version>>, Error> {
        let deployment = Deployment::open(self.state_store()).await?;
        Ok(deployment.map(|deployment| deployment.state().clone()))
    }

    /// Stores the initial state: both sides run `version`. A state that another first deployment of the same version has
    /// stored stays.
    ///
    /// # Errors
    ///
    /// [`Error::State`]; [`Error::DeployedMeanwhile`] if another process has deployed another version first.
    pub async fn initialize(&self, version: Version) -> Result<(), Error> {
        match Deployment::create(self.state_store(), version).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_conflict() => match self.state().await? {
                Some(state) if state == State::initial(version) => Ok(()),
                _ => Err(Error::DeployedMeanwhile { version }),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// The weights of both sides in the parameter of the route in the account, blue first. During a step they may differ from
    /// those of the state, which are those that the step leads to. `None` if there is no such parameter.
    ///
    /// # Errors
    ///
    /// The reason, if Parameter Store cannot be read, or the parameter is no route.
    pub async fn deployed_weights(&self, state: &State<Version>) -> Result<Option<[u32; 2]>, String> {
        let routes = self
            .application
            .route_parameters(state)
            .map_err(|error| error.to_string())?;
        let Some(route) = routes.first() else {
            return Ok(None);
        };
        let response = match Client::new(&self.config).get_parameter().name(&route.name).send().await {
            Ok(response) => response,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(GetParameterError::is_parameter_not_found) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(format!("parameter `{}`: {}", route.name, with_causes(&error))),
        };
        let value = response
            .parameter
            .and_then(|parameter| parameter.value)
            .unwrap_or_default();
        let weights =
            readiness_gate::weights_of(&value).map_err(|error| format!("parameter `{}`: {error}", route.name))?;
        let weight = |side| {
            weights
                .get(&self.application.node(side).name)
                .copied()
                .unwrap_or_default()
        };
        Ok(Some([weight(Side::Blue), weight(Side::Green)]))
    }

    /// Deletes the state, after the stack was deleted.
    ///
    /// # Errors
    ///
    /// [`Error::StateNotDeleted`].
    pub async fn delete_state(&self) -> Result<(), Error> {
        let name = self.state_parameter();
        let deletion = Client::new(&self.config).delete_parameter().name(&name).send().await;
        match deletion {
            Err(error)
                if !error
                    .as_service_error()
                    .is_some_and(DeleteParameterError::is_parameter_not_found) =>
            {
                let source = Box::new(error);
                Err(Error::StateNotDeleted { name, source })
            }
            _ => Ok(()),
        }
    }

    fn state_store(&self) -> SsmStore {
        let owner = format!("process {}", std::process::id());
        SsmStore::new(Client::new(&self.config), self.state_parameter()).with_owner(owner)
    }

    fn state_parameter(&self) -> String {
        format!("{STATE_PREFIX}/{}", self.application.name())
    }

    fn sync_reader(&self) -> &SyncReader {
        self.sync_reader.get_or_init(|| {
            SyncReader::new(&self.config, self.application.mesh()).ignoring(self.ignored.iter().cloned())
        })
    }

    /// The calls to both sides, blue first, since the start of each replica of the control plane.
    async fn read_calls(&self) -> SideCalls {
        let nodes = [Side::Blue, Side::Green].map(|side| self.application.node(side).name.as_str());
        match self.sync_reader().calls(&nodes).await {
            Ok(ReportedCalls::Counted(statistics)) => statistics
                .try_into()
                .map_err(|_: Vec<_>| "the control plane reports another number of sides".to_owned()),
            Ok(ReportedCalls::Unavailable { reason }) => Err(reason),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Checks that the rollout is still this controller's.
    async fn check_owner(&self, request: Request<'_, Version>) -> Result<(), CommandError> {
        let owner = |state: &State<Version>| state.rollout().map(|rollout| rollout.controller().to_owned());
        let stored = self.state().await;
        let stored = stored.map_err(|error| CommandError::Retryable(with_causes(&error)))?;
        match stored.as_ref().and_then(owner) == owner(request.state) {
            true => Ok(()),
            false => Err(CommandError::Retryable(
                "another controller has taken over this deployment; its weights are not changed".to_owned(),
            )),
        }
    }

    /// Waits until every Envoy has acknowledged the mesh's parameters, except those that the operator ignores. A
    /// rollback waits for [`ROLLBACK_ACK_TIMEOUT`] only, and goes on whatever Envoys do.
    async fn wait_for_acks(&self, is_returning: bool) -> Result<Applied, CommandError> {
        let reader = self.sync_reader();
        let start = Instant::now();
        self.reporter.waiting("waiting for Envoys to acknowledge the weights");
        loop {
            let status = reader.read().await;
            if is_returning {
                let reason = blocking_reason(&status);
                if reason.is_some() && start.elapsed() < ROLLBACK_ACK_TIMEOUT {
                    tokio::time::sleep(POLL_INTERVAL).await;
                    continue;
                }
                if let Some(reason) = reason {
                    self.reporter.report(&format!("rolling back although {reason}"));
                }
                return Ok(Applied::settled());
            }
            match status.map_err(|failure| CommandError::Retryable(failure.to_string()))? {
                SyncStatus::Synced { .. } => return Ok(Applied::settled()),
                SyncStatus::Rejected { rejections } => {
                    let rejections = rejections.join("; ");
                    return Err(CommandError::Retryable(format!(
                        "Envoys rejected the configuration: {rejections}"
                    )));
                }
                SyncStatus::Pending { reason } if start.elapsed() >= ACK_TIMEOUT => {
                    return Err(CommandError::Retryable(reason));
                }
                SyncStatus::NoReports if start.elapsed() >= ACK_TIMEOUT => {
                    return Err(CommandError::Retryable(
                        "no replica of the control plane reports the status of its Envoys; see the logs of the control \
                         plane"
                            .to_owned(),
                    ));
                }
                SyncStatus::Pending { .. } | SyncStatus::NoReports => tokio::time::sleep(POLL_INTERVAL).await,
            }
        }
    }
}

/// An error and its sources, joined by colons.
fn with_causes(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(error.source(), |error| (*error).source());
    let mut texts: Vec<String> = std::iter::once(error).chain(sources).map(ToString::to_string).collect();
    // A transparent wrapper repeats its source.
    texts.dedup();
    texts.join(": ")
}

/// Why Envoys are not in sync, if so.
fn blocking_reason(status: &Result<SyncStatus, mesh_control_aws::AwsError>) -> Option<String> {
    match status {
        Ok(SyncStatus::Synced { .. }) => None,
        Ok(SyncStatus::Pending { reason }) => Some(reason.clone()),
        Ok(SyncStatus::Rejected { rejections }) => {
            Some(format!("Envoys reject the configuration: {}", rejections.join("; ")))
        }
        Ok(SyncStatus::NoReports) => {
            Some("no replica of the control plane reports the status of its Envoys".to_owned())
        }
        Err(error) => Some(error.to_string()),
    }
}

impl<S: StackUpdater> AwsTarget<'_, S> {
    /// The deployed template with other values of the routes' parameters and revision markers for them, and the changes of
    /// these values.
    ///
    /// A stack that was deployed before the application had a route of test traffic lacks its parameter, until the first
    /// update of a version adds it. Without test traffic, and in a rollback, the weights of production traffic suffice.
    async fn template_with_routes<'r>(
        &self,
        state: &State<Version>,
        routes: &'r [RouteParameter],
    ) -> Result<(Template, Vec<RouteChange<'r>>), CommandError> {
        let is_returning = state.rollout().is_some_and(bluegreen_state::Rollout::is_returning);
        let may_lack_test_route = is_returning || state.test_side().is_none();
        let mut template = self.stack.deployed_template().await?;
        let mut changes = Vec::new();
        for RouteParameter { name, value } in routes {
            let id = template
                .resources_of::<ssm::Parameter>()
                .find(|(_, parameter)| {
                    let parameter = parameter.as_ref().ok();
                    let known = parameter.and_then(|parameter| parameter.name.as_ref()?.known());
                    known.is_some_and(|known| known == name)
                })
                .map(|(id, _)| id.to_owned());
            let Some(resource) = id.and_then(|id| template.resources.get_mut(&id)) else {
                if may_lack_test_route && self.application.is_test_parameter(name) {
                    continue;
                }
                let stack = self.application.name();
                return Err(CommandError::Rejected(format!(
                    "stack `{stack}` has no parameter `{name}`: deploy the version that runs again, which adds it"
                )));
            };
            let previous = resource.properties["Value"].as_str().unwrap_or_default().to_owned();
            resource.properties["Value"] = value.clone().into();
            changes.push(RouteChange { previous, value });
        }
        refresh_revision_markers(&mut template);
        Ok((template, changes))
    }
}

impl<S: StackUpdater> DeploymentTarget for AwsTarget<'_, S> {
    type Store = SsmStore;

    fn store(&self) -> SsmStore {
        self.state_store()
    }

    /// CloudFormation knows no request numbers. It runs one operation at a time; [`DeploymentTarget::set_weights`] checks
    /// the owner of the rollout after its waits, because a controller that cannot read the state does not notice a
    /// takeover.
    async fn apply_template(
        &self,
        request: Request<'_, Version>,
        template: &Template,
    ) -> Result<Applied, CommandError> {
        let update = StackUpdate::of(request);
        self.stack.update_stack(template.clone(), update).await?;
        Ok(Applied::settled())
    }

    async fn set_weights(
        &self,
        request: Request<'_, Version>,
        routes: Vec<RouteParameter>,
    ) -> Result<Applied, CommandError> {
        // The status of before may lack calls to the former version. The one with the acknowledgement has them, and is the
        // baseline.
        let _setting = SettingWeights::begin(&self.is_setting_weights);
        // Boxed: the types of nested futures would be too deep for the compiler.
        let applied = Box::pin(self.shift_weights(request, routes)).await;
        self.calls.take();
        applied
    }

    fn command_options(&self) -> &'static str {
        " --aws"
    }

    /// From the status of all replicas, read every four seconds at most.
    async fn statistics(&self, node: &ResourcePath) -> Result<NodeStatistics, CommandError> {
        if self.is_setting_weights.get() {
            return Err(CommandError::Retryable("weights are being set".to_owned()));
        }
        let is_recent = |(at, _): &(Instant, _)| at.elapsed() < CALLS_INTERVAL;
        if !self.calls.borrow().as_ref().is_some_and(is_recent) {
            // Boxed for the same reason.
            let calls = Box::pin(self.read_calls()).await;
            *self.calls.borrow_mut() = Some((Instant::now(), calls));
        }
        let index = usize::from(self.application.node(Side::Green) == node);
        match self.calls.borrow().as_ref() {
            Some((_, Ok(calls))) => Ok(calls[index].clone()),
            Some((_, Err(reason))) => Err(CommandError::Retryable(reason.clone())),
            None => Err(CommandError::Retryable("no calls were read".to_owned())),
        }
    }
}

impl<S: StackUpdater> AwsTarget<'_, S> {
    /// Updates the stack to other weights once the nodes that gain weight are healthy, and waits until Envoys have
    /// acknowledged it.
    async fn shift_weights(
        &self,
        request: Request<'_, Version>,
        routes: Vec<RouteParameter>,
    ) -> Result<Applied, CommandError> {
        let (_, changes) = self.template_with_routes(request.state, &routes).await?;
        let mut gaining = Vec::new();
        for RouteChange { previous, value } in &changes {
            let nodes = readiness_gate::nodes_gaining_weight(previous, value);
            gaining.extend(nodes.map_err(CommandError::Rejected)?);
        }
        let rollout = request.state.rollout();
        let is_returning = rollout.is_some_and(bluegreen_state::Rollout::is_returning);
        self.wait_for_healthy(&gaining, is_returning).await?;
        // The stack may have changed in the meantime, and another controller may have taken over.
        self.check_owner(request).await?;
        let (template, _) = self.template_with_routes(request.state, &routes).await?;
        self.stack.update_stack(template, StackUpdate::of(request)).await?;
        self.wait_for_acks(is_returning).await
    }
}
