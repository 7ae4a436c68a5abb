//! State machine and stores for blue-green deployments, for any deploy tool.
//!
//! Two sides, `blue` and `green`, run behind a router that divides traffic between them by weights. A new version
//! goes to the side that does not serve. Traffic then shifts to it as fast as a [`Strategy`] allows, and shifts back
//! if the version turns out to be unhealthy. A rollout takes minutes or days, outlives the process that started it,
//! and may be started twice at once. The state is therefore a JSON document in a [`Store`], and pure functions decide
//! what follows from it:
//!
//! - [`plan()`] computes what a deployment would change;
//! - [`step()`] computes the next state and the required effects for a state, an event and a time;
//! - a [`Deployment`] takes steps and stores each next state before its effects are carried out;
//! - a [`Controller`] runs a whole rollout on a [`Platform`] that you implement.
//!
//! Your tool does the rest: it starts tasks, sets weights, waits until the proxies have them, and checks health. The
//! crate's `README.md` is a complete deploy script.
//!
//! This crate depends on no other crate of its workspace, starts no thread or process, reads no clock and needs no
//! async runtime: the futures of the memory and file stores are ready immediately, and a [`Controller`] sleeps
//! through its platform.
//!
//! Reading order of the source: `side`, `state`, `phase`, `hook`, `outcome` (the data), `document` (its JSON form),
//! `strategy`, `plan`, `rollout` (events, effects and the state machine), `rejected`, `store`, `deployment`,
//! `controller`.
//!
//! # Status
//!
//! | feature | status |
//! |---|---|
//! | document `{"nextUpdate":…,"nextVersion":…,"currentVersion":…}` | read and written; see [`State::from_json`] |
//! | older document with `previousVersion` | read; rewritten in the current form |
//! | fixed split, all at once, canary, linear, custom steps; pauses, bake time, stage timeouts | supported |
//! | promotion, abort, rollback, rollback after a failed check | supported |
//! | ECS lifecycle stages, hooks and test traffic | supported, see [`Phase`] and [`HookStage`]; a rollback runs no hook |
//! | shares below one percent | not supported, see [`Percent`] |
//! | stores | memory, file, Parameter Store (feature `ssm`) |
//! | starting tasks, setting weights, health checks | provided by your tool through [`Platform`] |
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

mod controller;
mod deployment;
mod document;
mod hook;
mod outcome;
mod phase;
mod plan;
mod rejected;
mod rollout;
mod side;
mod state;
mod store;
mod strategy;
mod timestamp;

/// The client type of `aws-sdk-ssm` (version 1) that [`SsmStore`] takes.
#[cfg(feature = "ssm")]
pub use aws_sdk_ssm::Client as SsmClient;
pub use controller::{
    Advance, Controller, ControllerError, DEFAULT_HEARTBEAT_INTERVAL, Platform, PlatformError, Progress, Request,
};
pub use deployment::{Deployment, Error};
pub use document::{DocumentError, FORMAT_VERSION};
pub use hook::{DEFAULT_CALLBACK_DELAY, HookStage, HookStatus, ParseHookStageError, RunningHook};
pub use outcome::{FinalStatus, Outcome, Reason};
pub use phase::{Phase, Rollout};
pub use plan::{Plan, plan};
pub use rejected::Rejected;
pub use rollout::{Effect, Event, step};
pub use side::{InvalidPercent, Percent, Side, Weights};
pub use state::State;
#[cfg(feature = "ssm")]
pub use store::SsmStore;
pub use store::{FileStore, MemoryStore, Revision, Store, StoreError, StoreFuture, Stored};
pub use strategy::{DEFAULT_STAGE_TIMEOUT, InvalidStrategy, ParseStrategyError, Pause, Step, Strategy};
pub use timestamp::Timestamp;
