//! The control plane against the real Envoy, in both protocols of the protocol.
//!
//! Everything here is real: Envoy 1.40, HTTP servers, connections. What is true is told to a control plane in
//! this process, and what comes of it is observed at Envoy's listeners and on its admin page.
//!
//! Reading order:
//! - `harness`: Envoys, the mesh around them, servers behind them, load through them;
//! - `traffic`, `protocols`: requests arrive;
//! - `faults`, `retries`: or are answered in a way that says why not;
//! - `spans`: and are seen at every sidecar they pass, if they are to be;
//! - `changes`, `reconnects`: and nothing that changes costs one;
//! - `refusals`: a resource that Envoy refuses harms no other;
//! - `regular_expressions`: which ones it refuses is known before it sees them;
//! - `app_mesh`: the same for members of an App Mesh;
//! - `status`: what people can see of all this;
//! - `golden`: the whole configuration of three tasks, to be read.

mod app_mesh;
mod changes;
mod faults;
mod golden;
mod harness;
mod protocols;
mod reconnects;
mod refusals;
mod regular_expressions;
mod retries;
mod spans;
mod status;
mod traffic;
