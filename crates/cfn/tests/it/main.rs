//! Integration tests of the public API.

mod round_trip;
