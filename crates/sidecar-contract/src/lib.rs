//! The contract between a service and its sidecar: environment variables, local-reply reasons, mesh suffixes.
//!
//! `mesh-client`, the constructs, the local runner and the control plane share these definitions. The crate has no
//! dependencies, does no I/O and knows neither Envoy nor AWS.
//!
//! Reading order:
//! - [`environment`]: environment variables that describe a sidecar to its service;
//! - [`local_reply`]: the reasons of local replies, and the response header that contains them;
//! - [`MeshSuffixes`]: suffixes of the host names that belong to a mesh;
//! - [`endpoint_address`]: addresses that no task can have;
//! - [`Diagnostics`]: validation errors, collected with the path to each field.

mod diagnostics;
pub mod endpoint_address;
pub mod environment;
pub mod local_reply;
mod mesh_suffixes;

use std::time::Duration;

/// The default time within which a sidecar expects the complete response to a request: 15 seconds, Service Connect's
/// default. Source: ECS developer guide, Service Connect concepts (read 2026-11-23).
pub const DEFAULT_PER_REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

pub use diagnostics::{Diagnostic, Diagnostics, ValidationErrors};
pub use local_reply::LocalReply;
pub use mesh_suffixes::MeshSuffixes;

/// The README's example, as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
