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
//! - `analysis`: error rates and latencies of both sides, compared; the policy for steps with too few requests;
//! - `rollout_controller`: connects `bluegreen_state::Controller` with an application and a target;
//! - `hook`: commands and HTTP requests at lifecycle stages;
//! - `outcome`: results of actions and commands; `status`, `local_process`: the status for people and as JSON;
//! - `error`.
//!
//! # Status
//!
//! | feature | status |
//! |---|---|
//! | rollout on one machine: deploy, continue, abort, rollback, resume after a crash | supported |
//! | rollout in an AWS account (feature `aws`) | supported; tested on emulators only |
//! | canary analysis by Envoy statistics | on one machine, and in an AWS account by the status of the control plane's replicas |
//! | steps with too few requests or without statistics: wait, proceed or roll back, see [`InconclusivePolicy`] | supported |
//! | readiness gate: no weight to a side without healthy endpoints in Cloud Map | in an AWS account |
//! | hooks at the lifecycle stages of ECS: commands, HTTP requests, see [`Hook`] | supported |
//! | test traffic by a route of its own, see [`Application::with_test_route`] | supported |
//! | more than two sides | not supported |
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod analysis;
mod application;
#[cfg(feature = "aws")]
mod aws_target;
pub mod control_api;
mod deployment_target;
mod error;
mod hook;
mod ignored_envoys;
mod local_process;
mod local_state_dir;
mod local_target;
mod outcome;
mod rollout_controller;
mod sides;
mod status;

pub use analysis::{AnalysisOptions, CanaryAnalysis, DEFAULT_MIN_REQUESTS, InconclusivePolicy, Verdict};
pub use application::{Application, RouteParameter, TEST_HEADER, VersionChange};
#[cfg(feature = "aws")]
pub use aws_target::{AwsTarget, Reporter, StackUpdate, StackUpdater};
pub use control_api::{Applied, CommandError};
pub use deployment_target::DeploymentTarget;
pub use error::{Error, describe_rejected};
pub use hook::{DEFAULT_HOOK_TIMEOUT, Hook, InvalidHook, MAX_OUTPUT_LINES};
pub use ignored_envoys::{TaskNames, check_ignored};
pub use local_state_dir::LocalStateDir;
pub use local_target::LocalTarget;
pub use outcome::{DEFAULT_STRATEGY, Expected, exit_result, select_strategy};
pub use rollout_controller::RolloutController;
pub use sides::Sides;
pub use status::{
    ControllerStatus, describe_deployed_weights, describe_destruction, describe_interruption, describe_partial, status,
    status_json,
};

/// A version number, as in the state document.
pub type Version = u64;

/// The version that runs before the first deployment.
pub const INITIAL_VERSION: Version = 1;
