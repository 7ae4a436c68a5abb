//! Tests of the public API.

mod public_api;
