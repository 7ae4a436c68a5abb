//! The state of blue-green deployments, for any deploy tool: which side serves, which one to update next, and how
//! to get the traffic there without a failed request.
//!
//! Two sides, `blue` and `green`, run next to each other behind a router that divides traffic between them by
//! weights. A new version goes to the side that does not serve; then traffic moves there, as fast as a [`Strategy`]
//! says; and should the version not be well, traffic goes back. That takes minutes or days, outlives the program
//! that began it, and two programs may try it at once. So the state is a document in a [`Store`], and what follows
//! from it is decided by pure functions:
//!
//! - [`plan()`] says what a deployment would change;
//! - [`step()`] says, for a state, an event and a time, what the next state is and what has to be done;
//! - a [`Deployment`] takes steps and stores each next state before anything is done about it.
//!
//! The tool does the rest: starting tasks, asking a router for weights and learning that it has them, checking
//! health, waiting. The crate's `README.md` is a whole deploy script.
//!
//! This crate uses no other crate of its workspace, starts no thread or process, asks no clock, and needs no async
//! runtime: the futures of the stores in memory and in files are ready at once.
//!
//! Reading order:
//! - [`side`]: the two sides and their weights;
//! - [`state`], [`phase`], [`outcome`]: what is known;
//! - [`document`]: the same as text;
//! - [`strategy`]: how fast traffic moves;
//! - [`plan`](mod@plan): what would change;
//! - [`rollout`]: events, effects, and the state machine; [`refusal`]: what it does not do;
//! - [`store`]: where documents are, and what happens if two want to change one;
//! - [`deployment`]: all of it together;
//! - [`timestamp`]: what time it is.
//!
//! # Status
//!
//! | part | here |
//! |---|---|
//! | the document `{"nextUpdate":…,"nextVersion":…,"currentVersion":…}`, and the older one with `previousVersion` | read and written; the older one is read, and written as the other |
//! | fixed split, all at once, canary, linear, any list of steps; holds, bake time, stage limits | here |
//! | abort, rollback, rollback by a failed check | here |
//! | ECS's lifecycle stages | the words of those that have a meaning here, see [`Phase`]; no test traffic and no hooks |
//! | shares of less than a percent | not here, see [`Percent`] |
//! | stores | memory, a file, Parameter Store (feature `ssm`) |
//! | doing what is asked, checking health | the tool's |
#![cfg_attr(doctest, doc = include_str!("../README.md"))]

pub mod deployment;
pub mod document;
pub mod outcome;
pub mod phase;
pub mod plan;
pub mod refusal;
pub mod rollout;
pub mod side;
pub mod state;
pub mod store;
pub mod strategy;
pub mod timestamp;

#[cfg(feature = "ssm")]
pub use aws_sdk_ssm;
pub use deployment::{Deployment, Error};
pub use document::DocumentError;
pub use outcome::{Ended, Outcome, Reason};
pub use phase::{Phase, Rollout};
pub use plan::{Plan, plan};
pub use refusal::Refusal;
pub use rollout::{Effect, Event, step};
pub use side::{Percent, Side, Weights};
pub use state::State;
#[cfg(feature = "ssm")]
pub use store::SsmStore;
pub use store::{FileStore, MemoryStore, Revision, Store, StoreError, Stored};
pub use strategy::{Hold, InvalidStrategy, Step, Strategy};
pub use timestamp::Timestamp;
