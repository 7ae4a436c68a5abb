//! The control plane on AWS, with MiniStack as the account and real Envoys.
//!
//! Reading order:
//! - `account`: Parameter Store and Cloud Map, and what a test puts there;
//! - `faults`: what stands between the control plane and the account, and fails as it is told;
//! - `fleet`: a control plane that follows the account, and tasks at addresses of their own;
//! - `follows`: what is written and registered is what Envoys do;
//! - `outages`: whatever becomes of the account, requests flow, and the status page says what is wrong;
//! - `acknowledges`: deploy tools learn when all Envoys have it;
//! - `program`: all of it as a process.

/// Envoys, upstreams and load, shared with the tests of `mesh-control`.
#[path = "../../../mesh-control/tests/it/harness"]
mod harness {
    #![allow(dead_code, reason = "shared with the tests of mesh-control")]
    #![allow(unused_imports, reason = "shared with the tests of mesh-control")]

    mod envoy;
    mod eventually;
    mod load;
    mod mesh;
    mod port;
    mod task;
    mod upstream;

    pub(crate) use envoy::{Envoy, program};
    pub(crate) use eventually::eventually;
    pub(crate) use load::Load;
    pub(crate) use mesh::Mesh;
    pub(crate) use port::ReservedPort;
    pub(crate) use task::Task;
    pub(crate) use upstream::{Manner, Upstream};
}

mod account;
mod acknowledges;
mod faults;
mod fleet;
mod follows;
mod outages;
mod program;
