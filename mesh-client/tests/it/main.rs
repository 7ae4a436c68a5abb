//! The client against real servers that play the sidecar, the services and DNS, on ports that the OS chose.

mod bodies;
mod calls;
mod deadlines;
mod direct;
mod dns;
mod envoy;
mod failures;
mod lookups;
mod names;
#[cfg(feature = "telemetry")]
mod own_process;
mod public_api;
mod readiness;
mod retries;
mod shutdown;
mod sidecar;
mod tasks;
mod tcp;
#[cfg(feature = "telemetry")]
mod telemetry;
