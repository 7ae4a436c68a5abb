//! Errors of opening a state file.

use std::io;
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// A state file cannot be used. It was not changed.
#[derive(Debug, thiserror::Error)]
pub enum FileStoreError {
    /// Another process uses it.
    #[error("the state file {} is in use by another process; stop that one, or choose another file", file.display())]
    InUse {
        /// The state file.
        file: PathBuf,
    },
    /// It is a directory.
    #[error("the state file {} is a directory; give a file in it, such as {}", file.display(), file.join("app-mesh.state").display())]
    Directory {
        /// The directory.
        file: PathBuf,
    },
    /// It is not a state file.
    #[error("{} is not a state file; it was not changed. Choose another file, which is created if it does not exist", file.display())]
    OtherFile {
        /// The file.
        file: PathBuf,
    },
    /// Its directory cannot be written to.
    #[error(
        "cannot write {}, the lock of the state file {}: its directory must be writable for this user; choose another state file",
        lock.display(), file.display()
    )]
    Lock {
        /// The state file.
        file: PathBuf,
        /// The lock file.
        lock: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// It is damaged, or of another format.
    #[error("the state file {} is damaged: {reason}; it was not changed. {}", file.display(), advice(file, copy.as_deref()))]
    Damaged {
        /// The state file.
        file: PathBuf,
        /// The last good copy, if there is one.
        copy: Option<PathBuf>,
        /// The damage.
        reason: StoreError,
    },
    /// It does not exist, but its copy does.
    #[error(
        "the state file {} is missing or empty, but its last good copy {copy} exists: rename the copy to use it, or remove \
         it to start without resources", file.display(), copy = copy.display()
    )]
    Missing {
        /// The state file.
        file: PathBuf,
        /// The last good copy.
        copy: PathBuf,
    },
    /// It cannot be created.
    #[error("cannot create the state file {}", file.display())]
    Create {
        /// The state file.
        file: PathBuf,
        /// The reason.
        source: StoreError,
    },
    /// The last good copy cannot be written.
    #[error("cannot write {}, the copy of the state file", copy.display())]
    Copy {
        /// The last good copy.
        copy: PathBuf,
        /// The reason.
        source: StoreError,
    },
    /// It cannot be read or written.
    #[error("cannot use {}, which is the state file or beside it", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl FileStoreError {
    pub(super) fn io(file: &Path, source: io::Error) -> Self {
        Self::Io {
            file: file.to_owned(),
            source,
        }
    }
}

fn advice(file: &Path, copy: Option<&Path>) -> String {
    let file = file.display();
    match copy {
        Some(copy) => {
            let copy = copy.display();
            format!("The last good copy is {copy}; to go back to it, move {file} away and rename the copy to {file}")
        }
        None => "There is no copy of it".to_owned(),
    }
}
