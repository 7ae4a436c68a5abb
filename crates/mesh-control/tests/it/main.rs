//! The control plane with the real Envoy, in both protocols.
//!
//! Everything is real: Envoy 1.40, HTTP servers, connections. The control plane runs in this process, and effects are
//! observed at Envoy's listeners and on its admin page.
//!
//! Reading order:
//! - `harness`: Envoys, control plane, upstreams, load;
//! - `traffic`, `protocols`: HTTP/1.1, HTTP/2, gRPC, TCP;
//! - `local_replies`, `retries`: failures and retries;
//! - `spans`: tracing;
//! - `changes`, `reconnects`: changes under load, and a restarted control plane;
//! - `nacks`: NACK isolation;
//! - `fleet`: real Envoys among simulated ones;
//! - `on_demand`: clusters that are discovered at the first call;
//! - `silent_envoys`: Envoys that stop responding;
//! - `xds_access`: tokens and client certificates of Envoys;
//! - `regular_expressions`: the model and Envoy accept the same ones;
//! - `app_mesh`: the same for App Mesh;
//! - `load_balancer`: load balancers;
//! - `status`: the status page;
//! - `golden`: the whole configuration of three tasks.

mod app_mesh;
mod changes;
mod fleet;
mod golden;
mod harness;
mod load_balancer;
mod local_replies;
mod nacks;
mod on_demand;
mod protocols;
mod public_api;
mod reconnects;
mod regular_expressions;
mod retries;
mod silent_envoys;
mod spans;
mod status;
mod traffic;
mod xds_access;
