#![doc = include_str!("../README.md")]
//!
//! Pure: no I/O, not async.
//!
//! # Reading order
//!
//! - [`migrate()`]: CloudFormation stacks that were written for App Mesh, as stacks that deploy today;
//! - [`Meshes`]: meshes between their sources and targets; [`read_dumps`], [`read_templates`], [`read_terraform`] read
//!   them, [`to_template`], [`to_rust`] and [`to_dumps`] write them;
//! - [`compare()`]: what the move would have lost on Service Connect or VPC Lattice.

mod compare;
mod meshes;
mod migrate;
mod read;
mod write;

pub use compare::{Alternative, Comparison, Verdict, compare};
pub use meshes::{MeshDocument, Meshes};
pub use migrate::{Change, ChangeKind, ControlPlaneLocation, Migration, Options, SourceStack, migrate};
pub use read::{JsonText, read_dumps, read_templates, read_terraform};
pub use write::{to_dumps, to_rust, to_template};

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
