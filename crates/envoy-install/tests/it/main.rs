//! Locates and installs Envoy with the real pip, and each way in which that can fail, in a cache of its own.

mod cancellation;
mod concurrent_installs;
mod envoy;
mod failures;
mod fixture;
mod public_api;
