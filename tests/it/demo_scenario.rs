//! The demo scenario, `bluegreen --once`: three deployments under load, unattended, and its cleanup.

use rustix::process::Signal;
use testkit::wait_until;

use crate::namespaces;
use crate::run::{Ended, Run};
use crate::workdir::Workdir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_fails_no_request_and_ends_with_a_rollback() {
    let workdir = Workdir::new();
    let ended = Run::to_end(&workdir, workdir.example_named("bluegreen", &["--once"])).await;
    assert_passed(&ended);
    workdir.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_passes_with_network_namespaces() {
    let workdir = namespaces::workdir();
    let ended = Run::to_end(&workdir, namespaces::in_namespaces(&workdir, "bluegreen", &["--once"])).await;
    assert_passed(&ended);
    workdir.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn directories_of_a_killed_scenario_are_removed_by_the_next_run() {
    let workdir = Workdir::new();
    let (what, line) = ("the start of the load", " requests per second to ");
    let mut killed = Run::start(&workdir, workdir.example_named("bluegreen", &["--once"]));
    killed.wait_for(what, |printed| printed.stdout.contains(line)).await;
    killed.signal(Signal::KILL);
    killed.end().await;
    wait_until("all processes are gone", async || workdir.processes().is_empty()).await;
    let leftover = workdir.leftover_files();
    assert_eq!(leftover.len(), 2, "of the mesh and of the scenario: {leftover:?}");

    let mut running = Run::start(&workdir, workdir.example_named("bluegreen", &["--once"]));
    running.wait_for(what, |printed| printed.stdout.contains(line)).await;
    let own = workdir.leftover_files();
    assert!(
        own.len() == 2 && own.iter().all(|folder| !leftover.contains(folder)),
        "{leftover:?} {own:?}"
    );

    // Another run uses the same TMPDIR by another path, and removes only its own directories.
    let terminal = Workdir::new();
    let mut other = terminal.example(&["--once"]);
    other.env("TMPDIR", workdir.tmpdir().join("."));
    let other = Run::to_end(&terminal, other).await;
    assert_eq!(other.code, Some(0), "{other:?}");
    assert_eq!(workdir.leftover_files().len(), 2, "{own:?}");
    assert!(own.iter().all(|folder| folder.exists()), "{own:?}");
    running.signal(Signal::INT);
    running.end().await;
    workdir.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_conflicts_with_state() {
    let workdir = Workdir::new();
    let mut command = workdir.example_named("bluegreen", &["--once", "--state"]);
    command.arg(workdir.path("state"));
    let failed = Run::to_end(&workdir, command).await;
    assert!(
        failed.code == Some(2)
            && failed
                .stderr
                .contains("'--once' cannot be used with '--state <FOLDER>'"),
        "{failed:?}"
    );
    assert!(!workdir.path("state").exists());
}

fn assert_passed(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for expected in [
        "2 SUCCESSFUL\n",
        "3 SUCCESSFUL\n",
        "4 ROLLBACK_SUCCESSFUL: a check failed: its p90 latency is ",
        " calls in ",
        " s, 0 failed\n",
    ] {
        assert!(ended.stdout.contains(expected), "no `{expected}` in {ended:?}");
    }
}
