//! The store in a file: who may read it, what a link leads to, and crashes at each moment.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

const ALL: [Moment; 9] = [
    Moment::Begun,
    Moment::Locked,
    Moment::Compared,
    Moment::Created,
    Moment::HalfWritten,
    Moment::Written,
    Moment::Synced,
    Moment::Renamed,
    Moment::FolderSynced,
];

fn save(store: &FileStore, expected: Option<&str>, text: &str) -> Result<Revision, StoreError> {
    let expected = expected.map(Revision::new);
    pollster::block_on(store.save(expected.as_ref(), text))
}

fn text(store: &FileStore) -> Option<String> {
    pollster::block_on(store.load()).unwrap().map(|stored| stored.text)
}

/// A store in a folder of its own, holding this document.
fn holding(document: Option<&str>) -> (tempfile::TempDir, FileStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = FileStore::new(folder.path().join("state.json"));
    if let Some(document) = document {
        save(&store, None, document).unwrap();
    }
    (folder, store)
}

#[test]
fn after_a_crash_at_any_moment_there_is_the_old_document_or_the_new_one_and_work_goes_on() {
    for old in [None, Some("old")] {
        for crash in ALL {
            let (_folder, store) = holding(old);
            let expected = old.map(Revision::new);
            let mut seen = Vec::new();
            let crashed = store.replace(expected.as_ref(), "new document", &mut |moment| {
                seen.push(moment);
                if moment == crash {
                    return Err(io::Error::other("crash"));
                }
                Ok(())
            });
            assert!(
                matches!(crashed, Err(StoreError::Failed { .. })),
                "{crash:?}: {crashed:?}"
            );
            assert_eq!(seen.last(), Some(&crash));

            let replaced = ALL.iter().position(|moment| *moment == crash)
                >= ALL.iter().position(|moment| *moment == Moment::Renamed);
            let left = if replaced { Some("new document") } else { old };
            let next = FileStore::new(&store.path);
            assert_eq!(text(&next).as_deref(), left, "after a crash: {crash:?}");
            save(&next, left, "newest").unwrap();
            assert_eq!(text(&next).as_deref(), Some("newest"), "after a crash: {crash:?}");
        }
    }
}

#[test]
fn every_moment_of_a_save_is_tried() {
    let (_folder, store) = holding(None);
    let mut seen = Vec::new();
    let saved = store.replace(None, "text", &mut |moment| {
        seen.push(moment);
        Ok(())
    });
    assert_eq!(saved.unwrap(), Revision::new("text"));
    assert_eq!(seen, ALL);
}

#[test]
fn a_reader_in_between_finds_the_old_document_whole() {
    let (_folder, store) = holding(Some("old"));
    let reader = store.clone();
    store
        .replace(Some(&Revision::new("old")), "new", &mut |moment| {
            let expected = if matches!(moment, Moment::Renamed | Moment::FolderSynced) {
                "new"
            } else {
                "old"
            };
            assert_eq!(text(&reader).as_deref(), Some(expected), "{moment:?}");
            Ok(())
        })
        .unwrap();
}

#[test]
fn whoever_comes_while_another_writes_is_told_who_that_is() {
    let (_folder, store) = holding(Some("old"));
    let first = store.clone().with_owner("ci run 42");
    let second = store.clone().with_owner("someone at a desk");
    let mut told = None;
    first
        .replace(Some(&Revision::new("old")), "of the first", &mut |moment| {
            if moment == Moment::Compared {
                told = Some(save(&second, Some("old"), "of the second"));
            }
            Ok(())
        })
        .unwrap();
    let told = told.unwrap().unwrap_err();
    assert!(told.is_conflict(), "{told}");
    assert!(told.to_string().contains("is being changed by ci run 42"), "{told}");
    assert_eq!(text(&store).as_deref(), Some("of the first"));
}

#[test]
fn a_document_that_is_not_what_was_read_stays() {
    let (folder, store) = holding(Some("theirs"));
    let told = save(&store, Some("what was read"), "ours").unwrap_err().to_string();
    assert!(told.contains("is now theirs"), "{told}");
    let told = save(&store, None, "ours").unwrap_err();
    assert!(
        told.is_conflict() && told.to_string().contains("now there is theirs"),
        "{told}"
    );
    assert_eq!(text(&store).as_deref(), Some("theirs"));

    fs::remove_file(folder.path().join("state.json")).unwrap();
    let told = save(&store, Some("theirs"), "ours").unwrap_err();
    assert!(told.is_conflict() && told.to_string().contains("was removed"), "{told}");
    assert_eq!(text(&store), None);
}

#[test]
fn a_link_stays_a_link_and_permissions_stay() {
    let (folder, store) = holding(Some("old"));
    let file = folder.path().join("state.json");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let link = folder.path().join("link.json");
    symlink(&file, &link).unwrap();
    save(&FileStore::new(&link), Some("old"), "new").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(text(&store).as_deref(), Some("new"));
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let (folder, _store) = holding(None);
    let store = FileStore::new(folder.path().join("missing/state.json"));
    assert_eq!(text(&store), None);
    let error = save(&store, None, "text").unwrap_err();
    assert!(
        error
            .to_string()
            .contains("missing/state.json: opening its lock failed"),
        "{error}"
    );
    assert!(!error.is_conflict());
}

#[test]
fn nothing_but_the_document_and_its_lock_is_left() {
    let (folder, store) = holding(Some("1"));
    save(&store, Some("1"), "2").unwrap();
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["state.json", "state.json.lock"]);
}
