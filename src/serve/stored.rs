//! Configurations that Envoys have accepted: stored, and served while Cloud Map does not answer after a start.

use std::sync::Arc;
use std::time::Duration;

use config_store::{KeyError, Location, Reader, SigningKey, Store, StoredSource, Writer};
use mesh_control::{ControlPlaneBuilder, ReadinessSource, SourceStatus};

/// A process that does not know all endpoints after this time serves stored configurations until it does.
const SERVE_STORED_AFTER: Duration = Duration::from_secs(5);

/// Where they are, and for how long they are good.
#[derive(Debug, Clone)]
pub(crate) struct StoreOptions {
    pub(crate) location: Location,
    /// A file, or `env:NAME`.
    pub(crate) signing_key: String,
    pub(crate) max_age: Duration,
}

/// An open store.
#[derive(Debug)]
pub(super) struct StoredConfigurations {
    writer: Arc<Writer>,
    reader: Reader,
}

impl StoreOptions {
    pub(super) fn signing_key(&self) -> Result<SigningKey, KeyError> {
        SigningKey::load(&self.signing_key)
    }
}

impl StoredConfigurations {
    pub(super) fn new(store: Store, key: SigningKey, max_age: Duration) -> Self {
        Self {
            reader: Reader::new(store.clone(), key.public_key(), max_age),
            writer: Arc::new(Writer::new(store, key)),
        }
    }

    /// A control plane that stores what Envoys accept.
    pub(super) fn used_by(&self, builder: ControlPlaneBuilder) -> ControlPlaneBuilder {
        let stored = StoredSource::new(self.reader.clone(), []);
        builder
            .accepted_observer(Arc::clone(&self.writer) as _)
            .serve_until_ready(Arc::new(stored), SERVE_STORED_AFTER)
    }

    /// The sources of the status page, with the store.
    pub(super) fn beside(&self, others: Arc<dyn ReadinessSource>) -> Arc<dyn ReadinessSource> {
        Arc::new(WithStore {
            others,
            writer: Arc::clone(&self.writer),
        })
    }

    /// Writes what Envoys accept, until it is dropped.
    pub(super) async fn write(&self) {
        Arc::clone(&self.writer).run().await;
    }
}

#[derive(Debug)]
struct WithStore {
    others: Arc<dyn ReadinessSource>,
    writer: Arc<Writer>,
}

impl ReadinessSource for WithStore {
    fn sources(&self) -> Vec<SourceStatus> {
        let status = self.writer.status();
        let (since, error) = status.failing.unzip();
        let mut sources = self.others.sources();
        sources.push(SourceStatus {
            name: "stored configurations".to_owned(),
            last_success_seconds_ago: status.last_success.map(|at| at.elapsed().as_secs()),
            failing_for_seconds: since.map(|since| since.elapsed().as_secs()),
            error,
            notes: Vec::new(),
        });
        sources
    }

    fn is_ready(&self) -> Result<(), String> {
        self.others.is_ready()
    }
}
