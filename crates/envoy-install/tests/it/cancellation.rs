//! Cancellation from another thread: each kind of wait ends at once and leaves no processes and no files.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use envoy_install::{Cancel, Envoy, Error, HostEnv, Progress};

use crate::fixture::{PINNED, TestDir, path_of, platform, script_that_installs_envoy};

/// A named pipe that a script opens for writing, and all its child processes inherit. Opening it for reading waits
/// for the script; its end shows that all of them have exited.
struct Pipe(PathBuf);

impl Pipe {
    fn new(dir: &TestDir) -> Self {
        let path = dir.path("pipe");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        Self(path)
    }

    /// A script that opens it and then hangs, with a child of its own.
    fn hanging_script(&self) -> String {
        format!("exec 9>{}; sleep 1000 & sleep 1000; wait\n", self.0.display())
    }

    fn open(&self) -> File {
        File::open(&self.0).unwrap()
    }
}

/// Cancels once the script hangs, checks that all processes have exited, and returns the reports.
fn cancel_locate(host_env: &HostEnv, pipe: &Pipe) -> Vec<Progress> {
    let cancel = Cancel::new();
    let mut reports = Vec::new();
    thread::scope(|scope| {
        let located = scope.spawn(|| Envoy::locate_cancellable(host_env, &cancel, &mut |report| reports.push(report)));
        let mut reader = pipe.open();
        cancel.cancel();
        let error = located.join().unwrap().unwrap_err();
        assert!(matches!(error, Error::Cancelled), "{error}");
        assert_eq!(error.to_string(), "interrupted");
        reader.read_to_end(&mut Vec::new()).unwrap();
    });
    reports
}

#[test]
fn an_installation_is_cancelled() {
    let dir = TestDir::new();
    let pipe = Pipe::new(&dir);
    let half = "mkdir -p \"$target/envoy\"; echo half >\"$target/envoy/file\"\n";
    let python = dir.python(&format!("{half}{}", pipe.hanging_script()));
    let reports = cancel_locate(&dir.with_python(&python), &pipe);
    assert!(matches!(reports[..], [Progress::Installing { .. }]), "{reports:?}");
    assert_eq!(dir.install_dir_entries(), [".lock"]);

    // The next installation succeeds.
    let python = dir.python(&script_that_installs_envoy(PINNED));
    Envoy::locate_cancellable(&dir.with_python(&python), &Cancel::new(), &mut |_| {}).unwrap();
    assert_eq!(dir.install_dir_entries(), [".lock".to_owned(), platform()]);
}

#[test]
fn the_probe_of_python_is_cancelled() {
    let dir = TestDir::new();
    let pipe = Pipe::new(&dir);
    let python = dir.script("hanging-python", &pipe.hanging_script());
    cancel_locate(&dir.with_python(&python), &pipe);
    assert_eq!(dir.install_dir_entries(), [".lock"]);
}

#[test]
fn the_version_query_is_cancelled() {
    let dir = TestDir::new();
    let pipe = Pipe::new(&dir);
    let envoy = dir.script("bin/envoy", &pipe.hanging_script());
    let envoy_bin = HostEnv {
        envoy_bin: Some(envoy),
        ..dir.empty_env()
    };
    assert_eq!(cancel_locate(&envoy_bin, &pipe), []);
    let on_path = HostEnv {
        path: path_of(&[&dir.path("bin")]),
        ..dir.empty_env()
    };
    assert_eq!(cancel_locate(&on_path, &pipe), [], "no other Envoy is installed");
    assert!(!dir.path("cache").exists());
}

#[test]
fn waiting_for_another_process_is_cancelled() {
    let dir = TestDir::new();
    let pipe = Pipe::new(&dir);
    let installing = dir.with_python(&dir.python(&pipe.hanging_script()));
    let (first_cancel, second_cancel) = (Cancel::new(), Cancel::new());
    thread::scope(|scope| {
        let first = scope.spawn(|| Envoy::locate_cancellable(&installing, &first_cancel, &mut |_| {}));
        let mut reader = pipe.open();
        let (sender, reports) = mpsc::channel();
        let without_python = dir.with_python(Path::new("/missing/python"));
        let cancel = second_cancel.clone();
        let second = scope.spawn(move || {
            Envoy::locate_cancellable(&without_python, &cancel, &mut |report| sender.send(report).unwrap())
        });
        let report = reports.recv().unwrap();
        assert!(matches!(report, Progress::Waiting { .. }), "{report}");
        second_cancel.cancel();
        let error = second.join().unwrap().unwrap_err();
        assert!(matches!(error, Error::Cancelled), "{error}");

        assert!(!first.is_finished(), "the first one continues");
        first_cancel.cancel();
        assert!(matches!(first.join().unwrap(), Err(Error::Cancelled)));
        reader.read_to_end(&mut Vec::new()).unwrap();
    });
    assert_eq!(dir.install_dir_entries(), [".lock"]);
}
