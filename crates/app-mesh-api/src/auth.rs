//! Authentication of the API's callers: key pairs, AWS Signature Version 4, rate limits.
//!
//! ```text
//! request ─► VerifyLayer (signature ─► rate limit of the key ─► replay) ─► Caller in the extensions ─► router
//! ```
//!
//! - [`key_pairs`]: the document of key pairs; [`key_source`]: a file or a secret with it, and its renewal;
//! - [`rate_limit`]: requests per second of each key;
//! - `layer`: both around a router; `loopback`: a router without authentication.
//!
//! A server on loopback does without: each request has [`Caller::unrestricted`](crate::Caller::unrestricted) then, and
//! no limits. [`loopback_only`] is around it.

pub mod key_pairs;
pub mod key_source;
mod layer;
mod loopback;
pub mod rate_limit;
#[cfg(feature = "aws")]
mod secrets_manager;

pub use key_pairs::{KeyPair, KeyPairs, KeyPairsError};
pub use key_source::{KeyLocation, KeySource, KeySourceError};
pub use layer::Authentication;
pub use loopback::loopback_only;
pub use rate_limit::RateLimits;
#[cfg(feature = "aws")]
pub use secrets_manager::{SecretError, read_secret};
