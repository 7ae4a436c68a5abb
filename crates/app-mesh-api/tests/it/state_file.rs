//! Damaged, missing and locked state files.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use app_mesh_api::registry::{Change, Record};
use app_mesh_api::store::FileStoreError;
use app_mesh_api::{ErrorCode, FileStore, Operation, Registry, Service, Settings, Store};
use mesh_model::app_mesh::ResourcePath;
use serde_json::json;

use crate::harness::{caller, create, mesh, node_path, node_spec};

/// A directory with a state file of a mesh and some virtual nodes.
async fn state() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("meshes.state");
    let service = Service::open(FileStore::open(&file).unwrap(), Settings::default())
        .await
        .unwrap();
    service.run(&caller(), create(mesh(), json!({}))).await.unwrap();
    for number in 0..40 {
        let name = format!("node-{number}");
        service
            .run(&caller(), create(node_path(&name), node_spec(&name)))
            .await
            .unwrap();
    }
    close(service, &file).await;
    (dir, file)
}

/// Drops a service, and waits until its tasks have closed the file.
async fn close(service: Service, file: &Path) {
    drop(service);
    testkit::wait_until("the state file is closed", async || {
        fs::File::open(lock_of(file)).unwrap().try_lock().is_ok()
    })
    .await;
}

fn lock_of(file: &Path) -> PathBuf {
    file.with_extension("state.lock")
}

async fn load(file: &Path) -> Result<Vec<Record>, FileStoreError> {
    let store = FileStore::open(file)?;
    let loaded = store.load().await.unwrap();
    let registry = Registry::from_records(loaded.records).unwrap();
    Ok(registry.records().map(|record| Record::clone(record)).collect())
}

#[tokio::test]
async fn state_survives_reopening() {
    let (_dir, file) = state().await;
    let records = load(&file).await.unwrap();
    assert_eq!(records.len(), 41);
    // The copy is a state file itself.
    let copy = FileStore::last_good_copy(&file);
    assert_eq!(load(&copy).await.unwrap(), records);
    assert_eq!(load(&file).await.unwrap(), records);
}

#[tokio::test]
async fn a_file_has_one_user() {
    let (_dir, file) = state().await;
    let first = FileStore::open(&file).unwrap();
    let error = FileStore::open(&file).unwrap_err();
    assert!(matches!(error, FileStoreError::InUse { .. }), "{error}");
    assert!(error.to_string().contains("in use by another process"), "{error}");
    drop(first);
    FileStore::open(&file).unwrap();
}

#[tokio::test]
async fn a_missing_file_with_a_copy_is_not_replaced_by_an_empty_one() {
    let (_dir, file) = state().await;
    let records = load(&file).await.unwrap();
    fs::remove_file(&file).unwrap();
    let error = FileStore::open(&file).unwrap_err();
    assert!(matches!(error, FileStoreError::Missing { .. }), "{error}");
    fs::write(&file, "").unwrap();
    let error = FileStore::open(&file).unwrap_err().to_string();
    assert!(error.contains("meshes.state.last-good"), "{error}");
    fs::rename(FileStore::last_good_copy(&file), &file).unwrap();
    assert_eq!(load(&file).await.unwrap(), records);
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_made_within_a_minute_after_a_write() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("meshes.state");
    let service = Service::open(FileStore::open(&file).unwrap(), Settings::default())
        .await
        .unwrap();
    let copy = FileStore::last_good_copy(&file);
    for name in ["a", "b"] {
        if name == "a" {
            service.run(&caller(), create(mesh(), json!({}))).await.unwrap();
        }
        service
            .run(&caller(), create(node_path(name), node_spec(name)))
            .await
            .unwrap();
        assert!(!copy.exists());
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        testkit::wait_until("the copy", async || copy.exists()).await;
        let records = load(&copy).await.unwrap();
        assert_eq!(records.last().unwrap().path, node_path(name));
        fs::remove_file(&copy).unwrap();
        fs::remove_file(FileStore::last_good_copy(&copy)).unwrap();
    }
}

/// The state file; set for the child of the next test.
const STATE: &str = "MESHWRIGHT_TEST_FULL_DISK_STATE";

/// A limit of the file size stands for a full disk. It is of a process, so the test runs in one of its own.
#[test]
fn a_full_disk_is_an_error_and_writes_go_on_once_there_is_space() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
    };
    if let Some(state) = env::var_os(STATE) {
        runtime().block_on(fill_the_disk(Path::new(&state)));
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("meshes.state");
    let output = Command::new("sh")
        // Without the trap, the kernel would kill a process that exceeds the limit, of 4 MiB or, where the unit is
        // 1024 bytes, 8 MiB.
        .args(["-c", "trap '' XFSZ; ulimit -S -f 8192; exec \"$@\"", "sh"])
        .arg(env::current_exe().unwrap())
        .args([
            "state_file::a_full_disk_is_an_error_and_writes_go_on_once_there_is_space",
            "--exact",
            "--nocapture",
        ])
        .env(STATE, &file)
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}{stderr}");
    let acknowledged: Vec<&str> = stdout
        .lines()
        .filter_map(|line| line.strip_prefix("acknowledged "))
        .collect();
    assert!(
        acknowledged.len() > 10 && acknowledged.last() == Some(&"after"),
        "{stdout}"
    );
    let records = runtime().block_on(load(&file)).unwrap();
    let stored: Vec<&str> = records.iter().skip(1).map(|record| record.path.name.as_str()).collect();
    for name in &acknowledged {
        assert!(stored.contains(name), "{name} is lost");
    }
    // A write whose commit failed may be there.
    assert!(stored.len() <= acknowledged.len() + 1);
}

async fn fill_the_disk(file: &Path) {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let service = Service::open(FileStore::open(file).unwrap(), Settings::default())
        .await
        .unwrap();
    service.run(&caller(), create(mesh(), json!({}))).await.unwrap();
    let mut number = 0;
    let error = loop {
        let name = format!("node-{number}");
        let hostname = "h".repeat(100_000);
        match service
            .run(&caller(), create(node_path(&name), node_spec(&hostname)))
            .await
        {
            Ok(_) => println!("acknowledged {name}"),
            Err(error) => break error,
        }
        number += 1;
        assert!(number < 500, "the limit is not reached");
    };
    assert_eq!(error.code(), ErrorCode::ServiceUnavailable, "{error}");
    assert!(error.message().starts_with("the storage is not available"), "{error}");
    let described = service.run(&caller(), Operation::Describe(node_path("node-0"))).await;
    assert!(described.is_ok(), "reads go on");
    let mut limit = getrlimit(Resource::Fsize);
    limit.current = limit.maximum;
    setrlimit(Resource::Fsize, limit).unwrap();
    service
        .run(&caller(), create(node_path("after"), node_spec("after")))
        .await
        .unwrap();
    println!("acknowledged after");
}

/// Whatever is damaged: the file is refused and left as it is, or has its whole content.
#[tokio::test]
async fn damaged_files_are_refused_and_not_changed() {
    let (_dir, file) = state().await;
    let records = load(&file).await.unwrap();
    let good = fs::read(&file).unwrap();
    let mut refused = 0;
    let mut damaged: Vec<Vec<u8>> = vec![b"not a database".to_vec(), vec![0; 4096], b"\xff".repeat(good.len())];
    // Cut off, at the start of pages and inside.
    damaged.extend((1..8).map(|eighth| good[..good.len() * eighth / 8].to_vec()));
    damaged.extend((1..8).map(|eighth| good[..good.len() * eighth / 8 + 13].to_vec()));
    // Single bytes and blocks.
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..150 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let mut bytes = good.clone();
        let start = usize::try_from(random).unwrap() % bytes.len();
        let length = if round % 2 == 0 { 1 } else { 512 };
        for byte in bytes.iter_mut().skip(start).take(length) {
            *byte ^= 0x55;
        }
        damaged.push(bytes);
    }
    let copy = FileStore::last_good_copy(&file);
    let good_copy = fs::read(&copy).unwrap();
    for (number, bytes) in damaged.into_iter().enumerate() {
        fs::write(&file, &bytes).unwrap();
        match load(&file).await {
            Ok(found) => {
                assert!(found == records, "damage {number} lost or changed a record silently");
                fs::write(&copy, &good_copy).unwrap();
            }
            Err(error) => {
                refused += 1;
                let text = error.to_string();
                assert!(text.contains("is damaged: "), "{text}");
                assert!(
                    text.contains("The last good copy is ") && text.contains("meshes.state.last-good"),
                    "{text}"
                );
                assert!(
                    fs::read(&file).unwrap() == bytes,
                    "damage {number}: the file was changed"
                );
                assert!(
                    fs::read(&copy).unwrap() == good_copy,
                    "damage {number}: the copy was changed"
                );
            }
        }
    }
    assert!(refused > 20, "only {refused} damages were found");
}

#[tokio::test]
async fn files_in_missing_directories_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let error = FileStore::open(dir.path().join("none/state")).unwrap_err();
    assert!(matches!(error, FileStoreError::Lock { .. }), "{error}");
}

#[tokio::test]
async fn a_name_that_looks_like_a_shared_mesh_does_not_replace_another_mesh() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("meshes.state");
    let (shop, shared) = (
        ResourcePath::of_mesh("shop"),
        ResourcePath::of_mesh("shop@123456789012"),
    );
    // New ones are rejected; one that was stored is read with its whole name.
    let service = Service::open(FileStore::open(&file).unwrap(), Settings::default())
        .await
        .unwrap();
    service.run(&caller(), create(shop.clone(), json!({}))).await.unwrap();
    let error = service.run(&caller(), create(shared.clone(), json!({}))).await;
    assert_eq!(error.unwrap_err().code(), ErrorCode::BadRequest);
    let record = Record::clone(service.registry().get(&shop).unwrap());
    close(service, &file).await;

    let store = FileStore::open(&file).unwrap();
    let revision = store.load().await.unwrap().revision;
    let mut stored = record.clone();
    stored.path = shared.clone();
    let change = Change {
        path: shared.clone(),
        before: None,
        after: Some(Arc::new(stored)),
    };
    store.commit(revision, &[change]).await.unwrap();
    drop(store);
    let paths: Vec<_> = load(&file)
        .await
        .unwrap()
        .into_iter()
        .map(|record| record.path)
        .collect();
    assert_eq!(paths, [shop, shared.clone()]);

    let service = Service::open(FileStore::open(&file).unwrap(), Settings::default())
        .await
        .unwrap();
    service.run(&caller(), Operation::Delete(shared)).await.unwrap();
    close(service, &file).await;
    assert_eq!(load(&file).await.unwrap(), [record]);
}

#[tokio::test]
async fn a_state_belongs_to_one_account_and_region() {
    let (_dir, file) = state().await;
    let settings = |account: &str, region: &str| Settings {
        account: account.to_owned(),
        region: region.to_owned(),
        ..Settings::default()
    };
    for (other, expected) in [
        (
            settings("123456789012", "us-east-1"),
            "not to the account 123456789012 in the region us-east-1",
        ),
        (
            settings("000000000000", "eu-west-1"),
            "not to the account 000000000000 in the region eu-west-1",
        ),
    ] {
        let error = Service::open(FileStore::open(&file).unwrap(), other)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("the state belongs to the account 000000000000 in the region us-east-1, "),
            "{error}"
        );
        assert!(
            error.contains(expected) && error.contains("--account, --region"),
            "{error}"
        );
    }
    // The copy belongs to the same.
    let copy = FileStore::open(FileStore::last_good_copy(&file)).unwrap();
    assert_eq!(
        copy.environment().await.unwrap(),
        Some(Settings::default().environment())
    );
}

#[tokio::test]
async fn what_is_no_state_file_is_named_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let open = |path: &Path| FileStore::open(path).unwrap_err().to_string();
    let directory = open(dir.path());
    assert!(directory.contains("is a directory; give a file in it"), "{directory}");
    let text = dir.path().join("notes.txt");
    fs::write(&text, "a list of things").unwrap();
    let message = open(&text);
    assert!(
        message.starts_with(&format!("{} is not a state file", text.display())),
        "{message}"
    );
    assert_eq!(fs::read_to_string(&text).unwrap(), "a list of things");
    let missing = open(&dir.path().join("none/meshes.state"));
    assert!(
        missing.contains("the lock of the state file") && missing.contains("choose another"),
        "{missing}"
    );
}

#[tokio::test]
async fn nothing_is_acknowledged_once_the_file_is_removed() {
    let (dir, file) = state().await;
    let service = Service::open(FileStore::open(&file).unwrap(), Settings::default())
        .await
        .unwrap();
    let moved = dir.path().join("moved");
    fs::rename(&file, &moved).unwrap();
    let update = create(node_path("late"), node_spec("late"));
    let error = service.run(&caller(), update).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ServiceUnavailable, "{error}");
    // Once it is back, writes are stored again.
    fs::rename(&moved, &file).unwrap();
    service
        .run(&caller(), create(node_path("late"), node_spec("late")))
        .await
        .unwrap();
    close(service, &file).await;
    assert_eq!(load(&file).await.unwrap().len(), 42);
}
