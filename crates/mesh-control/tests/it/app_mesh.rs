//! Members of an App Mesh: what its documents say, as traffic through real Envoys.
//!
//! Reading order:
//! - `demo`: the mesh of these tests, as documents of App Mesh's API;
//! - `calls`, `egress`: from node to node, and to nobody;
//! - `shop`, `conditions`, `routes`, `http2`, `grpc`, `tcp`, `weights`: which request goes where, and how many;
//! - `gateway`, `gateway_routes`, `gateway_listeners`: from outside;
//! - `retries`, `timeouts`, `pools`, `outliers`, `health`: what happens when a target fails, is slow or has enough to do;
//! - `dns`, `families`: how tasks are found;
//! - `secured`, `tls`, `tls_policies`, `tls_gateway`, `sds`: who is who;
//! - `access_logs`: what is written down;
//! - `changes`: and nothing that changes costs a request;
//! - `golden`: whole configurations, to be read.

mod access_logs;
mod calls;
mod changes;
mod conditions;
mod demo;
mod dns;
mod egress;
mod families;
mod gateway;
mod gateway_listeners;
mod gateway_routes;
mod golden;
mod grpc;
mod health;
mod http2;
mod outliers;
mod pools;
mod retries;
mod routes;
mod sds;
mod secured;
mod shop;
mod tcp;
mod timeouts;
mod tls;
mod tls_gateway;
mod tls_policies;
mod weights;
