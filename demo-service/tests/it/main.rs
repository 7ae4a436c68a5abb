//! The binary, on ports that the operating system chooses, with a server in place of its sidecar.

mod downstream;
mod fault_injection;
mod health;
mod readiness;
mod response_bodies;
mod service_process;
mod start;
#[cfg(unix)]
mod stop;
#[cfg(unix)]
mod telemetry;
mod traffic;
