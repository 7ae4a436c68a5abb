//! Context of all tasks of a mesh.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use mesh_control::ControlPlane;

use super::draining::LoadBalancerSockets;
use crate::cloud_map::CloudMap;
use crate::event::Event;
use crate::launcher::Launcher;
use crate::network::MeshNetwork;
use crate::run_dir::RunDir;

/// What all tasks of a mesh share.
pub(crate) struct TaskContext {
    pub(crate) envoy: PathBuf,
    pub(crate) xds: SocketAddr,
    /// The OTLP collector for spans.
    pub(crate) collector: SocketAddr,
    pub(crate) launcher: Launcher,
    pub(crate) cloud_map: CloudMap,
    pub(crate) control: ControlPlane,
    pub(crate) on_event: Box<dyn Fn(Event) + Send + Sync>,
    /// The admin interfaces of load balancers, which know the requests in progress.
    pub(crate) load_balancer_sockets: LoadBalancerSockets,
    /// The network for task namespaces; `None` in [`Network::Shared`](crate::Network::Shared).
    pub(crate) network: Option<Arc<MeshNetwork>>,
    /// The directory of all logs and sockets, kept for as long as a task may write to it.
    pub(crate) run_dir: Arc<RunDir>,
}
