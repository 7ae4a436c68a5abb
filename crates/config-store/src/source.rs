//! Stored configurations as the source of an xDS server.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use xds_server::{Configured, Node, Source, SourceError};

use crate::reader::{Reader, Rejection};

/// Serves each node the newest stored configuration that passes every check. It reads files on the task of the stream, so
/// it is for the Envoy beside it, not for a fleet.
#[derive(Debug)]
pub struct StoredSource {
    reader: Reader,
    /// `None` for all.
    node_ids: Option<BTreeSet<String>>,
    served: Mutex<BTreeMap<String, Served>>,
    /// It never changes; its receivers see when it is dropped.
    revision: Mutex<watch::Sender<u64>>,
}

/// What a node was served last.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Served {
    /// When it asked.
    pub at: SystemTime,
    /// When an Envoy had accepted it; `None` if the node got none.
    pub accepted: Option<SystemTime>,
    /// The configurations that were rejected.
    pub rejected: Vec<Rejection>,
}

impl StoredSource {
    /// A source for these node ids; for all if there are none.
    #[must_use]
    pub fn new(reader: Reader, node_ids: impl IntoIterator<Item = String>) -> Self {
        let node_ids: BTreeSet<String> = node_ids.into_iter().collect();
        Self {
            reader,
            node_ids: (!node_ids.is_empty()).then_some(node_ids),
            served: Mutex::default(),
            revision: Mutex::new(watch::Sender::new(0)),
        }
    }

    /// What each node was served last, by node id.
    #[must_use]
    pub fn served(&self) -> BTreeMap<String, Served> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends all streams: their Envoys look for the control plane again, which they do not as long as this source serves
    /// them.
    pub fn end_streams(&self) {
        *self.revision.lock().unwrap_or_else(PoisonError::into_inner) = watch::Sender::new(0);
    }

    fn record(&self, node: &Node, served: Served) {
        let mut all = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(node.id.clone(), served);
    }
}

impl Source for StoredSource {
    fn configure(&self, node: &Node) -> Result<Configured, SourceError> {
        if self.node_ids.as_ref().is_some_and(|ids| !ids.contains(&node.id)) {
            let reason = format!("this agent serves no stored configuration of node `{}`", node.id);
            return Err(SourceError::UnknownNode(reason));
        }
        let now = SystemTime::now();
        match self.reader.read(node, now) {
            Ok(stored) => {
                for rejection in &stored.rejected {
                    tracing::warn!(node = node.id, "stored configuration rejected: {rejection}");
                }
                self.record(
                    node,
                    Served {
                        at: now,
                        accepted: now.checked_sub(stored.age),
                        rejected: stored.rejected,
                    },
                );
                let age = Duration::from_secs(stored.age.as_secs());
                Ok(Configured {
                    notes: vec![format!("stored configuration, accepted {age:?} ago")],
                    ..Configured::new(stored.snapshot)
                })
            }
            Err(rejected) => {
                let reasons: Vec<String> = rejected.iter().map(ToString::to_string).collect();
                let reason = if reasons.is_empty() {
                    "there is none".to_owned()
                } else {
                    reasons.join("; ")
                };
                let accepted = None;
                self.record(
                    node,
                    Served {
                        at: now,
                        accepted,
                        rejected,
                    },
                );
                let id = &node.id;
                Err(SourceError::UnknownNode(format!(
                    "no stored configuration of node `{id}`: {reason}"
                )))
            }
        }
    }

    fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.lock().unwrap_or_else(PoisonError::into_inner).subscribe()
    }
}
