//! The real binary, on ports that the OS chose, with a real server that plays its sidecar.

mod demo;
mod documents;
mod downstream;
mod health;
mod sidecar;
mod start;
#[cfg(unix)]
mod stop;
#[cfg(unix)]
mod telemetry;
mod traffic;
