//! Stored configurations that are rejected, each with its reason; the next older one is taken.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use config_store::SigningKey;

use crate::store::{MAX_AGE, Store, snapshot};

/// Damages the newest manifest or its resources, and returns the time of the reader.
type Damage = fn(&Store, &Path, SystemTime) -> SystemTime;

/// Rewrites a file by its text.
fn edit(path: &Path, change: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(path).expect("a file");
    fs::write(path, change(text)).expect("written");
}

/// The file of a resource that only the newest manifest has.
fn newest_resource(store: &Store, now: SystemTime) -> std::path::PathBuf {
    let manifest = store.manifest(&snapshot(&["new"]), now);
    store.path().join("store/resources").join(&manifest.resources[0].sha256)
}

#[test]
fn damaged_configurations_are_rejected_and_the_next_older_one_is_taken() {
    let cases: [(&str, Damage, &str); 9] = [
        (
            "truncated",
            |_, path, now| {
                edit(path, |text| text[..text.len() / 2].to_owned());
                now
            },
            "it is truncated or corrupt",
        ),
        (
            "empty",
            |_, path, now| {
                edit(path, |_| String::new());
                now
            },
            "it is truncated or corrupt",
        ),
        (
            "changed",
            |_, path, now| {
                edit(path, |text| text.replace("virtualNode", "virtualnode"));
                now
            },
            "its signature does not belong to the public key",
        ),
        (
            "forged",
            |store, path, now| {
                let (private, public) = (store.path().join("other"), store.path().join("other-public"));
                let other = SigningKey::generate(&private, &public).expect("a key pair");
                let manifest = store.manifest(&snapshot(&["new"]), now);
                fs::write(path, manifest.sign(&other).expect("signed")).expect("written");
                now
            },
            "its signature does not belong to the public key",
        ),
        (
            "of another node",
            |store, path, now| {
                let mut manifest = store.manifest(&snapshot(&["new"]), now);
                manifest.view = "0".repeat(64);
                fs::write(path, manifest.sign(&store.key).expect("signed")).expect("written");
                now
            },
            "it is the manifest of another node, mesh/m/virtualNode/n",
        ),
        (
            "of another format",
            |store, path, now| {
                let mut manifest = store.manifest(&snapshot(&["new"]), now);
                manifest.format = 2;
                fs::write(path, manifest.sign(&store.key).expect("signed")).expect("written");
                now
            },
            "its format is 2; this version reads format 1",
        ),
        (
            "from the future",
            |store, path, now| {
                let manifest = store.manifest(&snapshot(&["new"]), now + Duration::from_secs(1000));
                fs::write(path, manifest.sign(&store.key).expect("signed")).expect("written");
                now
            },
            "it is from the future, by ",
        ),
        (
            "without a resource",
            |store, _, now| {
                fs::remove_file(newest_resource(store, now)).expect("removed");
                now
            },
            "cluster `new` cannot be read",
        ),
        (
            "with a truncated resource",
            |store, _, now| {
                fs::write(newest_resource(store, now), b"\n").expect("written");
                now
            },
            "cluster `new` is truncated or corrupt: its hash differs",
        ),
    ];
    for (name, damage, reason) in cases {
        let store = Store::new();
        let now = SystemTime::now();
        store.put(&snapshot(&["old"]), now - Duration::from_secs(60));
        let newest = store.put(&snapshot(&["new"]), now);
        assert_eq!(
            *store.read(now).expect("undamaged").snapshot,
            snapshot(&["new"]),
            "{name}"
        );
        let now = damage(&store, &newest, now);
        let stored = store
            .read(now)
            .unwrap_or_else(|rejected| panic!("{name}: {rejected:?}"));
        assert_eq!(*stored.snapshot, snapshot(&["old"]), "{name}");
        assert_eq!(stored.age.as_secs(), 60, "{name}");
        assert_eq!(stored.rejected.len(), 1, "{name}");
        assert_eq!(stored.rejected[0].location, newest.display().to_string(), "{name}");
        let rejected = &stored.rejected[0].reason;
        assert!(rejected.starts_with(reason), "{name}: {rejected}");
    }
}

#[test]
fn old_configurations_are_rejected() {
    let store = Store::new();
    let now = SystemTime::now();
    assert!(store.read(now).expect_err("an empty store").is_empty());
    let path = store.put(&snapshot(&["a"]), now);
    // A manifest has the time in milliseconds.
    store
        .read(now + MAX_AGE - Duration::from_secs(1))
        .expect("younger than allowed");
    let rejected = store.read(now + MAX_AGE + Duration::from_secs(1)).expect_err("too old");
    assert_eq!(rejected.len(), 1);
    let expected = format!("{}: it is too old: 3601 s; allowed are 3600 s", path.display());
    assert_eq!(rejected[0].to_string(), expected);
}

#[test]
fn a_file_that_is_being_written_is_not_read() {
    let store = Store::new();
    let now = SystemTime::now();
    let path = store.put(&snapshot(&["a"]), now);
    fs::write(path.with_file_name(".tmp123"), "half").expect("a file");
    let stored = store.read(now).expect("a configuration");
    assert!(stored.rejected.is_empty(), "{:?}", stored.rejected);
}
