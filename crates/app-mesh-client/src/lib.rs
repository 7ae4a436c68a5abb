#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! Reading order:
//! - [`plan`]: what to change on a server, in which order; pure;
//! - `client`: a client and its errors; `calls`: the calls for a resource of any type;
//! - `body`: the JSON in requests and responses;
//! - `read`, `write`: whole meshes.

mod body;
mod calls;
mod client;
pub mod plan;
mod read;
mod write;

pub use client::{ApiClient, ClientError};
pub use plan::Extra;
pub use read::{Present, ReadError};
pub use write::{Outcome, Summary, WriteError};
