//! The directory of one test: its files, and a TMPDIR of its own that is checked for leftovers.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::Command;

/// A directory, removed on drop.
pub(crate) struct Workdir {
    folder: TempDir,
}

impl Workdir {
    /// Creates a workdir in /tmp: paths of Unix sockets are limited, and the TMPDIR of the tests may be too long.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("mw").tempdir_in("/tmp");
        let folder = folder.expect("/tmp can be written to");
        std::fs::create_dir(folder.path().join("t")).expect("the folder is new");
        Self { folder }
    }

    /// The path of a file in the workdir.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file to the workdir and returns its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("the workdir can be written to");
        path
    }

    /// Writes an executable shell script to the workdir.
    pub(crate) async fn script(&self, name: &str, text: &str) -> PathBuf {
        let source = self.file(&format!("{name}.source"), &format!("#!/bin/sh\n{text}\n"));
        let path = self.path(name);
        // Created by another process: an executable file cannot be started while it is open for writing, and a child
        // that another test's thread starts at that moment would inherit our open file.
        let mut copy = Command::new("install");
        copy.args(["-m", "755"]).arg(source).arg(&path);
        assert!(copy.status().await.expect("install can be started").success());
        path
    }

    /// The TMPDIR of the programs that are started in this workdir.
    pub(crate) fn tmpdir(&self) -> PathBuf {
        self.path("t")
    }

    /// The entries of TMPDIR.
    pub(crate) fn leftover_files(&self) -> Vec<PathBuf> {
        let entries = self.tmpdir().read_dir().expect("the directory");
        entries.map(|entry| entry.expect("readable").path()).collect()
    }

    /// The processes that were started in this workdir, identified by the TMPDIR that they inherit.
    ///
    /// Reads `/proc`, so it finds nothing on other systems than Linux.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let variable = format!("TMPDIR={}", self.tmpdir().display());
        let entries = Path::new("/proc").read_dir().into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        // A zombie has no environment.
        pids.filter(|pid: &i32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|byte| *byte == 0)
                .any(|entry| entry == variable.as_bytes())
        })
        .collect()
    }

    /// The command lines of the remaining processes, for messages.
    pub(crate) fn command_lines(&self) -> Vec<String> {
        let pids = self.processes().into_iter();
        pids.map(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            format!("{pid}: {}", String::from_utf8_lossy(&line).replace('\0', " "))
        })
        .collect()
    }

    /// Fails if processes or files are left.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        let processes = self.command_lines();
        assert!(processes.is_empty(), "processes are left: {processes:#?}");
        let files = self.leftover_files();
        assert!(files.is_empty(), "files are left: {files:#?}");
    }

    /// Command of the example serviceconnect.
    pub(crate) fn example(&self, arguments: &[&str]) -> Command {
        self.example_named("serviceconnect", arguments)
    }

    /// Command of an example.
    pub(crate) fn example_named(&self, name: &str, arguments: &[&str]) -> Command {
        // Not beside this test: with Cargo's `build-dir` set, tests stay there and programs do not.
        let built = Path::new(env!("CARGO_BIN_EXE_meshwright"))
            .parent()
            .expect("target/<profile>/meshwright");
        let example = built.join("examples").join(name);
        assert!(
            example.exists(),
            "{} is missing: `cargo test --test it` alone does not build examples, `cargo test` does",
            example.display()
        );
        self.command(&example, arguments)
    }

    /// Command of the `meshwright` binary.
    pub(crate) fn meshwright(&self, arguments: &[&str]) -> Command {
        self.command(Path::new(env!("CARGO_BIN_EXE_meshwright")), arguments)
    }

    /// Command of a program, in the workdir.
    pub(crate) fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("TMPDIR", self.tmpdir())
            // What outlives a mesh, such as its certificate authority.
            .env("XDG_STATE_HOME", self.path("state"))
            // The tests compare the default output.
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}
