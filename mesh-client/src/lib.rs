//! The SDK inside a service: calls through the mesh, with errors that say which hop said no.
//!
//! A service in a mesh calls others by name, and a proxy beside it, its sidecar, finds a task, balances,
//! retries and times out. What a proxy cannot do for its service is here: finding the sidecar, setting a
//! deadline, carrying the trace from one call to the next, and telling an answer of the mesh ("no such
//! service") from one of the application ("no such page"), which look alike on the wire.
//!
//! ```no_run
//! # async fn example(incoming: &http::HeaderMap) -> Result<(), Box<dyn std::error::Error>> {
//! use mesh_client::{Client, TraceContext};
//!
//! let mesh = Client::from_env()?;
//! let answer: serde_json::Value = mesh
//!     .get("http://blue.appmesh/")
//!     .propagate(&TraceContext::from_headers(incoming))
//!     .send()
//!     .await?
//!     .error_for_status()?
//!     .json()
//!     .await?;
//!
//! match mesh.post("http://orders.appmesh/").json(&answer).send().await {
//!     Ok(response) => println!("answered {}", response.status()),
//!     Err(error) if error.is_no_healthy_endpoint() => println!("{error}; try again later"),
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! It decides nothing that the mesh decides: it does not route, balance or retry. It never reads the proxy
//! variables (`HTTP_PROXY` and its kin), which would lead calls past the sidecar; it follows no redirects,
//! which would turn one call to one service into several to others; and it resolves no names, because the
//! sidecar does. It speaks plain HTTP/1.1 to the sidecar, over connections that it keeps. It needs a Tokio
//! runtime and spawns nothing that outlives a client's connections.
//!
//! Reading order:
//! - [`Client`] and [`ClientBuilder`]: from the environment, or in so many words;
//! - [`Wiring`] and [`Evidence`]: how calls leave the process, and how the client knows;
//! - [`RequestBuilder`] and [`Response`]: one call;
//! - [`TraceContext`]: what ties this call to the one that caused it;
//! - [`Error`]: what went wrong, as questions, a sentence, and a label for metrics;
//! - [`ConfigError`]: everything that is wrong with a client's configuration.
//!
//! # Status
//!
//! | feature | here |
//! |---|---|
//! | explicit wiring: calls to the sidecar's egress listener | supported |
//! | configuration from [`mesh_model::environment`] | `EGRESS` and `SUFFIXES` supported, `TCP_EGRESS` planned |
//! | HTTP/1.1, request bodies held in memory, response bodies in chunks | supported |
//! | streamed request bodies, HTTP/2, gRPC | planned |
//! | one deadline per call | supported |
//! | faults of the sidecar told apart ([`mesh_model::fault`]) | supported |
//! | trace context (W3C Trace Context level 1, `x-request-id`) | passed on unchanged |
//! | spans of its own (OpenTelemetry) | planned |
//! | intercepted wiring, and direct wiring without a mesh | planned |
//! | name resolution as a service inside ECS needs it | planned |
//! | readiness: waiting until the sidecar takes calls | planned |
//! | `https://` | refused by name: the mesh's own hops decide about encryption |

mod client;
mod config;
mod environment;
mod error;
mod request;
mod response;
mod target;
mod trace_context;
mod wiring;

pub use client::{Client, ClientBuilder, DEFAULT_TIMEOUT};
pub use config::ConfigError;
pub use error::Error;
pub use request::RequestBuilder;
pub use response::Response;
pub use trace_context::TraceContext;
pub use wiring::{Evidence, Wiring};
