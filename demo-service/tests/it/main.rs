//! The real binary, on ports that the OS chose, with a real server that plays its sidecar.

mod downstream;
mod fault_injection;
mod health;
mod readiness;
mod response_bodies;
mod service_process;
mod sidecar;
mod start;
#[cfg(unix)]
mod stop;
#[cfg(unix)]
mod telemetry;
mod traffic;
