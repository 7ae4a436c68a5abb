//! Blue-green verbs in an AWS account.

use std::time::Duration;

use bluegreen_deploy::{
    AnalysisOptions, Application, AwsTarget, CommandError, ControllerStatus, Reporter, RolloutController, StackUpdate,
    StackUpdater, TaskNames, Version, VersionChange, check_ignored, describe_deployed_weights, describe_destruction,
    describe_interruption, describe_partial, select_strategy,
};
use bluegreen_state::{Effect, Event, State, Strategy, step};
use mesh_infra::deploy::{DeploymentInput, Environment, ErrorKind, Outputs, PinPolicy};
use mesh_infra::{Template, diagram};

use super::arguments::{Arguments, Verb};
use super::{now, or_initial, print_status};
use crate::cli::aws::deploy::{confirm_security, deploy_stack};
use crate::cli::aws::{
    AwsError, checks, config, destroy, diff, drift, environment_of, inputs, outputs, pins, run_interruptibly,
};
use crate::cli::aws_args::{AwsTarget as Location, DeployOptions};
use crate::cli::error::CliError;
use crate::console::{Console, chain, print, show};
use crate::exit_code::Exit;

/// How long the state may take to be read after a signal.
const INTERRUPTION_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs a verb in an account.
pub(super) fn run(application: &Application, arguments: Arguments) -> Result<Exit, CliError> {
    let is_rollout = matches!(
        arguments.verb,
        Some(Verb::Deploy { .. } | Verb::Continue { .. } | Verb::Promote { .. } | Verb::Abort | Verb::Rollback)
    );
    let location = arguments.target.clone();
    let interrupted = async |console: &Console| {
        if is_rollout {
            report_interruption(application, &location, console).await;
        }
    };
    let work = async |console: &Console| {
        let config = config::load(&arguments.target, console).await;
        let environment = environment_of(&config, &arguments.target, console).await?;
        let stack = CloudFormationStack {
            application,
            environment,
            console,
            parameters: Vec::new(),
            options: DeployOptions::default(),
            yes: false,
        };
        let target = AwsTarget::new(application, config, (), console);
        run_verb(application, stack, target, arguments.verb).await
    };
    run_interruptibly(work, interrupted)
}

/// Reports where traffic stands after a signal, and the ways on.
async fn report_interruption(application: &Application, location: &Location, console: &Console) {
    let config = config::load(location, console).await;
    let target = AwsTarget::new(application, config, (), console);
    let report = async {
        match target.state().await {
            Ok(Some(state)) => {
                let standing = describe_interruption(&state, " --aws");
                match deployed_weights(&target, &state).await {
                    Some(line) => format!("{standing}\n{line}"),
                    None => standing,
                }
            }
            Ok(None) => "nothing was deployed yet".to_owned(),
            Err(error) => format!("where traffic stands is unknown: {}; see `status --aws`", chain(&error)),
        }
    };
    console.progress(
        &tokio::time::timeout(INTERRUPTION_TIMEOUT, report)
            .await
            .unwrap_or_else(|_elapsed| {
                "where traffic stands is unknown: Parameter Store does not respond; see `status --aws`".to_owned()
            }),
    );
}

/// The weights in the account, if a rollout has not reached those of its state; or why they are unknown.
async fn deployed_weights(target: &AwsTarget<'_, ()>, state: &State<Version>) -> Option<String> {
    state.rollout()?;
    match target.deployed_weights(state).await {
        Ok(deployed) => describe_deployed_weights(state, deployed?),
        Err(error) => Some(format!("the deployed weights are unknown: {error}")),
    }
}

async fn run_verb(
    application: &Application,
    mut stack: CloudFormationStack<'_>,
    target: AwsTarget<'_, ()>,
    verb: Option<Verb>,
) -> Result<Exit, CliError> {
    let stacks = [application.name().to_owned()];
    match verb {
        None => {
            return Err(CliError::Usage(
                "--aws requires a command: deploy, diff, status, outputs or destroy".to_owned(),
            ));
        }
        Some(Verb::Synth(format)) => format.print(&application.template(&or_initial(target.state().await?))?)?,
        Some(Verb::Policy(_)) => unreachable!("`run` prints policies"),
        Some(Verb::Diagram) => print(&diagram(&application.template(&or_initial(target.state().await?))?))?,
        Some(Verb::Diff {
            version,
            given,
            drift: with_drift,
            skip_checks,
            exit_code,
        }) => {
            let state = target.state().await?;
            let shifts_to = match &state {
                Some(state) => match application.version_change(state, version)? {
                    VersionChange::TrafficOnly { to } => Some(to),
                    VersionChange::Template(_) | VersionChange::None => None,
                },
                None => None,
            };
            let template = planned_template(application, state.as_ref(), version)?;
            given.without_template_url()?;
            stack.parameters = inputs::parameters(&[&template], &given).await?;
            let input = stack.input(template);
            let policy = pins::policy(skip_checks, planned_pins(application, state.as_ref(), version)?);
            let mut exit = diff::run(&stack.environment, &[input], &policy, exit_code, stack.console).await?;
            if with_drift && drift::run(&stack.environment, &stacks, stack.console).await? && exit_code {
                exit = Exit::Differences;
            }
            let Some(to) = shifts_to else { return Ok(exit) };
            print(&format!("Traffic would shift to {to}"))?;
            return Ok(match exit_code {
                true => Exit::Differences,
                false => Exit::Done,
            });
        }
        Some(Verb::Status { json }) => {
            let state = target.state().await?;
            let rollout = state.as_ref().and_then(State::rollout);
            let controller = rollout.map(|rollout| ControllerStatus::by_heartbeat(rollout, now()));
            print_status(state.as_ref(), controller, json)?;
            if let Some(state) = state.filter(|state| !json && state.rollout().is_some())
                && let Some(line) = deployed_weights(&target, &state).await
            {
                print(&format!("{line}\n"))?;
            }
        }
        Some(Verb::Deploy {
            version,
            strategy,
            given,
            options,
            yes,
            waiting,
            analysis,
            hooks: _,
        }) => {
            given.without_template_url()?;
            stack.options = options;
            let state = target.state().await?;
            check_ignored(
                application,
                &or_initial(state.clone()),
                &waiting.ignore,
                TaskNames::Unknown,
            )?;
            if options.no_rollback && state.is_some() {
                return Err(CliError::Usage(
                    "--no-rollback is for the first deployment: later ones replace task definitions, which CloudFormation \
                     rejects without rollback"
                        .to_owned(),
                ));
            }
            let template = planned_template(application, state.as_ref(), version)?;
            stack.parameters = inputs::parameters(&[&template], &given).await?;
            stack
                .environment
                .check_template_bucket(&[stack.input(template.clone())])
                .await
                .map_err(AwsError::from)?;
            if !options.skip_checks {
                checks::run(&stack.environment, &[stack.input(template.clone())], stack.console).await?;
            }
            stack.yes = yes;
            let policy = planned_pins(application, state.as_ref(), version)?;
            let Some(state) = state else {
                let outputs = stack.deploy(template, policy).await?;
                target.initialize(version).await?;
                stack.console.clear_status();
                outputs::show_stack(application.name(), &outputs);
                return Ok(Exit::Done);
            };
            let strategy = select_strategy(application, Some(&state), version, strategy)?;
            if state.rollout().is_none() && !shifts_traffic(&state, version, &strategy)? {
                // No version changes, but the description or a parameter may.
                let outputs = stack.deploy(template, policy).await?;
                stack.console.clear_status();
                show(&state.to_string());
                outputs::show_stack(application.name(), &outputs);
                if let Some(stays) = describe_partial(&state) {
                    show(&stays);
                }
                return Ok(Exit::Done);
            }
            // Before the rollout is recorded: a stack of another app, or a declined question, must not begin one.
            stack.check_owner().await?;
            confirm_security(&stack.environment, &stack.input(template), yes, stack.console).await?;
            stack.yes = true;
            stack.apply_parameters().await?;
            let event = |controller| Event::Deploy {
                version,
                strategy,
                controller,
            };
            run_command(
                application,
                target.ignoring(waiting.ignore).with_stack(stack),
                analysis.into(),
                event,
            )
            .await?;
        }
        Some(Verb::Continue {
            yes, waiting, analysis, ..
        }) => {
            stack.yes = yes;
            let state = or_initial(target.state().await?);
            check_ignored(application, &state, &waiting.ignore, TaskNames::Unknown)?;
            let target = target.ignoring(waiting.ignore).with_stack(stack);
            run_command(application, target, analysis.into(), |_| Event::Continue).await?;
        }
        Some(Verb::Promote {
            yes, waiting, analysis, ..
        }) => {
            stack.yes = yes;
            let state = or_initial(target.state().await?);
            check_ignored(application, &state, &waiting.ignore, TaskNames::Unknown)?;
            let target = target.ignoring(waiting.ignore).with_stack(stack);
            run_command(application, target, analysis.into(), |controller| Event::Promote {
                controller,
            })
            .await?;
        }
        Some(Verb::Abort) => {
            let options = AnalysisOptions::default();
            run_command(application, target.with_stack(stack), options, |_| Event::Abort).await?;
        }
        Some(Verb::Rollback) => {
            let event = |controller| Event::Rollback { controller };
            run_command(application, target.with_stack(stack), AnalysisOptions::default(), event).await?;
        }
        Some(Verb::Outputs { json }) => outputs::run(&stack.environment, &stacks, json).await?,
        Some(Verb::Destroy { yes }) => {
            match target.state().await {
                Ok(state) => {
                    let rollout = state.as_ref().and_then(State::rollout);
                    let controller = rollout.map(|rollout| ControllerStatus::by_heartbeat(rollout, now()));
                    let warning = state
                        .zip(controller)
                        .and_then(|(state, controller)| describe_destruction(&state, controller));
                    if let Some(warning) = warning {
                        stack.console.progress(&warning);
                    }
                }
                // The stack can be deleted nevertheless.
                Err(error) => stack.console.progress(&format!(
                    "whether a rollout is in progress is unknown: {}",
                    chain(&error)
                )),
            }
            destroy::run(&stack.environment, application.name(), &stacks, yes, stack.console).await?;
            target.delete_state().await?;
        }
    }
    Ok(Exit::Done)
}

async fn run_command(
    application: &Application,
    target: AwsTarget<'_, CloudFormationStack<'_>>,
    analysis: AnalysisOptions,
    event: impl FnOnce(String) -> Event<Version>,
) -> Result<(), CliError> {
    let result = RolloutController::with_analysis(application, target, analysis, show)
        .run_command(event)
        .await;
    result.map_err(|error| match error {
        bluegreen_deploy::Error::NotInitialized => CliError::NotDeployed,
        error => error.into(),
    })
}

/// Whether deploying `version` by `strategy` begins a rollout.
///
/// # Errors
///
/// If the state machine rejects the deployment: before the stack is touched.
fn shifts_traffic(state: &State<Version>, version: Version, strategy: &Strategy) -> Result<bool, CliError> {
    let event = Event::Deploy {
        version,
        strategy: strategy.clone(),
        controller: String::new(),
    };
    let (next, effects) = step(state, event, now());
    match effects.into_iter().next() {
        Some(Effect::Rejected { reason }) => Err(bluegreen_deploy::Error::Rejected(reason).into()),
        _ => Ok(next.rollout().is_some()),
    }
}

/// The template that deploying `version` leads to. Without a change of version, that of the state: a deployment also
/// applies changes of the description.
fn planned_template(
    application: &Application,
    state: Option<&State<Version>>,
    version: Version,
) -> Result<Template, CliError> {
    let Some(state) = state else {
        return Ok(application.template(&State::initial(version))?);
    };
    Ok(match application.version_change(state, version)? {
        VersionChange::Template(template) => *template,
        VersionChange::None | VersionChange::TrafficOnly { .. } => application.template(state)?,
    })
}

/// Where the images of that template come from. A rollout replaces no task of a side that keeps its version, and neither does
/// a deployment without a rollout: the other side is what a rollback returns to.
fn planned_pins(
    application: &Application,
    state: Option<&State<Version>>,
    version: Version,
) -> Result<PinPolicy, CliError> {
    let Some(state) = state else {
        return Ok(pins::latest());
    };
    let is_unchanged = matches!(application.version_change(state, version)?, VersionChange::None);
    Ok(match is_unchanged && state.rollout().is_none() {
        true => PinPolicy::Latest {
            except: application.versioned_task_definitions(state)?,
        },
        false => PinPolicy::KeepUnchanged,
    })
}

/// The application's stack, with the inputs of the command line.
struct CloudFormationStack<'a> {
    application: &'a Application,
    environment: Environment,
    console: &'a Console,
    /// Template parameters from the command line.
    parameters: Vec<(String, String)>,
    options: DeployOptions,
    yes: bool,
}

impl CloudFormationStack<'_> {
    fn input(&self, template: Template) -> DeploymentInput {
        let name = self.application.name();
        inputs::with_options(inputs::for_stack(name, name, template, &self.parameters), self.options)
    }

    /// Deploys a template. `--skip-checks` replaces the policy, except for a rollback, which takes deployed digests.
    async fn deploy(&self, template: Template, policy: PinPolicy) -> Result<Outputs, AwsError> {
        let policy = match policy {
            PinPolicy::Restore => policy,
            policy => pins::policy(self.options.skip_checks, policy),
        };
        let input = self.input(template);
        deploy_stack(&self.environment, &input, &policy, self.yes, self.console).await
    }

    /// Rejects a stack of another app, unless it is adopted.
    async fn check_owner(&self) -> Result<(), AwsError> {
        let name = self.application.name();
        match self.options.adopt {
            true => Ok(()),
            false => Ok(self
                .environment
                .check_stack_owner(name, inputs::OWNER_TAG, name)
                .await?),
        }
    }

    /// Applies the parameters of the command line to the deployed template. The steps of a rollout may all be done, and
    /// a parameter must not wait for the next one: it may close an access.
    async fn apply_parameters(&self) -> Result<(), CliError> {
        if self.parameters.is_empty() {
            return Ok(());
        }
        let stack = self.application.name();
        let deployed = self.environment.deployed(stack).await.map_err(AwsError::from)?;
        let Some(deployed) = deployed else {
            let region = self.environment.region().to_owned();
            return Err(AwsError::NotDeployed {
                stack: stack.to_owned(),
                region,
            }
            .into());
        };
        let template = deployed
            .template()
            .map_err(|error| CliError::Usage(error.to_string()))?;
        self.deploy(template, PinPolicy::KeepUnchanged).await?;
        Ok(())
    }
}

/// What a failed stack update means for the rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UpdateFailure {
    /// The update is tried again.
    Retried,
    /// The rollout stays as it is stored, because every further update fails as well, until the stack is repaired.
    Stops,
    /// The version is rolled back.
    RollsBack,
}

impl UpdateFailure {
    fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Failed | ErrorKind::Invalid | ErrorKind::Rejected => Self::RollsBack,
            ErrorKind::Blocked
            | ErrorKind::Foreign
            | ErrorKind::Deleted
            | ErrorKind::Protected
            | ErrorKind::NoRegion
            | ErrorKind::RegionDisabled => Self::Stops,
            // The stack is busy, or AWS is not available to this process: credentials may be renewed, permissions granted.
            _ => Self::Retried,
        }
    }
}

impl StackUpdater for CloudFormationStack<'_> {
    async fn update_stack(&self, template: Template, update: StackUpdate) -> Result<(), CommandError> {
        let policy = match update {
            StackUpdate::Rollout => PinPolicy::KeepUnchanged,
            StackUpdate::Rollback => PinPolicy::Restore,
        };
        let result = self.deploy(template, policy).await;
        self.console.clear_status();
        result.map(drop).map_err(|error| match error {
            AwsError::Deploy(error) => match UpdateFailure::of(error.kind()) {
                UpdateFailure::Retried => CommandError::Retryable(error.to_string()),
                UpdateFailure::Stops => CommandError::Stopped(error.to_string()),
                UpdateFailure::RollsBack => CommandError::Rejected(chain(&AwsError::Deploy(error))),
            },
            // Not a fault of the version: the rollout stays as it is stored.
            error @ (AwsError::Confirm(_) | AwsError::NotDiscarded { .. }) => CommandError::Stopped(chain(&error)),
            error => CommandError::Rejected(chain(&error)),
        })
    }

    async fn deployed_template(&self) -> Result<Template, CommandError> {
        let stack = self.application.name();
        let deployed = self.environment.deployed(stack).await;
        let deployed = deployed.map_err(|error| CommandError::Retryable(error.to_string()))?;
        let deployed = deployed.ok_or_else(|| CommandError::Rejected(format!("stack `{stack}` is not deployed")))?;
        deployed
            .template()
            .map_err(|error| CommandError::Rejected(error.to_string()))
    }
}

impl Reporter for Console {
    fn report(&self, line: &str) {
        self.show(line);
    }

    fn waiting(&self, activity: &str) {
        self.set_status(activity);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_that_pass_are_retried() {
        for (kind, expected) in [
            (ErrorKind::Busy, UpdateFailure::Retried),
            (ErrorKind::Throttled, UpdateFailure::Retried),
            (ErrorKind::Unreachable, UpdateFailure::Retried),
            (ErrorKind::ExpiredCredentials, UpdateFailure::Retried),
            (ErrorKind::Blocked, UpdateFailure::Stops),
            (ErrorKind::Foreign, UpdateFailure::Stops),
            (ErrorKind::Deleted, UpdateFailure::Stops),
            (ErrorKind::Failed, UpdateFailure::RollsBack),
        ] {
            assert_eq!(UpdateFailure::of(kind), expected, "{kind:?}");
        }
    }
}
