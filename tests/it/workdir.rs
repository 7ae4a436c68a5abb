//! The directory of one test: its files, and a TMPDIR of its own in which leftovers are counted.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::process::Command;

/// A folder that goes away with its test.
pub(crate) struct Workdir {
    folder: TempDir,
}

impl Workdir {
    /// A workdir whose path is short, as Unix sockets will be in it: the TMPDIR of the tests may be too long.
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

    /// The path of a new file in the workdir.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("the workdir can be written to");
        path
    }

    /// A shell script in the workdir that can be started like any program.
    pub(crate) async fn script(&self, name: &str, text: &str) -> PathBuf {
        let source = self.file(&format!("{name}.source"), &format!("#!/bin/sh\n{text}\n"));
        let path = self.path(name);
        // Made by another process: a program cannot be started while it is open for writing, and a test on another
        // thread that starts a process at that moment would hand it our open file.
        let mut copy = Command::new("install");
        copy.args(["-m", "755"]).arg(source).arg(&path);
        assert!(copy.status().await.expect("install is there").success());
        path
    }

    /// The TMPDIR of everything that is started in this workdir.
    pub(crate) fn tmpdir(&self) -> PathBuf {
        self.path("t")
    }

    /// What was left in TMPDIR.
    pub(crate) fn leftover_files(&self) -> Vec<PathBuf> {
        let entries = self.tmpdir().read_dir().expect("the directory");
        entries.map(|entry| entry.expect("readable").path()).collect()
    }

    /// The processes that run in this workdir: whatever is started here passes TMPDIR on to what it starts.
    ///
    /// Read from `/proc`: on Linux only. Elsewhere nothing is found, and what is left behind goes unnoticed.
    pub(crate) fn processes(&self) -> Vec<i32> {
        let mark = format!("TMPDIR={}", self.tmpdir().display());
        let entries = Path::new("/proc").read_dir().into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        // A process that has ended but was not yet waited for has no environment any more.
        pids.filter(|pid: &i32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment
                .split(|byte| *byte == 0)
                .any(|variable| variable == mark.as_bytes())
        })
        .collect()
    }

    /// What tells a leftover process, for messages.
    pub(crate) fn command_lines(&self) -> Vec<String> {
        let pids = self.processes().into_iter();
        pids.map(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            format!("{pid}: {}", String::from_utf8_lossy(&line).replace('\0', " "))
        })
        .collect()
    }

    /// Fails unless everything that was started here is gone, with its files.
    #[track_caller]
    pub(crate) fn assert_nothing_left(&self) {
        let processes = self.command_lines();
        assert!(processes.is_empty(), "processes are left: {processes:#?}");
        let files = self.leftover_files();
        assert!(files.is_empty(), "files are left: {files:#?}");
    }

    /// The serviceconnect example.
    pub(crate) fn example(&self, arguments: &[&str]) -> Command {
        self.example_named("serviceconnect", arguments)
    }

    /// An example.
    pub(crate) fn example_named(&self, name: &str, arguments: &[&str]) -> Command {
        let own = std::env::current_exe().expect("a test knows itself");
        let built = own
            .parent()
            .and_then(Path::parent)
            .expect("target/<profile>/deps/<test>");
        let example = built.join("examples").join(name);
        assert!(
            example.exists(),
            "{} is missing: `cargo test --test it` alone does not build examples, `cargo test` does",
            example.display()
        );
        self.command(&example, arguments)
    }

    /// The `meshwright` binary.
    pub(crate) fn meshwright(&self, arguments: &[&str]) -> Command {
        self.command(Path::new(env!("CARGO_BIN_EXE_meshwright")), arguments)
    }

    /// Any program, started in the workdir.
    pub(crate) fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("TMPDIR", self.tmpdir())
            // What a developer wants to see of their own runs is not what these tests compare.
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}
