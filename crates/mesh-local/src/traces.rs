//! Traces of requests: collects spans of Envoys and applications, and renders a request as a timeline.
//!
//! ```text
//! Envoys ──OTLP/gRPC──┐
//!                     ├─► collector ──► store of watched traces ──► tree ──► timeline
//! services ─OTLP/HTTP─┘                                       (pure)   (pure)
//! ```
//!
//! Envoys get the collector's address from their bootstrap, containers from OpenTelemetry's environment variables. Only
//! requests with a sampled `traceparent` create spans, and only those of watched traces are kept, so ordinary traffic
//! costs nothing.
//!
//! - `span`: the stored part of a span;
//! - `otlp`: reads OTLP messages, pure;
//! - `store`: the spans of watched traces;
//! - `collector`: the OTLP server;
//! - `otel_env`: environment variables of containers, pure;
//! - `tree`: parent–child order, pure;
//! - `timeline`: lines of text, pure.

mod collector;
mod otel_env;
mod otlp;
mod span;
mod store;
#[cfg(test)]
mod tests;
mod timeline;
mod tree;

pub(crate) use self::collector::Collector;
pub(crate) use self::otel_env::otel_variables;
pub use self::store::TraceWatch;
pub use self::timeline::TraceTimeline;
