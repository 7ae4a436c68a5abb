//! Damaged, missing and locked state files.

use std::fs;
use std::path::{Path, PathBuf};

use app_mesh_api::registry::Record;
use app_mesh_api::store::FileStoreError;
use app_mesh_api::{FileStore, Registry, Service, Settings, Store};
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
    assert!(matches!(error, FileStoreError::Io { .. }), "{error}");
}
