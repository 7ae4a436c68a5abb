//! What is said on the command line of an app that is deployed blue-green.

use std::path::PathBuf;

use bluegreen_state::Strategy;
use clap::{Parser, Subcommand};

use super::Version;
use crate::up::Network;

/// Two versions beside each other, and traffic that moves from one to the other.
#[derive(Debug, Parser)]
#[command(disable_help_subcommand = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) verb: Option<Verb>,
    /// Play the whole story unattended, under load; the exit code says whether no request failed and every version was
    /// served when it should be.
    #[arg(long, conflicts_with = "network")]
    pub(super) once: bool,
    /// What network the tasks are in.
    #[arg(long, value_enum, default_value_t)]
    pub(super) network: Network,
    /// The folder of the state, and of the socket by which other terminals speak to what runs. Default: a folder of this
    /// user's state, `$XDG_STATE_HOME/meshwright` or `~/.local/state/meshwright`.
    #[arg(long, global = true, value_name = "FOLDER")]
    pub(super) state: Option<PathBuf>,
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
    },
    /// Deploy a version to the side that does not serve, and move the traffic there; or go on with what was begun.
    Deploy {
        /// The version.
        #[arg(long)]
        version: Version,
        /// How fast traffic moves: all-at-once, canary:10%,30s, linear:20%,10s, fixed:50%, or steps:5%+hold,25%+10m,100%;
        /// after it perhaps ,bake:5m.
        #[arg(long, default_value = "canary:10%,30s")]
        strategy: Strategy,
    },
    /// Say which side serves which version, and how far a deployment is.
    Status,
    /// Go on after a hold.
    Continue,
    /// Take back the deployment that is under way.
    Abort,
    /// Take back the deployment that is under way, or return to the version before the last one.
    Rollback,
}
