//! Spans of requests, as Envoys and applications report them, and one request of them on a time axis.
//!
//! ```text
//! Envoys ──OTLP/gRPC──┐
//!                     ├─► collector ──► store, for those who watch a trace ──► tree ──► timeline
//! services ─OTLP/HTTP─┘                                                        (pure)   (pure)
//! ```
//!
//! Nobody has to ask for spans: Envoys are told of the collector by their tasks' wiring, containers by OpenTelemetry's own
//! variables. A request leaves spans only if its `traceparent` says that it is sampled, and of those only the traces
//! that somebody watches are kept, so neither this nor the services have work with ordinary traffic.
//!
//! - `span`: what is kept of a span;
//! - `otlp`: how it is read, pure;
//! - `store`: the spans of the traces that somebody watches;
//! - `collector`: the server they come to;
//! - `variables`: how a container learns of it, pure;
//! - `tree`: which span is part of which, pure;
//! - `timeline`: the lines that show it, pure.

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
