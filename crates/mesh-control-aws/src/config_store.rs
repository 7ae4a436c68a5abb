//! The store of configurations that Envoys have accepted: written while AWS answers, served while it does not.

use std::sync::Arc;
use std::time::Duration;

use ::config_store::{Reader, SigningKey, Store, StoredSource, Writer};
use mesh_control::{ControlPlaneBuilder, ReadinessSource, SourceStatus};

use crate::poller::PolledState;

/// A replica that does not know all meshes after this time serves stored configurations until it does.
const SERVE_STORED_AFTER: Duration = Duration::from_secs(5);

/// A store, and the key that signs what is written to it.
#[derive(Debug, Clone)]
pub struct ConfigStore {
    writer: Arc<Writer>,
    reader: Reader,
}

impl ConfigStore {
    /// A store, and the key that signs what is written to it. Configurations that are older than `max_age` are not served.
    #[must_use]
    pub fn new(store: impl Into<Store>, key: SigningKey, max_age: Duration) -> Self {
        let store = store.into();
        Self {
            reader: Reader::new(store.clone(), key.public_key(), max_age),
            writer: Arc::new(Writer::new(store, key)),
        }
    }

    /// A control plane that stores what Envoys accept, and serves it as long as it does not know all meshes.
    pub(crate) fn used_by(&self, builder: ControlPlaneBuilder) -> ControlPlaneBuilder {
        let stored = Arc::new(StoredSource::new(self.reader.clone(), []));
        builder
            .accepted_observer(Arc::clone(&self.writer) as _)
            .serve_until_ready(stored, SERVE_STORED_AFTER)
    }

    /// Writes what Envoys accept, until it is dropped.
    pub(crate) async fn write(&self) {
        Arc::clone(&self.writer).run().await;
    }

    fn status(&self) -> SourceStatus {
        let status = self.writer.status();
        let (since, error) = status.failing.unzip();
        SourceStatus {
            name: "stored configurations".to_owned(),
            last_success_seconds_ago: status.last_success.map(|at| at.elapsed().as_secs()),
            failing_for_seconds: since.map(|since| since.elapsed().as_secs()),
            error,
            notes: Vec::new(),
        }
    }
}

/// The polled sources, and the store.
#[derive(Debug)]
pub(crate) struct WithStore {
    pub(crate) polled: Arc<PolledState>,
    pub(crate) store: Option<ConfigStore>,
}

impl ReadinessSource for WithStore {
    fn sources(&self) -> Vec<SourceStatus> {
        let mut sources = self.polled.sources();
        sources.extend(self.store.as_ref().map(ConfigStore::status));
        sources
    }

    fn is_ready(&self) -> Result<(), String> {
        self.polled.is_ready()
    }
}
