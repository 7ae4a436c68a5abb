//! The ADS service in a tonic server: mounted by a caller, with Envoy; its protocol; who may use it, and its limits.
//!
//! - `server`: a server with clients of both protocols, `raw`: requests as bytes;
//! - `conformance`: the outlines of the xDS conformance harness;
//! - `access`, `bad_input`, `limits`, `abuse`: what is rejected, and what that costs;
//! - `mounted`: TLS and an interceptor, with Envoy.

mod abuse;
mod access;
mod bad_input;
mod conformance;
mod limits;
mod mounted;
mod public_api;
mod raw;
mod server;
