//! Integration tests of the public API.

mod public_api;
mod round_trip;
