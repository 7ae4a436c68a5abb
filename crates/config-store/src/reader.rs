//! Reading: the newest configuration of a view that passes every check.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};
use xds_server::{Node, Resource, Snapshot};

use crate::keys::PublicKey;
use crate::manifest::{Entry, Manifest};
use crate::storage::StorageError;
use crate::store::Store;
use crate::view_key::{ViewKey, hex};

/// A manifest may be this much newer than the clock here.
const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// Reads stored configurations.
#[derive(Debug, Clone)]
pub struct Reader {
    store: Store,
    key: PublicKey,
    max_age: Duration,
}

/// A stored configuration.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its resources.
    pub snapshot: Arc<Snapshot>,
    /// Time since an Envoy had accepted it.
    pub age: Duration,
    /// The newer ones that were rejected.
    pub rejected: Vec<Rejection>,
}

/// A stored configuration that is not used, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rejection {
    /// The path or URL of the manifest.
    pub location: String,
    /// The reason.
    pub reason: String,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.location, self.reason)
    }
}

impl Reader {
    /// A reader that accepts what this key has signed, at most `max_age` ago.
    #[must_use]
    pub fn new(store: impl Into<Store>, key: PublicKey, max_age: Duration) -> Self {
        Self {
            store: store.into(),
            key,
            max_age,
        }
    }

    /// The newest configuration of this node that passes every check.
    ///
    /// # Errors
    ///
    /// Each that was rejected, the newest first; none if there is no configuration of this node.
    pub fn read(&self, node: &Node, now: SystemTime) -> Result<Stored, Vec<Rejection>> {
        let view = ViewKey::of(node);
        let manifests = self.store.manifests(&view).map_err(|error| {
            vec![Rejection {
                location: error.location.clone(),
                reason: error.source.to_string(),
            }]
        })?;
        let mut rejected = Vec::new();
        for manifest in manifests {
            match self.read_manifest(&manifest, &view, now) {
                Ok((snapshot, age)) => {
                    return Ok(Stored {
                        snapshot: Arc::new(snapshot),
                        age,
                        rejected,
                    });
                }
                Err(reason) => rejected.push(Rejection {
                    location: self.store.location(&manifest),
                    reason,
                }),
            }
        }
        Err(rejected)
    }

    fn read_manifest(&self, key: &str, view: &ViewKey, now: SystemTime) -> Result<(Snapshot, Duration), String> {
        let bytes = self.store.read(key).map_err(|error| error.source.to_string())?;
        let manifest = Manifest::verify(&bytes, &self.key, view).map_err(|error| error.to_string())?;
        let accepted = UNIX_EPOCH + Duration::from_millis(manifest.accepted_ms);
        let age = match now.duration_since(accepted) {
            Ok(age) => age,
            Err(ahead) if ahead.duration() <= CLOCK_SKEW => Duration::ZERO,
            Err(ahead) => return Err(format!("it is from the future, by {} s", ahead.duration().as_secs())),
        };
        if age > self.max_age {
            let (age, limit) = (age.as_secs(), self.max_age.as_secs());
            return Err(format!("it is too old: {age} s; allowed are {limit} s"));
        }
        let messages = self
            .store
            .resources(manifest.resources.iter().map(|entry| entry.sha256.as_str()));
        let resources = manifest.resources.iter().zip(messages);
        let mut resources = resources.map(|(entry, message)| resource(entry, message));
        let snapshot = resources.try_fold(Snapshot::new(), |snapshot, resource| {
            Ok::<_, String>(snapshot.with_resource(Arc::new(resource?)))
        })?;
        snapshot.check().map_err(|error| error.to_string())?;
        Ok((snapshot, age))
    }
}

fn resource(entry: &Entry, message: Result<Vec<u8>, StorageError>) -> Result<Resource, String> {
    let named = |reason: &str| format!("{} `{}` {reason}", entry.kind, entry.name);
    let kind = entry.resource_type().ok_or_else(|| named("is of an unknown type"))?;
    let message = message.map_err(|error| named(&format!("cannot be read: {}", error.source)))?;
    if hex(&Sha256::digest(&message)) != entry.sha256 {
        return Err(named("is truncated or corrupt: its hash differs"));
    }
    let resource = Resource::from_message(kind, &entry.name, &message);
    let resource = resource.map_err(|error| named(&format!("is no message of its type: {error}")))?;
    Ok(resource.on_demand(entry.on_demand))
}
