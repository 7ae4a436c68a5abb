//! Fixtures: Envoys, control plane, upstreams, load.

mod agent;
mod envoy;
mod http2;
mod load;
mod mesh;
mod mesh_node;
mod port;
mod sds;
mod task;
mod upstream;

pub(crate) use agent::{AgentEnvoy, TASK};
pub(crate) use envoy::{Envoy, Servers, program};
pub(crate) use http2::{ECHO, Http2Caller, Http2Upstream, SILENCE, marked, rejection};
pub(crate) use load::Load;
pub(crate) use mesh::{Mesh, endpoint, node_id};
pub(crate) use mesh_node::MeshNode;
pub(crate) use port::ReservedPort;
pub(crate) use sds::Sds;
pub(crate) use task::{CallResponse, Task, egress_cluster};
pub(crate) use testkit::eventually;
pub(crate) use upstream::{Behaviour, Health, TcpUpstream, Upstream, on_one_port};

/// Makes each of these `async fn name(protocol: XdsProtocol)` a test with both protocols.
macro_rules! in_both_protocols {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn delta() {
                super::$name(mesh_control::XdsProtocol::Delta).await;
            }

            #[tokio::test]
            async fn sotw() {
                super::$name(mesh_control::XdsProtocol::Sotw).await;
            }
        }
    )+};
}

pub(crate) use in_both_protocols;
