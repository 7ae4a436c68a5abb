//! A temporary directory with files and scripts.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A temporary directory, removed on drop.
#[derive(Debug)]
pub struct Workdir {
    temp: TempDir,
}

impl Workdir {
    /// A directory below `/tmp`. Its path is short enough for Unix sockets, which a `TMPDIR` may not be.
    ///
    /// # Panics
    ///
    /// If it cannot be created.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it creates a directory")]
    pub fn new() -> Self {
        let temp = tempfile::Builder::new().prefix("mw").tempdir_in("/tmp");
        Self {
            temp: temp.expect("/tmp is writable"),
        }
    }

    /// The directory itself.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.temp.path()
    }

    /// The path of an entry.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// Writes a file and returns its path.
    ///
    /// # Panics
    ///
    /// If it cannot be written.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
        path
    }

    /// Writes an executable shell script and returns its path. Creates its parent directory.
    ///
    /// # Panics
    ///
    /// If it cannot be written.
    pub fn script(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        // Written by another process: a program cannot be started while it is open for writing, and a process that a
        // test on another thread starts at that moment would inherit our open file.
        let mut writer = Command::new("sh")
            .args(["-c", "mkdir -p \"${0%/*}\" && cat >\"$0\" && chmod +x \"$0\""])
            .arg(&path)
            .stdin(Stdio::piped())
            .spawn()
            .expect("sh starts");
        let mut input = writer.stdin.take().expect("stdin is piped");
        input
            .write_all(format!("#!/bin/sh\n{text}").as_bytes())
            .expect("sh reads its input");
        drop(input);
        assert!(
            writer.wait().expect("sh exits").success(),
            "cannot write {}",
            path.display()
        );
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_executable() {
        let workdir = Workdir::new();
        let script = workdir.script("bin/hello", "echo hello\n");
        let output = Command::new(script).output().unwrap();
        assert_eq!(output.stdout, b"hello\n");
    }
}
