//! Commands for an AWS account: `cfn-deploy` does the work, this module prints, confirms and reports.
//!
//! - `config`: account, region and credentials;
//! - `inputs`: from an app and the command line to deployment inputs;
//! - `checks`: what a deployment needs in the account, before its change set;
//! - `pins`: images by digest;
//! - `deploy`, `diff`, `drift`, `destroy`, `outputs`: one command each;
//! - `adoption`: what taking over a stack of another owner does;
//! - `dependents`: stacks that use outputs of each other;
//! - `failure`: why a deployment failed, with the reasons and logs of stopped tasks;
//! - `progress`, `confirm`, `change_format`: stack events, confirmation and formatting of changes;
//! - `public_ip`: the address for `--allow-my-ip`;
//! - `slow_response`: messages while AWS does not respond.

mod adoption;
mod allowed;
mod change_format;
pub(crate) mod checks;
pub(crate) mod config;
mod confirm;
mod dependents;
pub(crate) mod deploy;
pub(crate) mod destroy;
pub(crate) mod diff;
pub(crate) mod drift;
mod failure;
pub(crate) mod inputs;
pub(crate) mod outputs;
pub(crate) mod pins;
mod progress;
mod public_ip;
mod slow_response;

use std::time::Duration;

use aws_config::SdkConfig;
use mesh_infra::deploy::{self as cfn_deploy, Environment, ErrorKind};
use mesh_infra::{App, ValidationErrors};
use stop_signals::StopSignals;

use crate::cli::aws_args::{AwsCommand, AwsTarget};
use crate::cli::error::CliError;
use crate::console::{Console, OutputError};
use crate::exit_code::Exit;

use self::confirm::ConfirmError;
use self::inputs::InputError;

/// How long the deletion of a change set may take after an interrupted question.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a command for an AWS account failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AwsError {
    /// The message quotes its sources.
    #[error("{}", failure::text(.0))]
    Deploy(cfn_deploy::Error),
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Confirm(#[from] ConfirmError),
    #[error("{stack}: {}; it was not changed, after {deployed}", .confirm.cause())]
    UnconfirmedStack {
        stack: String,
        /// The stacks before it, which are deployed.
        deployed: String,
        confirm: ConfirmError,
    },
    #[error("{confirm}; the change set remains: {error}")]
    NotDiscarded {
        confirm: ConfirmError,
        error: cfn_deploy::Error,
    },
    #[error(transparent)]
    Description(#[from] ValidationErrors),
    #[error(transparent)]
    Images(#[from] checks::MissingImages),
    #[error(transparent)]
    Quotas(#[from] checks::ExceededQuotas),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(
        "profile `{0}` has no credentials; check ~/.aws/config and ~/.aws/credentials, or log in with `aws sso login \
         --profile {0}`"
    )]
    Profile(String),
    #[error(
        "no AWS region is configured for profile `{0}`; check that ~/.aws/config has the profile, set its `region`, or use \
         --region"
    )]
    ProfileRegion(String),
    #[error("stack `{stack}` is not deployed in {region}")]
    NotDeployed { stack: String, region: String },
}

impl From<cfn_deploy::Error> for AwsError {
    fn from(error: cfn_deploy::Error) -> Self {
        Self::Deploy(error)
    }
}

impl AwsError {
    /// Whether the command line is wrong.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, Self::Input(error) if error.is_usage())
    }

    /// Whether a signal ended a question, and nothing was changed.
    pub(crate) fn is_interruption(&self) -> bool {
        let (Self::Confirm(confirm) | Self::UnconfirmedStack { confirm, .. }) = self else {
            return false;
        };
        matches!(confirm, ConfirmError::Interrupted)
    }
}

/// Runs a command.
pub(crate) fn run(command: AwsCommand, app: &App) -> Result<Exit, CliError> {
    run_interruptibly(
        async |console| Ok(execute(command, app, console).await?),
        async |_console| {},
    )
}

/// Runs `work` until it is done or a signal arrives, and then `interrupted`. Another signal ends that as well.
pub(crate) fn run_interruptibly(
    work: impl AsyncFnOnce(&Console) -> Result<Exit, CliError>,
    interrupted: impl AsyncFnOnce(&Console),
) -> Result<Exit, CliError> {
    let console = Console::new();
    console.install_log_subscriber();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(CliError::Runtime)?;
    let result = runtime.block_on(async {
        let mut signals = StopSignals::for_terminal().map_err(CliError::Signals)?;
        let mut work = std::pin::pin!(work(&console));
        let signal = tokio::select! {
            result = &mut work => return result,
            signal = signals.next_distinct() => signal,
        };
        if console.interrupt_question() {
            // The change set that the question was about is deleted.
            let discarded = tokio::select! {
                result = tokio::time::timeout(DISCARD_TIMEOUT, work) => result.ok(),
                _again = signals.next_distinct() => None,
            };
            return match discarded {
                Some(Err(error)) if !error.is_interruption() => Err(error),
                Some(Err(error)) => {
                    console.progress(&error.to_string());
                    Ok(Exit::Interrupted)
                }
                Some(Ok(_)) => Ok(Exit::Interrupted),
                None => {
                    console.progress(
                        "interrupted; the change set may remain. It has no effect; a new stack stays in REVIEW_IN_PROGRESS \
                         until the next `deploy` or `destroy`",
                    );
                    Ok(Exit::Interrupted)
                }
            };
        }
        console.progress(&format!(
            "{signal}: stopping; CloudFormation completes operations that have started, and the same command resumes them"
        ));
        tokio::select! {
            () = interrupted(&console) => {}
            _again = signals.next_distinct() => {}
        }
        Ok(Exit::Interrupted)
    });
    console.clear_status();
    // A confirmation prompt may still be waiting for input.
    runtime.shutdown_background();
    result
}

async fn execute(command: AwsCommand, app: &App, console: &Console) -> Result<Exit, AwsError> {
    match command {
        AwsCommand::Deploy(arguments) => {
            // Before any call to AWS: the description may be invalid.
            let inputs = inputs::for_app(app, &arguments.selection.stacks, &arguments.inputs).await?;
            let apply = |input| inputs::with_options(input, arguments.options);
            let inputs: Vec<_> = inputs.into_iter().map(apply).collect();
            let environment = environment(&arguments.selection.target, console).await?;
            // Before the first stack: a later one may be the first to need it.
            environment.check_template_bucket(&inputs).await?;
            if !arguments.options.skip_checks {
                checks::run(&environment, &inputs, console).await?;
            }
            let policy = pins::policy(arguments.options.skip_checks, pins::latest());
            deploy::run(&environment, &inputs, &policy, arguments.yes, console).await?;
        }
        AwsCommand::Diff(arguments) => {
            let inputs = inputs::for_app(app, &arguments.selection.stacks, &arguments.inputs).await?;
            let environment = environment(&arguments.selection.target, console).await?;
            let policy = pins::policy(arguments.skip_checks, pins::latest());
            let exit = diff::run(&environment, &inputs, &policy, arguments.exit_code, console).await?;
            if !arguments.drift {
                return Ok(exit);
            }
            let stacks: Vec<_> = inputs.iter().map(|input| input.stack().to_owned()).collect();
            let has_drift = drift::run(&environment, &stacks, console).await?;
            return Ok(match has_drift && arguments.exit_code {
                true => Exit::Differences,
                false => exit,
            });
        }
        AwsCommand::Destroy(arguments) => {
            let stacks = dependents::stack_names(app, &arguments.selection.stacks)?;
            let environment = environment(&arguments.selection.target, console).await?;
            dependents::expect_unused(&environment, app, &stacks).await?;
            destroy::run(&environment, app.name(), &stacks, arguments.yes, console).await?;
        }
        AwsCommand::Outputs(arguments) => {
            let stacks = dependents::stack_names(app, &arguments.selection.stacks)?;
            let environment = environment(&arguments.selection.target, console).await?;
            outputs::run(&environment, &stacks, arguments.json).await?;
        }
    }
    Ok(Exit::Done)
}

async fn environment(target: &AwsTarget, console: &Console) -> Result<Environment, AwsError> {
    console.set_status("resolving the AWS account");
    environment_of(&config::load(target, console).await, target, console).await
}

/// The account and region of a configuration. Prints the caller's identity, so that a wrong account is noticed.
pub(crate) async fn environment_of(
    config: &SdkConfig,
    target: &AwsTarget,
    console: &Console,
) -> Result<Environment, AwsError> {
    let from_environment = std::env::var("AWS_PROFILE").ok().filter(|profile| !profile.is_empty());
    let profile = target.profile.clone().or(from_environment);
    let environment = Environment::new(config).map_err(|error| match &profile {
        Some(profile) if error.kind() == ErrorKind::NoRegion => AwsError::ProfileRegion(profile.clone()),
        _ => AwsError::Deploy(error),
    })?;
    let mut environment = environment.with_profile(profile.as_deref());
    if let Some(role) = &target.role_arn {
        environment = environment.with_service_role(role);
    }
    if let Some(bucket) = target.template_bucket.as_ref().filter(|bucket| !bucket.is_empty()) {
        environment = environment.with_template_bucket(bucket);
    }
    let caller = environment.caller_identity().await.map_err(|error| match &profile {
        Some(profile) if error.kind() == ErrorKind::NoCredentials => AwsError::Profile(profile.clone()),
        _ => AwsError::Deploy(error),
    })?;
    console.progress(&format!(
        "account {}, {}, as {}",
        caller.account, caller.region, caller.arn
    ));
    Ok(environment)
}
