//! End-to-end tests of the commands for an AWS account: the examples as programs, MiniStack in place of AWS.
//!
//! Run them by `cargo build --features aws --examples && cargo test --features aws --test aws`: with `--test`, Cargo builds no
//! examples.
//!
//! - `account`, `fleet`: fixtures;
//! - `commands`: diff, deploy, outputs, destroy for each example;
//! - `app_mesh_api`: App Mesh's API by several replicas over DynamoDB, key pairs in Secrets Manager, endpoints in Cloud Map;
//! - `large`: a mesh of 200 services over several stacks;
//! - `constructs`: a stack with the constructs for companies;
//! - `mesh`: a deployed stack, with real Envoys;
//! - `migrated`: a stack that was written for App Mesh;
//! - `blue_green`: blue-green deployments in an account;
//! - `canary_analysis`: versions that real Envoys count errors and latencies of;
//! - `fault_table`: the measured faults of docs/aws.md, rewritten by `UPDATE_FAULTS=1`;
//! - `faults_under_traffic`: an account that fails while real Envoys serve requests;
//! - `outages`: an account that is silent, throttled or refused for a while;
//! - `images`: the check of container images;
//! - `rollout_guards`: blue-green commands that are rejected or that warn, before anything is changed;
//! - `recovery`: deployments that fail and go on, stacks of other owners, drift;
//! - `permissions`: each call denied, one at a time;
//! - `stored_values`: parameters and secrets that templates of others name;
//! - `errors`: errors of AWS and of the command line.

#[path = "../it/api_client.rs"]
#[allow(dead_code, reason = "only part of it is used here")]
mod api_client;
#[path = "../it/mesh_caller.rs"]
mod mesh_caller;
#[path = "../it/run.rs"]
#[allow(dead_code, reason = "these programs exit by themselves")]
mod run;
#[path = "../it/workdir.rs"]
#[allow(dead_code, reason = "only part of it is used here")]
mod workdir;

mod account;
mod app_mesh_api;
mod blue_green;
mod canary_analysis;
mod commands;
mod constructs;
mod errors;
mod fault_table;
mod faults_under_traffic;
mod fleet;
mod images;
mod large;
mod mesh;
mod migrated;
mod outages;
mod permissions;
mod recovery;
mod rollout_guards;
mod stored_values;
