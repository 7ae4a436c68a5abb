//! The client against real servers that play the sidecar, the services and DNS, on ports that the OS chose.

mod bodies;
mod calls;
mod deadlines;
mod dns_failures;
mod dns_server;
mod envoy;
mod failures;
mod no_proxy;
#[cfg(feature = "telemetry")]
mod own_process;
mod public_api;
mod readiness;
mod resolution;
mod retries;
mod shutdown;
mod sidecar;
mod task_servers;
mod tcp_address;
#[cfg(feature = "telemetry")]
mod telemetry;
