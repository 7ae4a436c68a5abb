//! What is said on the command line of an app that is deployed blue-green.

use std::path::PathBuf;

use bluegreen_state::Strategy;
use clap::{Parser, Subcommand};

use super::Version;
use crate::cli::aws_args::{AwsTarget, StackInputs};
use crate::up::Network;

/// Two versions beside each other, and traffic that moves from one to the other.
#[derive(Debug, Parser)]
#[command(disable_help_subcommand = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
    /// Play the whole story unattended, under load, with a state of its own; the exit code says whether no request failed
    /// and every version was served when it should be.
    #[arg(long, conflicts_with = "state")]
    pub(super) once: bool,
    /// What network the tasks are in.
    #[arg(long, value_enum, default_value_t)]
    pub(super) network: Network,
    /// The folder of the state, and of the socket by which other terminals speak to what runs. Default: a folder of this
    /// user's state, `$XDG_STATE_HOME/meshwright` or `~/.local/state/meshwright`.
    #[arg(long, global = true, value_name = "FOLDER", conflicts_with = "aws")]
    pub(super) state: Option<PathBuf>,
    #[command(flatten)]
    pub(super) target: AwsTarget,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Print the CloudFormation template for the state as it is.
    Synth,
    /// Print a Mermaid diagram.
    Diagram,
    /// Say what deploying a version would change.
    Diff {
        /// The version.
        #[arg(long)]
        version: Version,
        #[command(flatten)]
        given: StackInputs,
        /// With --aws: end with exit code 3 if anything would change. Default: 0, whether anything would or not.
        #[arg(long, requires = "aws")]
        exit_code: bool,
    },
    /// Deploy a version to the side that does not serve, and move the traffic there; or go on with what was begun.
    Deploy {
        /// The version.
        #[arg(long)]
        version: Version,
        /// How fast traffic moves: all-at-once, canary:10%,30s, linear:20%,10s, fixed:50%, or steps:5%+hold,25%+10m,100%;
        /// after it perhaps ,bake:5m. Default: canary:10%,30s, or that of the deployment that is gone on with, which keeps
        /// its own.
        #[arg(long)]
        strategy: Option<Strategy>,
        #[command(flatten)]
        given: StackInputs,
        /// With --aws: do not ask before roles, policies or what can be reached from where change.
        #[arg(long, requires = "aws")]
        yes: bool,
    },
    /// Say which side serves which version, and how far a deployment is.
    Status,
    /// Go on after a hold.
    Continue,
    /// Take back the deployment that is under way.
    Abort,
    /// Take back the deployment that is under way, or return to the version before the last one.
    Rollback,
    /// Print what the deployed stack tells, such as addresses; in the AWS account.
    Outputs {
        /// Print a JSON document: stack, output, value.
        #[arg(long)]
        json: bool,
    },
    /// Remove everything from the AWS account, with the state.
    Destroy {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}
