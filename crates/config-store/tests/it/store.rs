//! A store with its keys, and what writers and readers do with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use config_store::{Manifest, PublicKey, Reader, Rejection, SigningKey, Stored, ViewKey, Writer};
use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use tempfile::TempDir;
use testkit::eventually;
use xds_server::{AcceptedObserver as _, Node, Resource, ResourceType, Snapshot};

/// The age limit of readers.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(3600);

/// A store in a temporary folder.
pub(crate) struct Store {
    directory: TempDir,
    pub(crate) key: SigningKey,
}

impl Store {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a folder");
        let key = SigningKey::generate(&directory.path().join("key"), &directory.path().join("public"));
        Self {
            key: key.expect("a key pair"),
            directory,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn store(&self) -> config_store::Store {
        config_store::Store::folder(self.path().join("store"))
    }

    fn reader(&self) -> Reader {
        let key = PublicKey::read(&self.path().join("public")).expect("the public key");
        Reader::new(self.store(), key, MAX_AGE)
    }

    pub(crate) fn read(&self, now: SystemTime) -> Result<Stored, Vec<Rejection>> {
        self.reader().read(&node(), now)
    }

    /// Stores a snapshot as a control plane would have at this time.
    pub(crate) fn put(&self, snapshot: &Snapshot, at: SystemTime) -> PathBuf {
        let manifest = self.manifest(snapshot, at);
        self.put_manifest(&manifest, &manifest.sign(&self.key).expect("signed"))
    }

    pub(crate) fn put_manifest(&self, manifest: &Manifest, bytes: &[u8]) -> PathBuf {
        let view = ViewKey::of(&node());
        self.store()
            .put_manifest(&view, manifest.accepted_ms, bytes)
            .expect("written");
        let key = self.store().manifests(&view).expect("readable")[0].clone();
        self.path().join("store").join(key)
    }

    pub(crate) fn manifest(&self, snapshot: &Snapshot, at: SystemTime) -> Manifest {
        let clusters = snapshot.of_type(ResourceType::Cluster);
        let entries = clusters.map(|cluster| config_store::Entry {
            kind: cluster.kind().to_string(),
            name: cluster.name().to_owned(),
            sha256: self
                .store()
                .put_resources(&[cluster.message()])
                .expect("written")
                .remove(0),
            on_demand: cluster.is_on_demand(),
        });
        let since = at.duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        Manifest {
            format: config_store::manifest::FORMAT,
            node_id: node().id,
            view: ViewKey::of(&node()).to_string(),
            accepted_ms: u64::try_from(since.as_millis()).expect("a time"),
            resources: entries.collect(),
        }
    }
}

pub(crate) fn node() -> Node {
    Node::new("mesh/m/virtualNode/n", serde_json::Map::new())
}

fn cluster(name: &str) -> Cluster {
    Cluster {
        name: name.to_owned(),
        ..Cluster::default()
    }
}

/// A snapshot of these clusters, the last of which is discovered on demand.
pub(crate) fn snapshot(names: &[&str]) -> Snapshot {
    let (last, others) = names.split_last().expect("names");
    let snapshot = others
        .iter()
        .fold(Snapshot::new(), |snapshot, name| snapshot.with_cluster(&cluster(name)));
    snapshot.with_resource(Arc::new(Resource::on_demand_cluster(&cluster(last))))
}

#[tokio::test]
async fn accepted_snapshots_are_written_once_and_read_as_they_were() {
    let store = Store::new();
    let key = SigningKey::read(&store.path().join("key")).expect("the key");
    let writer = Arc::new(Writer::new(store.store(), key));
    let writing = tokio::spawn(Arc::clone(&writer).run());
    let first = Arc::new(snapshot(&["a", "b"]));
    writer.accepted(&node(), &first);
    let written = async |count: u64| {
        eventually("it is written", async || match writer.status() {
            status if status.written == count && status.last_success.is_some() => Ok(()),
            status => Err(format!("{status:?}")),
        })
        .await;
    };
    written(1).await;
    let stored = store.read(SystemTime::now()).expect("a configuration");
    assert_eq!(*stored.snapshot, *first);
    assert!(stored.rejected.is_empty() && stored.age < Duration::from_secs(60));

    // An equal snapshot is nothing new, another one is.
    let before = writer.status().last_success;
    let equal = Arc::new(snapshot(&["a", "b"]));
    writer.accepted(&node(), &equal);
    eventually("the batch is over", async || match writer.status().last_success {
        now if now != before => Ok(()),
        now => Err(format!("{now:?}")),
    })
    .await;
    assert_eq!(writer.status().written, 1);
    let second = Arc::new(snapshot(&["a", "c"]));
    writer.accepted(&node(), &second);
    written(2).await;
    assert_eq!(
        *store.read(SystemTime::now()).expect("a configuration").snapshot,
        *second
    );
    assert_eq!(
        fs::read_dir(store.path().join("store/resources"))
            .expect("a folder")
            .count(),
        3
    );
    writing.abort();
}

#[tokio::test]
async fn a_store_that_cannot_be_written_is_a_failure_and_not_an_end() {
    let store = Store::new();
    let key = SigningKey::read(&store.path().join("key")).expect("the key");
    fs::write(store.path().join("store"), "not a folder").expect("a file");
    let writer = Arc::new(Writer::new(store.store(), key));
    let writing = tokio::spawn(Arc::clone(&writer).run());
    let accepted = Arc::new(snapshot(&["a"]));
    writer.accepted(&node(), &accepted);
    eventually("it fails", async || match writer.status() {
        status if status.failures > 0 => Ok(()),
        status => Err(format!("{status:?}")),
    })
    .await;
    let (_, error) = writer.status().failing.expect("an error");
    assert!(
        error.starts_with(&format!("cannot write {}", store.path().join("store").display())),
        "{error}"
    );
    assert!(!writing.is_finished());
    writing.abort();
}

#[test]
fn three_manifests_are_kept_and_resources_without_one_are_removed() {
    let store = Store::new();
    let now = SystemTime::now();
    for (step, name) in ["a", "b", "c", "d"].iter().enumerate() {
        let at = now + Duration::from_secs(step as u64);
        store.put(&snapshot(&[name]), at);
    }
    assert_eq!(
        store.store().manifests(&ViewKey::of(&node())).expect("readable").len(),
        3
    );
    // Nothing is removed before it is an hour old.
    let references = |bytes: &[u8]| {
        let signed: serde_json::Value = serde_json::from_slice(bytes).expect("JSON");
        let manifest: Manifest = serde_json::from_str(signed["manifest"].as_str().expect("text")).expect("a manifest");
        manifest.resources.into_iter().map(|entry| entry.sha256).collect()
    };
    assert_eq!(store.store().collect(now, references).expect("readable"), 0);
    let later = now + Duration::from_secs(2 * 3600);
    assert_eq!(
        store.store().collect(later, references).expect("readable"),
        1,
        "only that of `a`"
    );
    assert_eq!(store.store().collect(later, references).expect("readable"), 0);
}

#[test]
fn keys_are_written_once_and_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let store = Store::new();
    let (key, public) = (store.path().join("key"), store.path().join("public"));
    assert_eq!(fs::metadata(&key).expect("a file").permissions().mode() & 0o777, 0o600);
    let read = SigningKey::read(&key).expect("the key");
    assert_eq!(Some(read.public_key()), PublicKey::read(&public).ok());
    let text = fs::read_to_string(&key).expect("text");
    assert_eq!(format!("{read:?}"), "SigningKey { .. }");
    let error = SigningKey::generate(&key, &public).expect_err("they exist").to_string();
    assert!(
        error.starts_with(&format!("cannot write key file {}: ", key.display())),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&key).expect("text"), text, "the key is still there");
    let error = SigningKey::read(&public).expect_err("no private key").to_string();
    let expected = format!(
        "key file {} has no Ed25519 private key in PEM (PKCS #8)",
        public.display()
    );
    assert_eq!(error, expected);
}
