//! File store: permissions, symbolic links, concurrent writers, and a crash at each stage of a save.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

const ALL: [SaveStage; 9] = [
    SaveStage::Begun,
    SaveStage::Locked,
    SaveStage::Compared,
    SaveStage::Created,
    SaveStage::HalfWritten,
    SaveStage::Written,
    SaveStage::Synced,
    SaveStage::Renamed,
    SaveStage::DirectorySynced,
];

fn save(store: &FileStore, expected: Option<&str>, text: &str) -> Result<Revision, StoreError> {
    let expected = expected.map(Revision::new);
    pollster::block_on(store.save(expected.as_ref(), text))
}

fn text(store: &FileStore) -> Option<String> {
    pollster::block_on(store.load()).unwrap().map(|stored| stored.text)
}

/// A store in a temporary directory, with this document.
fn store_with(document: Option<&str>) -> (tempfile::TempDir, FileStore) {
    let directory = tempfile::tempdir().unwrap();
    let store = FileStore::new(directory.path().join("state.json"));
    if let Some(document) = document {
        save(&store, None, document).unwrap();
    }
    (directory, store)
}

#[test]
fn crash_at_any_stage_leaves_the_old_or_the_new_document_and_later_saves_work() {
    for old in [None, Some("old")] {
        for crash in ALL {
            let (_directory, store) = store_with(old);
            let expected = old.map(Revision::new);
            let mut seen = Vec::new();
            let crashed = store.replace(expected.as_ref(), "new document", &mut |stage| {
                seen.push(stage);
                if stage == crash {
                    return Err(io::Error::other("crash"));
                }
                Ok(())
            });
            assert!(
                matches!(crashed, Err(StoreError::Failed { .. })),
                "{crash:?}: {crashed:?}"
            );
            assert_eq!(seen.last(), Some(&crash));

            let replaced = ALL.iter().position(|stage| *stage == crash)
                >= ALL.iter().position(|stage| *stage == SaveStage::Renamed);
            let remaining = if replaced { Some("new document") } else { old };
            let next = FileStore::new(&store.path);
            assert_eq!(text(&next).as_deref(), remaining, "after a crash: {crash:?}");
            save(&next, remaining, "newest").unwrap();
            assert_eq!(text(&next).as_deref(), Some("newest"), "after a crash: {crash:?}");
        }
    }
}

#[test]
fn a_save_reaches_every_stage() {
    let (_directory, store) = store_with(None);
    let mut seen = Vec::new();
    let saved = store.replace(None, "text", &mut |stage| {
        seen.push(stage);
        Ok(())
    });
    assert_eq!(saved.unwrap(), Revision::new("text"));
    assert_eq!(seen, ALL);
}

#[test]
fn reader_during_a_save_finds_a_whole_document() {
    let (_directory, store) = store_with(Some("old"));
    let reader = store.clone();
    store
        .replace(Some(&Revision::new("old")), "new", &mut |stage| {
            let expected = if matches!(stage, SaveStage::Renamed | SaveStage::DirectorySynced) {
                "new"
            } else {
                "old"
            };
            assert_eq!(text(&reader).as_deref(), Some(expected), "{stage:?}");
            Ok(())
        })
        .unwrap();
}

#[test]
fn locked_document_names_the_holder() {
    let (_directory, store) = store_with(Some("old"));
    let first = store.clone().with_owner("ci run 42");
    let second = store.clone().with_owner("laptop");
    let mut conflict = None;
    first
        .replace(Some(&Revision::new("old")), "of the first", &mut |stage| {
            if stage == SaveStage::Compared {
                conflict = Some(save(&second, Some("old"), "of the second"));
            }
            Ok(())
        })
        .unwrap();
    let error = conflict.unwrap().unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert!(error.to_string().contains("is locked by ci run 42"), "{error}");
    assert_eq!(text(&store).as_deref(), Some("of the first"));
}

#[test]
fn changed_document_is_not_overwritten() {
    let (directory, store) = store_with(Some("theirs"));
    let error = save(&store, Some("what was read"), "ours").unwrap_err().to_string();
    assert!(error.contains("is now theirs"), "{error}");
    let error = save(&store, None, "ours").unwrap_err();
    assert!(
        error.is_conflict() && error.to_string().contains("now there is theirs"),
        "{error}"
    );
    assert_eq!(text(&store).as_deref(), Some("theirs"));

    fs::remove_file(directory.path().join("state.json")).unwrap();
    let error = save(&store, Some("theirs"), "ours").unwrap_err();
    assert!(
        error.is_conflict() && error.to_string().contains("was removed"),
        "{error}"
    );
    assert_eq!(text(&store), None);
}

#[test]
fn symbolic_links_and_permissions_are_preserved() {
    let (directory, store) = store_with(Some("old"));
    let file = directory.path().join("state.json");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let link = directory.path().join("link.json");
    symlink(&file, &link).unwrap();
    save(&FileStore::new(&link), Some("old"), "new").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(text(&store).as_deref(), Some("new"));
}

#[test]
fn missing_directory_is_named() {
    let (directory, _store) = store_with(None);
    let store = FileStore::new(directory.path().join("missing/state.json"));
    assert_eq!(text(&store), None);
    let error = save(&store, None, "text").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("missing/state.json: opening its lock file failed"),
        "{error}"
    );
    assert!(!error.is_conflict());
}

#[test]
fn only_the_document_and_its_lock_file_remain() {
    let (directory, store) = store_with(Some("1"));
    save(&store, Some("1"), "2").unwrap();
    let mut names: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["state.json", "state.json.lock"]);
}
