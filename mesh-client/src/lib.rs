//! The SDK inside a service: calls through the mesh, with errors that say which hop said no.
//!
//! A service in a mesh calls others by name, and a proxy beside it, its sidecar, finds a task, balances,
//! retries and times out. What a proxy cannot do for its service is here: finding the sidecar, finding out where
//! a name leads, setting a deadline, carrying the trace from one call to the next, and telling an answer of the mesh
//! ("no such service") from one of the application ("no such page"), which look alike on the wire.
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
//! The same call works in three wirings, which [`Client::from_env`] tells apart: *explicit*, through a sidecar's egress
//! listener; *intercepted*, to whatever the name resolves to, with a sidecar that the kernel leads connections to; and
//! *direct*, to the tasks that DNS names, without a sidecar.
//!
//! It decides nothing that the mesh decides: with a sidecar it does not route, balance or retry. It never reads the
//! proxy variables (`HTTP_PROXY` and its kin), which would lead calls past the sidecar; it follows no redirects,
//! which would turn one call to one service into several to others. It speaks plain HTTP/1.1, over connections that it
//! keeps. It needs a Tokio runtime, and what it spawns there ends with the client: connections, and lookups of names,
//! which take seconds.
//!
//! # Names
//!
//! In explicit wiring the sidecar knows the names. In the others the client resolves them itself, because the
//! system's resolver does what a mesh cannot use: it searches, it forgets nothing for the zone's 900 seconds, and it
//! answers a name without a record with an error before any sidecar sees the call.
//!
//! - The hosts file comes first, and is read again when it changes. Service Connect's names are in there; their IPv6
//!   addresses are left aside where the task has no IPv6.
//! - Then the DNS servers of `/etc/resolv.conf`, each in its turn, asked for the name as it is: no search list, and no
//!   other server to fall back to. IPv4 and IPv6 addresses are asked for together; that there is none of one kind says
//!   nothing of the other.
//! - Answers are remembered for their TTL, but between one second and a minute; that there is none for at most five
//!   seconds. While DNS does not answer, its last answer is used for up to ten minutes.
//! - An answer of eight addresses, Route 53's most, may not be all: addresses are kept for five TTLs after they were
//!   last seen. A shorter answer is whole, and what it lacks is gone: it gets no new call, and its connections are
//!   closed once they have been idle for [`DEFAULT_IDLE_TIMEOUT`].
//! - A name of the mesh that leads nowhere stands for [`DEFAULT_PLACEHOLDER`] where a sidecar intercepts, which routes
//!   by the Host header; without a sidecar it is an error that says what to do.
//! - Link-local, multicast and unspecified addresses are never connected to, and neither are addresses of this host
//!   unless the hosts file has them or [`ClientBuilder::loopback_answers`] allows them.
//!
//! Reading order:
//! - [`Client`] and [`ClientBuilder`]: from the environment, or in so many words;
//! - [`Wiring`] and [`Evidence`]: how calls leave the process, and how the client knows;
//! - [`RequestBuilder`] and [`Response`]: one call;
//! - [`Deadline`]: by when it has to be over;
//! - [`TraceContext`]: what ties this call to the one that caused it;
//! - [`Error`]: what went wrong, as questions, a sentence, and a label for metrics;
//! - [`ConfigError`]: everything that is wrong with a client's configuration;
//! - [`Sidecar`] and [`NotReady`]: waiting for the sidecar;
//! - [`server`]: saying when this service is ready, and stopping it without dropping a request;
//! - `telemetry`, a module with the feature of that name: spans and metrics.
//!
//! # Status
//!
//! | feature | here |
//! |---|---|
//! | explicit wiring: calls to the sidecar's egress listener | supported |
//! | intercepted wiring: iptables, or Service Connect's virtual addresses | supported; the first is to be said, see [`Client::from_env`] |
//! | direct wiring: addresses in turn, the next if one takes no connection | supported |
//! | direct wiring: health checks, weights, zones | not: a mesh has them |
//! | proxyless: routes and endpoints from the control plane | planned |
//! | configuration from [`sidecar_contract::environment`] | supported |
//! | TCP services: where to connect ([`Client::tcp_address`]) | supported; connecting is the caller's |
//! | HTTP/1.1; bodies held in memory or sent and read piece by piece | supported |
//! | a `tower::Service` of `http::Request`s | supported |
//! | HTTP/2, and so calls of gRPC | not: there is no transport for it; `grpc-timeout` is read and written, for a call of gRPC's that fits into HTTP/1.1 |
//! | one deadline per call, told to the next hop and taken from the one before ([`Deadline`]) | supported, through any number of sidecars |
//! | retries: with a sidecar | never: they are the mesh's |
//! | retries: in direct wiring, with pauses and a budget ([`ClientBuilder::retries`]) | supported |
//! | faults of the sidecar told apart ([`sidecar_contract::local_reply`]) | supported |
//! | trace context (W3C Trace Context level 1, `X-Amzn-Trace-Id`, `x-request-id`) | passed on unchanged; with spans, continued in the first two forms |
//! | spans and metrics of requests and calls (OpenTelemetry) | supported, feature `telemetry` |
//! | a span for each attempt of a call | not: one for the call |
//! | `baggage`, log lines over OTLP | not |
//! | OTLP over HTTP, as protobuf | supported |
//! | OTLP over gRPC, as JSON, over TLS | refused by name: a collector in the task does that |
//! | names: hosts file, DNS with A and AAAA, truncated answers over TCP | supported |
//! | names: SRV records, DNS over TLS, DNSSEC | not: Service Connect and App Mesh use none |
//! | readiness: waiting until the sidecar takes calls ([`Client::ready`], [`Sidecar`]) | supported: Envoy's `/ready`, its agent's `/status`, or a connection to its egress listener |
//! | readiness and shutdown of the service itself ([`server`]) | supported |
//! | `https://` | refused by name: the mesh's own hops decide about encryption |

mod bases;
mod body;
mod call;
mod client;
mod config;
mod deadline;
mod environment;
mod error;
mod names;
mod ready;
mod request;
mod response;
mod retry;
pub mod server;
mod service;
mod target;
mod tcp;
#[cfg(feature = "telemetry")]
pub mod telemetry;
mod trace_context;
mod wiring;

pub use body::ResponseBody;
pub use client::{Client, ClientBuilder, DEFAULT_IDLE_TIMEOUT, DEFAULT_TIMEOUT};
pub use config::ConfigError;
pub use deadline::Deadline;
pub use error::Error;
pub use names::DEFAULT_PLACEHOLDER;
pub use ready::{NotReady, Sidecar};
pub use request::RequestBuilder;
pub use response::Response;
pub use sidecar_contract::{LocalReply, MeshSuffixes};
pub use trace_context::TraceContext;
pub use wiring::{Evidence, Wiring};

/// The README's examples, as tests.
#[cfg(all(doctest, feature = "telemetry"))]
#[doc = include_str!("../README.md")]
struct Readme;
