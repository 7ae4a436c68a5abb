//! The agent with the real Envoy: control planes go away and come back, and Envoys start meanwhile.
//!
//! Reading order:
//! - `fixture`: control planes that write to a store, agents, and tasks of the same metadata;
//! - `failover`: what callers see;
//! - `outage`: a minute under load, while tasks start;
//! - `program`: options and messages of the program.

/// Envoys, upstreams and load, shared with the tests of `mesh-control`.
#[path = "../../../mesh-control/tests/it/harness"]
mod harness {
    #![allow(dead_code, reason = "shared with the tests of mesh-control")]
    #![allow(unused_imports, reason = "shared with the tests of mesh-control")]

    mod envoy;
    mod load;
    mod mesh;
    mod port;
    mod task;
    mod upstream;

    pub(crate) use envoy::{Envoy, program};
    pub(crate) use load::Load;
    pub(crate) use mesh::{Mesh, endpoint, node_id};
    pub(crate) use port::ReservedPort;
    pub(crate) use task::Task;
    pub(crate) use testkit::eventually;
    pub(crate) use upstream::{Behaviour, Upstream};
}

mod failover;
#[allow(dead_code, reason = "shared with the tests of S3")]
mod fixture;
mod outage;
mod program;
