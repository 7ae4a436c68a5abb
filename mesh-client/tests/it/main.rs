//! The client against a real server that plays the sidecar, on a port that the OS chose.

mod calls;
mod failures;
mod sidecar;
