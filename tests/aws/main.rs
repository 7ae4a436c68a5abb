//! The verbs that need an AWS account, as users meet them: the examples are started as programs, with MiniStack in place of
//! AWS.
//!
//! Run them by `cargo build --features aws --examples && cargo test --features aws --test aws`: with `--test`, Cargo builds no
//! examples.
//!
//! - `account`, `fleet`: what the tests are written with;
//! - `verbs`: deploy, outputs, diff, destroy, example by example;
//! - `mesh`: a deployed stack, with real Envoys;
//! - `blue_green`: blue-green deployments in an account;
//! - `refused`: everything that can be wrong.

#[path = "../it/room.rs"]
#[allow(dead_code, reason = "nothing here needs all of it")]
mod room;
#[path = "../it/run.rs"]
#[allow(dead_code, reason = "programs here run to their end")]
mod run;

mod account;
mod blue_green;
mod fleet;
mod mesh;
mod refused;
mod verbs;
