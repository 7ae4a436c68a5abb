//! A bucket of S3 as a store, on MiniStack.

mod account;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use config_store::{PublicKey, Reader, SigningKey, Storage, ViewKey, Writer};
use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use testkit::{Server, eventually};
use xds_server::{AcceptedObserver as _, Node, Snapshot};

use crate::account::Account;

const MAX_AGE: Duration = Duration::from_secs(3600);

fn node() -> Node {
    Node::new("mesh/m/virtualNode/n", serde_json::Map::new())
}

fn snapshot(names: &[&str]) -> Snapshot {
    names.iter().fold(Snapshot::new(), |snapshot, name| {
        snapshot.with_cluster(&Cluster {
            name: (*name).to_owned(),
            ..Cluster::default()
        })
    })
}

struct Keys {
    folder: tempfile::TempDir,
}

impl Keys {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        SigningKey::generate(&folder.path().join("key"), &folder.path().join("public")).expect("a key pair");
        Self { folder }
    }

    fn signing(&self) -> SigningKey {
        SigningKey::read(&self.folder.path().join("key")).expect("the key")
    }

    fn public(&self) -> PublicKey {
        PublicKey::read(&self.folder.path().join("public")).expect("the key")
    }
}

#[tokio::test]
async fn what_was_accepted_is_read_from_the_bucket_and_damage_is_rejected() {
    let account = Account::open("a-store");
    let keys = Keys::new();
    let writer = Arc::new(Writer::new(account.store("mesh/m"), keys.signing()));
    let writing = tokio::spawn(Arc::clone(&writer).run());
    for (written, names) in [["a", "b"], ["a", "c"], ["a", "d"], ["a", "e"]].iter().enumerate() {
        let accepted = Arc::new(snapshot(names));
        writer.accepted(&node(), &accepted);
        eventually("it is written", async || match writer.status() {
            status if status.written == written as u64 + 1 => Ok(()),
            status => Err(format!("{status:?}")),
        })
        .await;
    }
    writing.abort();
    let store = account.store("mesh/m");
    let reader = Reader::new(store.clone(), keys.public(), MAX_AGE);
    let stored = reader.read(&node(), SystemTime::now()).expect("a configuration");
    assert_eq!(*stored.snapshot, snapshot(&["a", "e"]));
    let manifests = store.manifests(&ViewKey::of(&node())).expect("readable");
    assert_eq!(manifests.len(), 3, "the oldest is removed: {manifests:?}");

    // Another prefix has nothing.
    let other = Reader::new(account.store("mesh/other"), keys.public(), MAX_AGE);
    assert!(other.read(&node(), SystemTime::now()).expect_err("nothing").is_empty());

    // The newest is truncated, the next has the signature of another key.
    let bucket = account.bucket("mesh/m");
    let forged = Keys::new();
    let (newest, second) = (store.read(&manifests[0]), store.read(&manifests[1]));
    let newest = newest.expect("readable");
    bucket
        .write(&manifests[0], &newest[..newest.len() / 2])
        .expect("written");
    let manifest = config_store::Manifest::verify(&second.expect("readable"), &keys.public(), &ViewKey::of(&node()));
    let signed = manifest.expect("signed").sign(&forged.signing()).expect("signed");
    bucket.write(&manifests[1], &signed).expect("written");
    let stored = reader.read(&node(), SystemTime::now()).expect("the third one");
    assert_eq!(*stored.snapshot, snapshot(&["a", "c"]));
    let rejected: Vec<String> = stored.rejected.iter().map(ToString::to_string).collect();
    assert!(
        rejected[0].starts_with(&format!(
            "s3://a-store/mesh/m/{}: it is truncated or corrupt",
            manifests[0]
        )),
        "{rejected:?}"
    );
    assert!(
        rejected[1].ends_with("its signature does not belong to the public key"),
        "{rejected:?}"
    );
}

#[test]
fn unreferenced_resources_of_a_large_store_are_removed() {
    let account = Account::open("large");
    let store = account.store("p");
    let messages: Vec<Vec<u8>> = (0..1100_u32).map(|number| number.to_be_bytes().to_vec()).collect();
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let hashes = store.put_resources(&messages).expect("written");
    store.put_resources(&messages).expect("there already");
    assert_eq!(account.bucket("p").list("resources").expect("two pages").len(), 1100);
    let read = store.resources(hashes.iter().map(String::as_str));
    let read: Vec<Vec<u8>> = read.into_iter().map(|message| message.expect("readable")).collect();
    assert_eq!(read, messages);

    let view = ViewKey::of(&node());
    store.put_manifest(&view, 1, b"{}").expect("written");
    let now = SystemTime::now();
    let used = |_: &[u8]| hashes[..1095].to_vec();
    assert_eq!(store.collect(now, used).expect("readable"), 0, "none is old");
    let later = now + Duration::from_secs(2 * 3600);
    assert_eq!(store.collect(later, used).expect("readable"), 5);
    assert_eq!(account.bucket("p").list("resources").expect("readable").len(), 1095);
}

#[test]
fn a_bucket_that_does_not_exist_and_one_that_does_not_answer_are_named() {
    let account = Account::open("there");
    let missing = account.bucket_named("not-there", "p").list("views");
    let error = missing.expect_err("no bucket").to_string();
    let expected = "cannot list s3://not-there/p/views: S3 answered NoSuchBucket";
    assert!(error.starts_with(expected), "{error}");

    let server = Server::ministack(testkit::python_tools()).unwrap_or_else(|error| panic!("{error}"));
    let account = Account::on(server.address(), "gone");
    let bucket = account.bucket("p");
    bucket.write("views/a", b"a").expect("written");
    server.terminate().expect("MiniStack exits");
    let started = Instant::now();
    let error = bucket.list("views").expect_err("no server").to_string();
    assert!(error.starts_with("cannot list s3://gone/p/views: "), "{error}");
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    let again = Instant::now();
    assert_eq!(bucket.list("views").expect_err("no server").to_string(), error);
    assert!(again.elapsed() < Duration::from_millis(100), "{:?}", again.elapsed());
}
