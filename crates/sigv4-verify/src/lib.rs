#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! ```text
//! VerifyLayer ──head──► Verifier ──► PendingVerification ──body──► Verified ──► ReplayMemory ──► the service
//!                        (pure)           (pure)
//! ```
//!
//! Reading order:
//! - [`key`]: access keys and where they are looked up;
//! - `authorization`: what the client states, from the header or the query string;
//! - `timestamp`: the two forms of a date;
//! - `canonical`: the canonical request, the text that is signed;
//! - [`verifier`]: the rules, and the comparison of signatures;
//! - [`replay`]: the signatures of recent writes;
//! - [`error`]: what a rejected client receives; `body`: bodies with a limit;
//! - [`layer`]: all of it around a service.

mod authorization;
mod body;
mod canonical;
pub mod error;
pub mod key;
pub mod layer;
pub mod replay;
mod timestamp;
pub mod verifier;

pub use body::read_body;
pub use canonical::{PathRule, RequestHead};
pub use error::VerifyError;
pub use key::{AccessKey, KeyRing, Keys, Secret};
pub use layer::{VerifyLayer, VerifyService};
pub use replay::ReplayMemory;
pub use verifier::{PendingVerification, UnsignedPayload, Verified, Verifier};
