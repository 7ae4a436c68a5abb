//! A service mesh for Rust services on Amazon ECS that its users own.
//!
//! Services are described once, in Rust. The description becomes a CloudFormation template, and the template
//! runs: on this machine, on real Envoys with a control plane of our own. [`run`] gives a description its verbs:
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
//! cargo run                 start the stack here, until Ctrl-C
//! cargo run -- --once       start it, take the walk, stop
//! cargo run -- synth        print the CloudFormation template
//! cargo run -- diagram      print a Mermaid diagram of the stack
//! cargo run --features aws -- diff, deploy, outputs, destroy: in an AWS account
//! ```
//!
//! This crate is the front door and decides nothing: descriptions are `mesh-infra`'s, running them is
//! `mesh-local`'s, configuring Envoys is `mesh-control`'s.
//!
//! Reading order:
//! - [`program`]: an app with its images and its walk, and the verbs;
//! - [`child`]: the program as its own children;
//! - [`walk`]: calls that show a mesh at work, and what is expected of them;
//! - `up`: start, walk, stay, stop;
//! - `console`: what is shown while that happens; `signals`: what ends it;
//! - `control`: how other programs change a mesh that runs;
//! - [`blue_green`]: an app with two versions beside each other, and deployments that move traffic;
//! - `template_file`: the same for templates in files, for the `meshwright` binary;
//! - `account`: what can be said of an AWS account, and `aws` (feature `aws`): doing it;
//! - [`images`]: how the project's container images are built and pushed;
//! - `translate`: its verb that prints what one node's Envoy would be told.

mod account;
#[cfg(feature = "aws")]
mod aws;
pub mod blue_green;
pub mod child;
mod console;
mod control;
pub mod images;
pub mod program;
mod signals;
mod template_file;
mod translate;
mod up;
pub mod walk;
#[cfg(not(feature = "aws"))]
mod without_aws;

pub use blue_green::{BlueGreen, Sides};
pub use child::DEMO_SERVICE_IMAGE;
pub use mesh_infra::{App, Stack};
pub use mesh_local::Image;
pub use program::{Program, run};
pub use walk::{Call, Walk};

/// The command line of the `meshwright` binary: `up`, `check`, `translate` and `diagram` for templates in files.
#[must_use]
pub fn main() -> std::process::ExitCode {
    template_file::main()
}

/// The README's programs, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
