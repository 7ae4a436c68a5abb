//! The ADS service in a tonic server of the caller's own.

mod limits;
mod mounted;
mod public_api;
