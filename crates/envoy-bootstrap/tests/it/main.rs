//! Tests of the public API.

mod agent;
mod public_api;
