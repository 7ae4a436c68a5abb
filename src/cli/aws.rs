//! The verbs that need an AWS account, carried out: `mesh-infra` does, and here it is shown and asked.
//!
//! - `config`: which account;
//! - `requests`: from an app and the command line to what is deployed;
//! - `deploy`, `diff`, `destroy`, `outputs`: a verb each;
//! - `progress`, `approval`, `sections`: what is shown meanwhile, asked before, and how changes look;
//! - `public_ip`: who `--allow-my-ip` lets in.
//!
//! What is deployed blue-green uses the same, in `blue_green::there`.

mod change_format;
pub(crate) mod config;
mod confirm;
pub(crate) mod deploy;
pub(crate) mod destroy;
pub(crate) mod diff;
pub(crate) mod inputs;
pub(crate) mod outputs;
mod progress;
mod public_ip;

use std::process::ExitCode;

use aws_config::SdkConfig;
use mesh_infra::App;
use mesh_infra::deploy::{Environment, ErrorKind};
use stop_signals::StopSignals;

use crate::cli::aws_args::{AwsCommand, AwsTarget};
use crate::console::Console;

/// The exit code of a verb that was told to stop: 128 and the number of SIGINT, as shells have it.
const INTERRUPTED: u8 = 130;

/// Does what a verb says.
pub(crate) fn run(verb: AwsCommand, app: &App) -> Result<ExitCode, String> {
    until_stopped(async |console| perform(verb, app, console).await)
}

/// Does something with an account, until it is done or this program is told to stop.
pub(crate) fn until_stopped(work: impl AsyncFnOnce(&Console) -> Result<ExitCode, String>) -> Result<ExitCode, String> {
    let console = Console::new();
    console.take_warnings();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    let result = runtime.block_on(async {
        let mut signals = StopSignals::for_terminal().map_err(|error| format!("cannot listen for signals: {error}"))?;
        tokio::select! {
            result = work(&console) => result,
            signal = signals.next_distinct() => {
                let after = "nothing more is asked for. What CloudFormation was told to do by now, it does; the same command \
                             goes on from there";
                console.progress(&format!("{signal}: {after}"));
                Ok(ExitCode::from(INTERRUPTED))
            }
        }
    });
    console.at_rest();
    // Somebody may still be asked, and need not answer any more.
    runtime.shutdown_background();
    result
}

async fn perform(verb: AwsCommand, app: &App, console: &Console) -> Result<ExitCode, String> {
    match verb {
        AwsCommand::Deploy(arguments) => {
            // What is wrong with the description is wrong with any account.
            let requests = inputs::of(app, &arguments.place.stacks, &arguments.given).await?;
            let account = account(&arguments.place.target, console).await?;
            deploy::run(&account, &requests, arguments.yes, console).await?;
        }
        AwsCommand::Diff(arguments) => {
            let requests = inputs::of(app, &arguments.place.stacks, &arguments.given).await?;
            let account = account(&arguments.place.target, console).await?;
            return diff::run(&account, &requests, arguments.exit_code, console).await;
        }
        AwsCommand::Destroy(arguments) => {
            let stacks = inputs::names(app, &arguments.place.stacks)?;
            let account = account(&arguments.place.target, console).await?;
            destroy::run(&account, &stacks, arguments.yes, console).await?;
        }
        AwsCommand::Outputs(arguments) => {
            let stacks = inputs::names(app, &arguments.place.stacks)?;
            let account = account(&arguments.place.target, console).await?;
            outputs::run(&account, &stacks, arguments.json).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The account, which is told to whoever looks: the wrong one is the worst mistake that can be made here.
async fn account(target: &AwsTarget, console: &Console) -> Result<Environment, String> {
    console.waiting("asking AWS who we are");
    account_of(&config::load(target).await, target, console).await
}

pub(crate) async fn account_of(
    config: &SdkConfig,
    target: &AwsTarget,
    console: &Console,
) -> Result<Environment, String> {
    let account = Environment::new(config).map_err(|error| error.to_string())?;
    let caller = account.caller_identity().await.map_err(|error| match &target.profile {
        Some(profile) if error.kind() == ErrorKind::NoCredentials => format!(
            "the profile `{profile}` gives no credentials: look for it in ~/.aws/config and ~/.aws/credentials, or log in \
             with `aws sso login --profile {profile}`"
        ),
        _ => error.to_string(),
    })?;
    console.progress(&format!(
        "account {}, {}, as {}",
        caller.account, caller.region, caller.arn
    ));
    Ok(account)
}
