//! The client against servers in place of the sidecar, the services and DNS, on ports that the operating system chooses.

mod bodies;
mod calls;
mod deadlines;
mod dns_failures;
mod envoy;
mod failures;
mod no_proxy;
mod public_api;
mod readiness;
mod resolution;
mod retries;
mod servers;
mod shutdown;
mod task_servers;
mod tcp_address;
#[cfg(all(feature = "axum", feature = "telemetry"))]
mod telemetry;
