//! Readiness and graceful shutdown of a service.
//!
//! - [`Readiness`]: whether requests should be sent to this service, as an HTTP endpoint;
//! - [`Shutdown`]: graceful shutdown in the order that ECS requires.

mod readiness;
mod shutdown;

pub use self::readiness::{Readiness, ReadinessEndpoint, Unready};
pub use self::shutdown::{DEFAULT_DEREGISTRATION, DEFAULT_GRACE, Shutdown, ShutdownError, Stop};
