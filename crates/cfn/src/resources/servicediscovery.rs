//! Cloud Map: namespaces and services.

mod generated;

pub use generated::*;
