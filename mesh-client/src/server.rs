//! What a service owes those who call it: to say when it is ready, and to leave without dropping anybody.
//!
//! - [`Readiness`]: whether to send requests here, answered over HTTP;
//! - [`Shutdown`]: the order in which a task of ECS stops.

mod readiness;
mod shutdown;

pub use self::readiness::{Readiness, ReadinessEndpoint, Unready};
pub use self::shutdown::{DEFAULT_DEREGISTRATION, DEFAULT_GRACE, Shutdown, ShutdownError, Stop};
