//! The control plane on AWS, with MiniStack as the account and real Envoys.
//!
//! Reading order:
//! - `account`: Parameter Store and Cloud Map of one test;
//! - `aws_proxy`: a proxy in front of the account that injects errors;
//! - `task_set`: a control plane, and tasks with addresses of their own;
//! - `polling`: changes of parameters and instances reach Envoys;
//! - `outages`: failures of the account;
//! - `markers`: revision markers, lists of namespaces, and the end of an outage;
//! - `stored`: stored configurations in an outage;
//! - `sync_status`: the sync status of all replicas;
//! - `call_statistics`: calls that Envoys count, in the status of replicas;
//! - `program`: the program `mesh-control`.

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
    pub(crate) use mesh::Mesh;
    pub(crate) use port::ReservedPort;
    pub(crate) use task::Task;
    pub(crate) use testkit::eventually;
    pub(crate) use upstream::{Behaviour, Upstream};
}

mod account;
mod aws_proxy;
mod call_statistics;
mod markers;
mod outages;
mod polling;
mod program;
mod public_api;
mod stored;
mod sync_status;
mod task_role;
mod task_set;
