//! Authentication of the API's callers: key pairs, AWS Signature Version 4, rate limits.
//!
//! ```text
//! request ─► VerifyLayer (signature, replay) ─► rate limit of the key ─► Caller in the extensions ─► router
//! ```
//!
//! - [`key_pairs`]: the document of key pairs; [`key_source`]: a file or a secret with it, and its renewal;
//! - [`rate_limit`]: requests per second of each key;
//! - `layer`: both around a router.
//!
//! A server on loopback does without: each request has [`Caller::unrestricted`](crate::Caller::unrestricted) then, and
//! no limits.

pub mod key_pairs;
pub mod key_source;
mod layer;
pub mod rate_limit;
#[cfg(feature = "aws")]
mod secrets_manager;

pub use key_pairs::{KeyPair, KeyPairs, KeyPairsError};
pub use key_source::{KeyLocation, KeySource, KeySourceError};
pub use layer::Authentication;
pub use rate_limit::RateLimits;
#[cfg(feature = "aws")]
pub use secrets_manager::{SecretError, read_secret};
