//! ECS: clusters, services, task definitions and their containers.

mod generated;
mod health_check;
mod service_connect;

pub use generated::*;
pub use service_connect::ServiceConnectConfiguration;
