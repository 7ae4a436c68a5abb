//! App Mesh: the effect of its documents on traffic through real Envoys.
//!
//! Reading order:
//! - `demo_mesh`: the mesh of these tests;
//! - `calls`, `egress`: calls between nodes, and the egress filter;
//! - `http2_fixture`, `route_matches`, `routes`, `http2`, `grpc`, `tcp`, `weights`, `mirrors`: routing;
//! - `gateway`, `gateway_routes`, `gateway_listeners`: virtual gateways;
//! - `retries`, `timeouts`, `connection_pools`, `outlier_detection`, `health`: failing, slow and overloaded hosts;
//! - `dns`, `ip_preference`: service discovery;
//! - `tls_fixture`, `tls`, `tls_policies`, `tls_gateway`, `sds`: TLS;
//! - `access_logs`: access logs;
//! - `agent_image`: Envoys of AWS's App Mesh image;
//! - `changes`: changes under load;
//! - `golden`: whole configurations.

mod access_logs;
mod agent_image;
mod calls;
mod changes;
mod connection_pools;
mod demo_mesh;
mod dns;
mod egress;
mod gateway;
mod gateway_listeners;
mod gateway_routes;
mod golden;
mod grpc;
mod health;
mod http2;
mod http2_fixture;
mod http_limits;
mod ip_preference;
mod mirrors;
mod outlier_detection;
mod retries;
mod route_matches;
mod routes;
mod sds;
mod tcp;
mod timeouts;
mod tls;
mod tls_fixture;
mod tls_gateway;
mod tls_policies;
mod weights;
