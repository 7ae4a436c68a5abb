//! HTTP/1.1 client SDK for services in a mesh (no HTTP/2, and so no gRPC transport yet).
//!
//! A service calls others by name; its sidecar chooses an endpoint, balances, retries and times out. This crate does what a
//! sidecar cannot do for its service: detect the sidecar, resolve names, set deadlines, propagate the trace context, and
//! distinguish local replies of the sidecar ("no such service") from responses of the called service ("no such page"), which
//! look alike on the wire.
//!
//! ```no_run
//! # async fn example(incoming: &http::HeaderMap) -> Result<(), Box<dyn std::error::Error>> {
//! use mesh_client::{Client, TraceContext};
//!
//! let mesh = Client::from_env()?;
//! let document: serde_json::Value = mesh
//!     .get("http://blue.appmesh/")
//!     .propagate(&TraceContext::from_headers(incoming))
//!     .send()
//!     .await?
//!     .error_for_status()?
//!     .json()
//!     .await?;
//!
//! match mesh.post("http://orders.appmesh/").json(&document).send().await {
//!     Ok(response) => println!("status {}", response.status()),
//!     Err(error) if error.is_no_healthy_endpoint() => println!("{error}; try again later"),
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The same call works in three traffic modes, which [`Client::from_env`] detects: *explicit proxy*, through the sidecar's
//! egress listener; *transparent proxy*, to the address that the name resolves to, from which the kernel redirects the
//! connection to the sidecar; and *no proxy*, to the tasks in DNS.
//!
//! With a sidecar, the client does not route, balance or retry: the mesh does. It does not read proxy variables such as
//! `HTTP_PROXY`, which would bypass the sidecar, and does not follow redirects, which would turn one call into several. It needs
//! a Tokio runtime. Pooled connections and DNS lookups are tasks that end with the client.
//!
//! # Names
//!
//! In explicit-proxy mode the sidecar knows the names. In the other modes the client resolves them itself, because the system's
//! resolver does not fit: it uses a search list, caches negative answers for the zone's 900 seconds, and fails for names without
//! a record before a sidecar sees the call.
//!
//! - The hosts file has precedence and is read again when it changes. It contains Service Connect's names; their IPv6 addresses
//!   are ignored if the task has no IPv6 route.
//! - Then the DNS servers of `/etc/resolv.conf` are queried in order for the absolute name, without a search list or a fallback
//!   server. A and AAAA records are queried at the same time; a negative answer for one says nothing about the other.
//! - Answers are cached for their TTL, but at least one second and at most a minute; negative answers for at most five seconds.
//!   While DNS does not answer, the last answer is used for up to ten minutes.
//! - An answer of eight addresses, Route 53's maximum, may be a subset: addresses are kept for five TTLs after they were last
//!   seen. A shorter answer is complete: addresses that it does not contain get no new calls, and their connections are closed
//!   after [`DEFAULT_IDLE_TIMEOUT`].
//! - A name of the mesh that does not resolve gets the address [`DEFAULT_SYNTHETIC_VIP`] in transparent-proxy mode, where the
//!   sidecar routes by the Host header. Without a sidecar it is an error with a hint.
//! - Link-local, multicast and unspecified addresses are rejected. So are addresses of this host from DNS, unless
//!   [`ClientBuilder::loopback_answers`] allows them; in the hosts file they are allowed.
//!
//! Reading order:
//! - [`Client`] and [`ClientBuilder`]: configured by the environment or in code;
//! - [`TrafficMode`] and [`DetectedBy`]: how calls leave the process, and how that was detected;
//! - [`RequestBuilder`] and [`Response`]: one call;
//! - [`Deadline`]: deadline propagation;
//! - [`TraceContext`]: trace context propagation;
//! - [`Error`]: predicates, a message, and a label for metrics;
//! - [`ConfigError`]: all errors in a client's configuration;
//! - [`Sidecar`] and [`NotReady`]: waiting for the sidecar;
//! - [`server`]: readiness and graceful shutdown of the service;
//! - [`environment`]: the environment variables;
//! - `telemetry`, with the feature of that name: spans and metrics.
//!
//! # Status
//!
//! | feature | status |
//! |---|---|
//! | explicit proxy: calls to the sidecar's egress listener | supported |
//! | transparent proxy: iptables, or Service Connect's virtual addresses | supported; iptables cannot be detected, see [`Client::from_env`] |
//! | no proxy: addresses round robin, the next one if one accepts no connection | supported |
//! | no proxy: health checks, weights, zones | not supported: use a mesh |
//! | proxyless: routes and endpoints from the control plane | planned |
//! | configuration by [`environment`] variables | supported |
//! | addresses of TCP services ([`Client::tcp_address`]) | supported; connecting is up to the caller |
//! | HTTP/1.1; buffered and streaming bodies | supported |
//! | `tower::Service` of `http::Request`s | supported |
//! | HTTP/2, and so gRPC | not supported: no transport; `grpc-timeout` is read and written, for gRPC calls over HTTP/1.1 |
//! | deadlines, propagated to the next hop and from the previous one ([`Deadline`]) | supported, through any number of sidecars |
//! | retries with a sidecar | never: the mesh retries |
//! | retries without a sidecar, with backoff and a budget ([`ClientBuilder::retries`]) | supported |
//! | local replies of the sidecar ([`LocalReply`]) | supported |
//! | trace context (W3C Trace Context level 1, `X-Amzn-Trace-Id`, `x-request-id`) | forwarded unchanged; with spans, continued in the first two formats |
//! | OpenTelemetry spans and metrics of requests and calls | supported, feature `telemetry` |
//! | the matched route of axum in spans and metrics | supported, feature `axum` |
//! | a span for each attempt of a call | not supported: one for the call |
//! | `baggage`, logs over OTLP | not supported |
//! | OTLP over HTTP, as protobuf | supported |
//! | OTLP over gRPC, as JSON, over TLS | rejected with an error: use a collector in the task |
//! | names: hosts file, DNS with A and AAAA, truncated answers over TCP | supported |
//! | names: SRV records, DNS over TLS, DNSSEC | not supported: Service Connect and App Mesh use none |
//! | waiting for the sidecar ([`Client::ready`], [`Sidecar`]) | supported: Envoy's `/ready`, its agent's `/status`, or a connection to its egress listener |
//! | readiness and graceful shutdown of the service ([`server`]) | supported |
//! | `https://` | rejected with an error: encryption is up to the mesh |

mod body;
mod call;
mod client;
mod config;
mod deadline;
mod env;
mod error;
mod ready;
mod request;
mod resolver;
mod response;
mod retry;
pub mod server;
mod service;
mod target;
mod tcp;
mod tcp_egress;
#[cfg(feature = "telemetry")]
pub mod telemetry;
mod trace_context;
mod traffic_mode;
mod transport;
mod url_cache;

pub use body::ResponseBody;
pub use client::{Client, ClientBuilder, DEFAULT_IDLE_TIMEOUT, DEFAULT_TIMEOUT};
pub use config::ConfigError;
pub use deadline::Deadline;
pub use error::Error;
pub use ready::{NotReady, Sidecar};
pub use request::RequestBuilder;
pub use resolver::DEFAULT_SYNTHETIC_VIP;
pub use response::Response;
pub use sidecar_contract::{Diagnostic, LocalReply, MeshSuffixes, ValidationErrors, environment};
pub use trace_context::TraceContext;
pub use traffic_mode::{DetectedBy, TrafficMode};

/// The README's examples, as tests.
#[cfg(all(doctest, feature = "telemetry"))]
#[doc = include_str!("../README.md")]
struct Readme;
