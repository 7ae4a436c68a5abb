//! Arguments of an application that is deployed blue-green.

use std::mem;
use std::path::PathBuf;
use std::time::Duration;

use bluegreen_deploy::{AnalysisOptions, Hook, InconclusivePolicy, Version};
use bluegreen_state::{HookStage, Strategy};
use clap::{Parser, Subcommand};

use crate::cli::aws_args::{AwsTarget, DeployOptions, StackInputs};
use crate::cli::error::CliError;
use crate::cli::policy::PolicyArguments;
use crate::cli::synth::TemplateFormat;
use crate::exit_code;
use crate::up::Network;

/// Runs two versions side by side and shifts traffic from one to the other.
#[derive(Debug, Parser)]
#[command(disable_help_subcommand = true, after_help = exit_code::HELP)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
    /// Run the demo scenario under load, with a temporary state, and exit. The exit code is 0 if no request failed and
    /// each version served when it should.
    #[arg(long, conflicts_with = "state")]
    pub(super) once: bool,
    /// Network of the tasks.
    #[arg(long, value_enum, default_value_t)]
    pub(super) network: Network,
    /// Directory of the state and of the control socket. Default: $XDG_STATE_HOME/meshwright/NAME or
    /// ~/.local/state/meshwright/NAME.
    #[arg(long, global = true, value_name = "FOLDER", conflicts_with = "aws")]
    pub(super) state: Option<PathBuf>,
    #[command(flatten)]
    pub(super) target: AwsTarget,
}

/// Which Envoys a deployment waits for.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Rollout")]
pub(super) struct Waiting {
    /// Do not wait for this Envoy to acknowledge weights (repeatable): a node id such as mesh/MESH/virtualNode/NAME, or, on
    /// this machine, a task such as NAME/1. `abort` and `rollback` wait for no Envoy longer than 30 s.
    #[arg(long, value_name = "NODE")]
    pub(super) ignore: Vec<String>,
}

/// Hooks of a rollout.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Rollout")]
pub(super) struct HookOptions {
    /// Run a command, or send an HTTP POST, at a lifecycle stage (repeatable, one per stage): POST_SCALE_UP='./smoke-test
    /// --fast' or POST_SCALE_UP=http://localhost:8080/hook. The command is split into words as by a shell, and runs
    /// without one. If it fails, the rollout is rolled back. A command that continues the rollout needs the same hooks.
    // Parsed after clap, whose errors quote the whole value.
    #[arg(long = "hook", value_name = "STAGE=HOOK")]
    hooks: Vec<String>,
    /// Time limit of each call of these hooks. Default: 15m.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, requires = "hooks")]
    hook_timeout: Option<Duration>,
}

impl HookOptions {
    /// The hooks with their stages.
    ///
    /// # Errors
    ///
    /// [`CliError::Usage`] for an invalid hook, without secrets.
    pub(super) fn into_hooks(self) -> Result<Vec<(HookStage, Hook)>, CliError> {
        let timed = |(stage, hook): (HookStage, Hook)| match self.hook_timeout {
            Some(timeout) => (stage, hook.with_timeout(timeout)),
            None => (stage, hook),
        };
        let hooks = self.hooks.iter().map(|text| parse_hook(text).map(timed));
        let hooks: Result<Vec<_>, String> = hooks.collect();
        hooks.map_err(|error| CliError::Usage(format!("invalid --hook: {error}")))
    }
}

/// A hook with its stage. Messages have no arguments of commands, and no user information, path and query of URLs, which may
/// be secret.
fn parse_hook(text: &str) -> Result<(HookStage, Hook), String> {
    let is_word = |stage: &str| {
        stage
            .chars()
            .all(|char| char.is_ascii_alphabetic() || "_-".contains(char))
    };
    let (stage, hook) = text
        .split_once('=')
        .filter(|(stage, _)| is_word(stage))
        .ok_or("expected STAGE=COMMAND or STAGE=http://HOST/PATH, with a stage such as POST_SCALE_UP")?;
    let stage = stage.parse::<HookStage>().map_err(|error| error.to_string())?;
    let hook = match hook.contains("://") && !hook.contains(char::is_whitespace) {
        true => Hook::post(hook),
        false => Hook::command(shell_words::split(hook).map_err(|error| format!("invalid command: {error}"))?),
    };
    Ok((stage, hook.map_err(|error| error.to_string())?))
}

/// Canary analysis of a rollout.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
#[command(next_help_heading = "Rollout")]
pub(super) struct Analysis {
    /// What follows a step whose analysis is inconclusive, because the new version had too few requests or statistics are
    /// not available. Applies to timed steps and bake time of this command, not to `hold` and `promote`. Default: wait.
    #[arg(long, value_enum, value_name = "POLICY")]
    inconclusive: Option<Inconclusive>,
    /// Requests to the new version that the analysis of a step needs, at least 1. Default: 20.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    min_requests: Option<u64>,
}

/// What follows an inconclusive step.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Inconclusive {
    /// Stay at the step until there are statistics of enough requests.
    Wait,
    /// Proceed to the next step, and report it.
    Proceed,
    /// Roll back.
    RollBack,
}

impl From<Analysis> for AnalysisOptions {
    fn from(arguments: Analysis) -> Self {
        let default = Self::default();
        Self {
            inconclusive: match arguments.inconclusive {
                None => default.inconclusive,
                Some(Inconclusive::Wait) => InconclusivePolicy::Wait,
                Some(Inconclusive::Proceed) => InconclusivePolicy::Proceed,
                Some(Inconclusive::RollBack) => InconclusivePolicy::RollBack,
            },
            min_requests: arguments.min_requests.unwrap_or(default.min_requests),
        }
    }
}

#[expect(clippy::large_enum_variant, reason = "one value per process")]
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Print the CloudFormation template of the current state.
    Synth(TemplateFormat),
    /// Print a Mermaid diagram.
    Diagram,
    /// Print an IAM policy for the deployer or for CloudFormation's service role.
    Policy(PolicyArguments),
    /// Print what deploying a version would change.
    Diff {
        /// The version.
        #[arg(long)]
        version: Version,
        #[command(flatten)]
        given: StackInputs,
        /// With --aws: also list resources that were changed outside of CloudFormation (drift).
        #[arg(long)]
        drift: bool,
        /// With --aws: compare without the current digests of images in Amazon ECR, as `deploy --skip-checks` deploys.
        #[arg(long, env = "MESHWRIGHT_SKIP_CHECKS", value_parser = clap::builder::FalseyValueParser::new())]
        skip_checks: bool,
        /// With --aws: exit with code 3 if there are differences.
        #[arg(long)]
        exit_code: bool,
    },
    /// Deploy a version to the side that does not serve and shift traffic to it, or continue its deployment.
    Deploy {
        /// The version.
        #[arg(long)]
        version: Version,
        /// Traffic shift: all-at-once, canary:10%,30s, linear:20%,10s, fixed:50% or steps:5%+hold,25%+10m,100%, optionally
        /// followed by ,bake:5m; by ,within:10m, the time limit of each stage; by ,test:2m or ,test:hold, a pause with test traffic only; and by ,mirror:10%, mirrored
        /// requests during that. Default: canary:10%,30s. A resumed deployment keeps its original strategy. A version that
        /// stays at a part of the traffic keeps it without this option, and moves on with it.
        #[arg(long)]
        strategy: Option<Strategy>,
        #[command(flatten)]
        given: StackInputs,
        #[command(flatten)]
        options: DeployOptions,
        /// With --aws: do not ask for confirmation of changes to IAM or network access.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        waiting: Waiting,
        #[command(flatten)]
        analysis: Analysis,
        #[command(flatten)]
        hooks: HookOptions,
    },
    /// Print the version and weight of each side, the progress of a deployment with its times, and whether its controller
    /// is running.
    Status {
        /// Print JSON. Times are in RFC 3339 and UTC.
        #[arg(long)]
        json: bool,
    },
    /// Continue a paused deployment.
    Continue {
        /// With --aws: do not ask for confirmation of changes to IAM or network access.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        waiting: Waiting,
        #[command(flatten)]
        analysis: Analysis,
        #[command(flatten)]
        hooks: HookOptions,
    },
    /// Give the new version all of the traffic at once, whatever the strategy: skip the remaining steps and pauses, or
    /// finish a deployment that stays at a part of the traffic. Bake time still follows; a second `promote` ends it.
    Promote {
        /// With --aws: do not ask for confirmation of changes to IAM or network access.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        waiting: Waiting,
        #[command(flatten)]
        analysis: Analysis,
        #[command(flatten)]
        hooks: HookOptions,
    },
    /// Roll back the deployment in progress.
    Abort,
    /// Roll back the deployment in progress, or return to the previous version.
    Rollback,
    /// Print the outputs of the deployed stack in the AWS account.
    Outputs {
        /// Print JSON: stack, output, value.
        #[arg(long)]
        json: bool,
    },
    /// Delete the stack in the AWS account and the state.
    Destroy {
        /// Do not ask for confirmation.
        #[arg(long)]
        yes: bool,
    },
}

impl Verb {
    /// Takes the hooks of a verb that begins or continues a rollout.
    pub(super) fn take_hooks(&mut self) -> HookOptions {
        match self {
            Self::Deploy { hooks, .. } | Self::Continue { hooks, .. } | Self::Promote { hooks, .. } => mem::take(hooks),
            _ => HookOptions::default(),
        }
    }

    /// Checks that no option for an account was given, for a local verb. Not by clap: it does not see a global `--aws`
    /// before the verb.
    pub(super) fn require_local(&self) -> Result<(), CliError> {
        let option = match self {
            Self::Diff { exit_code: true, .. } => "--exit-code",
            Self::Diff { drift: true, .. } => "--drift",
            Self::Deploy { yes: true, .. } | Self::Continue { yes: true, .. } | Self::Promote { yes: true, .. } => {
                "--yes"
            }
            _ => return Ok(()),
        };
        Err(CliError::Usage(format!("{option} requires --aws")))
    }
}

#[cfg(test)]
mod tests {
    use bluegreen_deploy::DEFAULT_STRATEGY;
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn help_names_the_default_analysis() {
        let default = AnalysisOptions::from(Analysis::default());
        assert_eq!(default, AnalysisOptions::default());
        let command = Arguments::command();
        let deploy = command.find_subcommand("deploy").expect("the verb exists");
        let help = |id| {
            let option = deploy.get_arguments().find(|option| option.get_id() == id);
            option
                .and_then(|option| option.get_help())
                .expect("it has a help text")
                .to_string()
        };
        assert!(help("min_requests").ends_with(&format!("Default: {}", default.min_requests)));
        assert!(help("inconclusive").ends_with("Default: wait"));
    }

    #[test]
    fn hooks_are_commands_or_urls() {
        let (stage, hook) = parse_hook("POST_SCALE_UP=./smoke-test 'two words' --url=http://host/").expect("a hook");
        assert_eq!(
            (stage, hook.to_string()),
            (HookStage::PostScaleUp, "smoke-test".to_owned())
        );
        let (_, hook) = parse_hook("POST_SCALE_UP=http://localhost:80/hook?a=b").expect("a hook");
        assert_eq!(hook.to_string(), "localhost");
        for (text, expected) in [
            ("./smoke-test", "expected STAGE=COMMAND"),
            ("BAKE_TIME=true", "`BAKE_TIME` is not a stage at which a hook can run"),
            ("POST_SCALE_UP=", "the command of the hook is empty"),
            ("POST_SCALE_UP='a", "invalid command: missing closing quote"),
            ("POST_SCALE_UP=ftp://host/", "its scheme is ftp"),
        ] {
            let error = parse_hook(text).expect_err("it is invalid");
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn messages_on_hooks_have_no_secrets() {
        for hook in [
            "POST_SCALE_UP=gopher://user:s3cr3t@host/s3cr3t?token=s3cr3t",
            "POST_SCALE_UP=http://user:s3c/s3cr3t@host/",
            "POST_SCALE_UP=ftp://us@er:s3cr3t@host/#s3cr3t",
            "POST_SCALE_UP=./smoke-test --token 's3cr3t",
            "POST_SCALE=./smoke-test --token s3cr3t",
            "https://host/s3cr3t?token=s3cr3t",
            "curl -H s3cr3t=s3cr3t",
        ] {
            let arguments = Arguments::try_parse_from(["bluegreen", "deploy", "--version", "2", "--hook", hook]);
            let mut verb = arguments.expect("clap reads no hooks").verb.expect("a verb");
            let error = verb.take_hooks().into_hooks().expect_err("it is invalid").to_string();
            assert!(
                error.starts_with("invalid --hook: ") && !error.contains("s3c"),
                "{error}"
            );
        }
    }

    #[test]
    fn help_names_the_default_strategy() {
        let command = Arguments::command();
        let deploy = command.find_subcommand("deploy").expect("the verb exists");
        let option = deploy.get_arguments().find(|option| option.get_id() == "strategy");
        let help = option.and_then(|option| option.get_help()).expect("it has a help text");
        let expected = format!("Default: {DEFAULT_STRATEGY}. ");
        assert!(help.to_string().contains(&expected), "{help}");
    }
}
