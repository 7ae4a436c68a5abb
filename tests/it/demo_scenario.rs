//! The demo scenario, `bluegreen --once`: three deployments under load, unattended, and its cleanup.

use rustix::process::Signal;

use crate::namespaces;
use crate::room::Room;
use crate::run::{Ended, Run, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_fails_no_request_and_ends_with_a_rollback() {
    let room = Room::new();
    let ended = Run::to_end(&room, room.example_named("bluegreen", &["--once"])).await;
    assert_passed(&ended);
    room.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scenario_passes_with_network_namespaces() {
    let room = namespaces::room();
    let ended = Run::to_end(&room, namespaces::in_namespaces(&room, "bluegreen", &["--once"])).await;
    assert_passed(&ended);
    room.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn directories_of_a_killed_scenario_are_removed_by_the_next_run() {
    let room = Room::new();
    let (what, line) = ("requests", " requests per second to ");
    let mut killed = Run::start(&room, room.example_named("bluegreen", &["--once"]));
    killed.wait_for(what, |printed| printed.stdout.contains(line)).await;
    killed.signal(Signal::KILL);
    killed.end().await;
    eventually("all processes are gone", async || room.processes().is_empty()).await;
    let leftover = room.leftover_files();
    assert_eq!(leftover.len(), 2, "of the mesh and of the scenario: {leftover:?}");

    let mut running = Run::start(&room, room.example_named("bluegreen", &["--once"]));
    running.wait_for(what, |printed| printed.stdout.contains(line)).await;
    let own = room.leftover_files();
    assert!(
        own.len() == 2 && own.iter().all(|folder| !leftover.contains(folder)),
        "{leftover:?} {own:?}"
    );

    // Another run uses the same TMPDIR by another path, and removes only its own directories.
    let terminal = Room::new();
    let mut other = terminal.example(&["--once"]);
    other.env("TMPDIR", room.tmpdir().join("."));
    let other = Run::to_end(&terminal, other).await;
    assert_eq!(other.code, Some(0), "{other:?}");
    assert_eq!(room.leftover_files().len(), 2, "{own:?}");
    assert!(own.iter().all(|folder| folder.exists()), "{own:?}");
    running.signal(Signal::INT);
    running.end().await;
    room.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_conflicts_with_state() {
    let room = Room::new();
    let mut command = room.example_named("bluegreen", &["--once", "--state"]);
    command.arg(room.path("state"));
    let failed = Run::to_end(&room, command).await;
    assert!(
        failed.code == Some(2)
            && failed
                .stderr
                .contains("'--once' cannot be used with '--state <FOLDER>'"),
        "{failed:?}"
    );
    assert!(!room.path("state").exists());
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
