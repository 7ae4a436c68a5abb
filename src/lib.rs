//! A self-hosted service mesh for Rust services on Amazon ECS.
//!
//! Services are described once, in Rust. The description is synthesized to a CloudFormation template, and the template
//! runs locally on real Envoys with Meshwright's own control plane. [`run`] gives a description its command line:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! fn main() -> ExitCode {
//!     let stack = meshwright::Stack::new("mine");
//!     // … add clusters, namespaces and services …
//!     meshwright::run(stack)
//! }
//! ```
//!
//! ```text
//! cargo run                 run the stack locally until Ctrl-C
//! cargo run -- --once       start it, run the smoke test, stop
//! cargo run -- synth        print the CloudFormation template
//! cargo run -- diagram      print a Mermaid diagram of the stack
//! cargo run --features aws -- diff, deploy, outputs, destroy: the same stack in an AWS account
//! ```
//!
//! This crate is a facade: `mesh-infra` describes stacks, `mesh-local` runs them, `mesh-control` configures Envoys,
//! `bluegreen-deploy` runs blue-green deployments.
//!
//! Reading order:
//! - `cli`: command lines. `cli::app` for an app described in Rust ([`Program`]), `cli::template` for template files (the
//!   `meshwright` binary), `cli::bluegreen` for an app with two versions ([`BlueGreen`]), `cli::aws` (feature `aws`) for the
//!   commands that need an AWS account;
//! - `up`: start a mesh, run the smoke test, keep it running, stop it;
//! - `page`: the live page of a mesh that runs;
//! - `running`: meshes that run on this machine, for commands from other terminals;
//! - `serve`: App Mesh's API and the control plane of its Envoys;
//! - [`smoke_test`]: calls into a running mesh and their expected results;
//! - [`self_exec`]: child processes that run this executable;
//! - [`exit_code`]: exit codes of every command; `console`: terminal output.

mod cli;
mod console;
pub mod exit_code;
mod page;
mod running;
pub mod self_exec;
mod serve;
pub mod smoke_test;
mod state_home;
mod up;

pub use bluegreen_deploy::{Hook, InvalidHook, Sides, TEST_HEADER};
pub use bluegreen_state::HookStage;
pub use cli::app::{Program, run};
pub use cli::bluegreen::BlueGreen;
pub use cli::images::IMAGE_TAG;
pub use mesh_infra::{App, Stack};
pub use mesh_local::Image;
pub use self_exec::DEMO_SERVICE_IMAGE;
pub use smoke_test::{Call, SmokeTest};

/// The command line of the `meshwright` binary: `up`, `check`, `translate` and `diagram` for templates in files, `serve` for
/// App Mesh's API, `ps`, `logs` and others for a mesh that runs.
#[must_use]
pub fn main() -> std::process::ExitCode {
    cli::template::main()
}

/// The README's programs, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
