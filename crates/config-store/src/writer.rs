//! Writing: stores what Envoys have accepted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;
use xds_server::{AcceptedObserver, Node, ResourceType, Snapshot};

use crate::keys::SigningKey;
use crate::manifest::{Entry, FORMAT, Manifest};
use crate::storage::StorageError;
use crate::store::Store;
use crate::view_key::ViewKey;

/// Changes that arrive within this time are written together.
const BATCH: Duration = Duration::from_secs(1);

/// A configuration that is in use is written again after this time, so that it does not grow too old.
const REFRESH: Duration = Duration::from_secs(3600);

/// Stores the configurations that Envoys have accepted. Streams hand them over without waiting; [`Self::run`] writes them.
#[derive(Debug)]
pub struct Writer {
    store: Store,
    key: SigningKey,
    views: Mutex<HashMap<ViewKey, View>>,
    changed: Notify,
    status: Mutex<WriterStatus>,
}

/// A view, and what of it is stored.
#[derive(Debug)]
struct View {
    node_id: String,
    /// Not kept alive: a snapshot that no stream has is in use no more.
    snapshot: Weak<Snapshot>,
    is_written: bool,
}

/// The counters of a writer.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct WriterStatus {
    /// Manifests written since the start.
    pub written: u64,
    /// Batches that failed since the start.
    pub failures: u64,
    /// When a batch last succeeded.
    pub last_success: Option<Instant>,
    /// When the first batch failed after the last success, with the last error.
    pub failing: Option<(Instant, String)>,
}

impl Writer {
    /// A writer to a store.
    #[must_use]
    pub fn new(store: impl Into<Store>, key: SigningKey) -> Self {
        Self {
            store: store.into(),
            key,
            views: Mutex::default(),
            changed: Notify::new(),
            status: Mutex::default(),
        }
    }

    /// Its counters now.
    #[must_use]
    pub fn status(&self) -> WriterStatus {
        lock(&self.status).clone()
    }

    /// Writes what is accepted, until it is dropped. A failed batch is a warning, and is tried again with the next one, at
    /// the latest after an hour.
    pub async fn run(self: Arc<Self>) {
        loop {
            let wait = if lock(&self.status).failing.is_some() {
                BATCH * 10
            } else {
                REFRESH
            };
            let refresh = tokio::time::timeout(wait, self.changed.notified()).await.is_err();
            tokio::time::sleep(BATCH).await;
            let writer = Arc::clone(&self);
            let batch = tokio::task::spawn_blocking(move || writer.write(refresh));
            if let Err(error) = batch.await {
                tracing::error!(error = error.to_string(), "the writer of stored configurations failed");
            }
        }
    }

    /// Writes all views that are not stored yet; with `refresh`, all others that are old, too.
    fn write(&self, refresh: bool) {
        let batch: Vec<(ViewKey, String, Arc<Snapshot>)> = {
            let mut views = lock(&self.views);
            views.retain(|_, view| view.snapshot.strong_count() > 0);
            let due = views.iter().filter(|(_, view)| refresh || !view.is_written);
            due.filter_map(|(key, view)| Some((key.clone(), view.node_id.clone(), view.snapshot.upgrade()?)))
                .collect()
        };
        let now = SystemTime::now();
        let mut error = None;
        for (key, node_id, snapshot) in batch {
            match self.write_view(&key, &node_id, &snapshot, now) {
                Ok(is_new) => {
                    lock(&self.status).written += u64::from(is_new);
                    if let Some(view) = lock(&self.views).get_mut(&key) {
                        view.is_written |= Weak::as_ptr(&view.snapshot) == Arc::as_ptr(&snapshot);
                    }
                }
                Err(failed) => error = Some(failed),
            }
        }
        if refresh && error.is_none() {
            error = self.store.collect(now, references).err();
        }
        let mut status = lock(&self.status);
        match error {
            None => {
                status.last_success = Some(Instant::now());
                status.failing = None;
            }
            Some(error) => {
                let error = error.to_string();
                if status.failing.as_ref().is_none_or(|(_, before)| *before != error) {
                    tracing::warn!(error, "cannot store accepted configurations; trying again");
                }
                status.failures += 1;
                let since = status.failing.take().map_or_else(Instant::now, |(since, _)| since);
                status.failing = Some((since, error));
            }
        }
    }

    /// Writes a view unless the newest manifest has the same resources and is young. Returns whether it was written.
    fn write_view(
        &self,
        key: &ViewKey,
        node_id: &str,
        snapshot: &Snapshot,
        now: SystemTime,
    ) -> Result<bool, StorageError> {
        let kinds = ResourceType::IN_ORDER.iter().copied();
        let resources: Vec<_> = kinds.flat_map(|kind| snapshot.of_type(kind)).collect();
        let messages: Vec<&[u8]> = resources.iter().map(|resource| resource.message()).collect();
        let hashes = self.store.put_resources(&messages)?;
        let resources = resources.into_iter().zip(hashes).map(|(resource, sha256)| Entry {
            kind: resource.kind().to_string(),
            name: resource.name().to_owned(),
            sha256,
            on_demand: resource.is_on_demand(),
        });
        let accepted_ms = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let manifest = Manifest {
            format: FORMAT,
            node_id: node_id.to_owned(),
            view: key.to_string(),
            accepted_ms: u64::try_from(accepted_ms).unwrap_or(u64::MAX),
            resources: resources.collect(),
        };
        if self.is_stored(key, &manifest)? {
            return Ok(false);
        }
        let signed = manifest.sign(&self.key);
        let bytes = signed.map_err(|error| StorageError::new("sign", self.store.location("views"), error))?;
        self.store.put_manifest(key, manifest.accepted_ms, &bytes)?;
        Ok(true)
    }

    fn is_stored(&self, key: &ViewKey, manifest: &Manifest) -> Result<bool, StorageError> {
        let Some(newest) = self.store.manifests(key)?.into_iter().next() else {
            return Ok(false);
        };
        let stored = Manifest::verify(&self.store.read(&newest)?, &self.key.public_key(), key);
        let refresh_ms = u64::try_from(REFRESH.as_millis()).unwrap_or(u64::MAX) / 2;
        Ok(stored.is_ok_and(|stored| {
            stored.resources == manifest.resources && manifest.accepted_ms.abs_diff(stored.accepted_ms) < refresh_ms
        }))
    }
}

/// The hashes in a stored manifest, no matter which key has signed it.
fn references(bytes: &[u8]) -> Vec<String> {
    let signed: Option<serde_json::Value> = serde_json::from_slice(bytes).ok();
    let manifest = signed.and_then(|signed| serde_json::from_str::<Manifest>(signed.get("manifest")?.as_str()?).ok());
    let resources = manifest.map(|manifest| manifest.resources).unwrap_or_default();
    resources.into_iter().map(|entry| entry.sha256).collect()
}

impl AcceptedObserver for Writer {
    fn accepted(&self, node: &Node, snapshot: &Arc<Snapshot>) {
        let key = ViewKey::of(node);
        let mut views = lock(&self.views);
        let is_known = views
            .get(&key)
            .is_some_and(|view| Weak::as_ptr(&view.snapshot) == Arc::as_ptr(snapshot));
        if !is_known {
            views.insert(
                key,
                View {
                    node_id: node.id.clone(),
                    snapshot: Arc::downgrade(snapshot),
                    is_written: false,
                },
            );
            self.changed.notify_one();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
