//! Integration tests of the public API.

mod cdk;
mod meshes;
mod migration;
mod public_api;
mod round_trips;
mod rust_source;
