//! The real binary, on ports that the OS chose, with a real server that plays its sidecar.

mod demo;
mod documents;
mod downstream;
mod failing;
mod health;
mod readiness;
mod sidecar;
mod start;
#[cfg(unix)]
mod stop;
#[cfg(unix)]
mod telemetry;
mod traffic;
