//! Blue-green deployments of Meshwright applications: rollout controller, canary analysis, local and AWS targets.
//!
//! ```text
//!  bluegreen_state::Controller ──► RolloutController ──► DeploymentTarget
//!    events, effects, stored state    templates, weights,    ├── LocalTarget ── control socket ── mesh-local
//!                                     canary analysis        └── AwsTarget ──── CloudFormation, Parameter Store
//! ```
//!
//! `bluegreen-state` owns the state machine and `mesh-local` runs the mesh; this crate connects the two. It has no
//! command line and no terminal output: progress goes to a callback, and CloudFormation is reached through
//! `StackUpdater`, which the caller implements.
//!
//! Reading order of the source:
//! - `application`, `sides`: the described application and what its description depends on;
//! - `deployment_target`: the operations that a rollout needs; `local_target` with `local_state_dir` and
//!   [`control_api`] (this machine), `aws_target` with `aws_target::readiness_gate` (an AWS account);
//! - `analysis`: error rates and latencies of both sides, compared;
//! - `rollout_controller`: connects `bluegreen_state::Controller` with an application and a target;
//! - `outcome`: results of actions and commands;
//! - `error`.
//!
//! # Status
//!
//! | feature | status |
//! |---|---|
//! | rollout on one machine: deploy, continue, abort, rollback, resume after a crash | supported |
//! | rollout in an AWS account (feature `aws`) | supported; tested on emulators only |
//! | canary analysis by Envoy statistics | on one machine; in an AWS account, a version is only rolled back if the stack update fails |
//! | readiness gate: no weight to a side without healthy endpoints in Cloud Map | in an AWS account |
//! | more than two sides, header-based test traffic | not supported |
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod analysis;
mod application;
#[cfg(feature = "aws")]
mod aws_target;
pub mod control_api;
mod deployment_target;
mod error;
mod local_state_dir;
mod local_target;
mod outcome;
mod rollout_controller;
mod sides;

pub use analysis::{CanaryAnalysis, Verdict};
pub use application::{Application, VersionChange};
#[cfg(feature = "aws")]
pub use aws_target::{AwsTarget, Reporter, StackUpdater};
pub use control_api::{Applied, CommandError};
pub use deployment_target::DeploymentTarget;
pub use error::{Error, describe_rejected};
pub use local_state_dir::LocalStateDir;
pub use local_target::LocalTarget;
pub use outcome::{DEFAULT_STRATEGY, exit_result, select_strategy, status};
pub use rollout_controller::RolloutController;
pub use sides::Sides;

/// A version number, as in the state document.
pub type Version = u64;

/// The version that runs before the first deployment.
pub const INITIAL_VERSION: Version = 1;
