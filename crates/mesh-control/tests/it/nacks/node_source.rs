//! A source with a snapshot for each node, and a control plane over it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use mesh_control::node::{MeshwrightMetadata, Node};
use mesh_control::{Configured, Source, SourceError};
use mesh_control::{ControlPlane, NodeMetadata, Snapshot};
use mesh_control::{NodeStatus, RejectedResource, XdsProtocol};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::log::Log;
use crate::harness::{Envoy, eventually};

#[derive(Default)]
struct Described {
    snapshots: Mutex<BTreeMap<String, Arc<Snapshot>>>,
    revision: watch::Sender<u64>,
}

impl Source for Described {
    fn configure(&self, node: &Node) -> Result<Configured, SourceError> {
        let snapshots = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = snapshots
            .get(&node.id)
            .ok_or_else(|| SourceError::UnknownNode(node.id.clone()))?;
        Ok(Configured::new(Arc::clone(snapshot)))
    }

    fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }
}

/// A control plane with such a source.
pub(super) struct Plane {
    /// The log, shared with other tests.
    pub(super) log: &'static Log,
    protocol: XdsProtocol,
    source: Arc<Described>,
    control: ControlPlane<Described>,
    serving: JoinHandle<()>,
}

impl Plane {
    pub(super) async fn start(protocol: XdsProtocol) -> Self {
        let log = Log::of_this_process();
        let source = Arc::new(Described::default());
        let (control, serving) = ControlPlane::builder()
            .source(Arc::clone(&source))
            .bind()
            .await
            .expect("free addresses");
        let serving = tokio::spawn(async move {
            serving.await.expect("the control plane serves forever");
        });
        Self {
            log,
            protocol,
            source,
            control,
            serving,
        }
    }

    /// Sets the snapshot of a node.
    pub(super) fn put(&self, node: &str, snapshot: Snapshot) {
        snapshot.check().expect("consistent");
        let mut snapshots = self.source.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        snapshots.insert(node.to_owned(), Arc::new(snapshot));
        self.source.revision.send_modify(|revision| *revision += 1);
    }

    /// Starts the Envoy of a node.
    pub(super) async fn envoy(&self, node: &str) -> Envoy {
        let metadata = NodeMetadata {
            listener_ports: BTreeMap::new(),
            extension: MeshwrightMetadata::default(),
        };
        let directory = tempfile::tempdir().expect("a temporary directory");
        Envoy::start(directory, node, metadata, self.control.addresses().xds, self.protocol).await
    }

    /// Waits until a node has settled with exactly these resources rejected, and returns them.
    pub(super) async fn rejected(&self, node: &str, names: &[&str]) -> Vec<RejectedResource> {
        let status = eventually("the rejected resources are as expected", async || {
            let status = self.control.status();
            let found = status.nodes.iter().find(|status| status.id == node);
            let expected = |status: &&NodeStatus| {
                status.settled
                    && status
                        .rejected()
                        .map(|rejected| rejected.name.as_str())
                        .eq(names.iter().copied())
            };
            found.filter(expected).cloned().ok_or_else(|| format!("{status:#?}"))
        })
        .await;
        status.rejected().cloned().collect()
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
