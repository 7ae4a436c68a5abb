//! Members of an App Mesh: what its documents say, as traffic through real Envoys.
//!
//! Reading order:
//! - `demo`: the mesh of these tests, as documents of App Mesh's API;
//! - `calls`: from node to node, and to nobody;
//! - `routes`, `weights`: which request goes where, and how many;
//! - `gateway`: from outside;
//! - `failures`: retries, timeouts, limits, and who is left alone;
//! - `tcp`, `tls`: what is not plain HTTP;
//! - `golden`: whole configurations, to be read.

mod calls;
mod demo;
mod failures;
mod gateway;
mod golden;
mod routes;
mod tcp;
mod tls;
mod weights;
