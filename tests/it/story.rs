//! The example `bluegreen --once`: three deployments under load, unattended, and what is left of it.

use rustix::process::Signal;

use crate::namespaces;
use crate::room::Room;
use crate::run::{Ended, Run, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_story_loses_no_call_and_ends_with_a_return() {
    let room = Room::new();
    let ended = Run::to_end(&room, room.example_named("bluegreen", &["--once"])).await;
    assert_went_well(&ended);
    room.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_the_same_story_where_each_task_has_a_network_of_its_own() {
    let room = namespaces::room();
    let ended = Run::to_end(&room, namespaces::in_namespaces(&room, "bluegreen", &["--once"])).await;
    assert_went_well(&ended);
    room.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_story_leaves_is_removed_by_the_next_run_and_a_living_one_keeps_its_own() {
    let room = Room::new();
    let (begun, calling) = ("calls", " calls a second to ");
    let mut killed = Run::start(&room, room.example_named("bluegreen", &["--once"]));
    killed.wait_for(begun, |printed| printed.stdout.contains(calling)).await;
    killed.signal(Signal::KILL);
    killed.end().await;
    eventually("all processes are gone", async || room.processes().is_empty()).await;
    let left = room.leftover_files();
    assert_eq!(left.len(), 2, "of the mesh and of the story: {left:?}");

    let mut living = Run::start(&room, room.example_named("bluegreen", &["--once"]));
    living.wait_for(begun, |printed| printed.stdout.contains(calling)).await;
    let own = room.leftover_files();
    assert!(
        own.len() == 2 && own.iter().all(|folder| !left.contains(folder)),
        "{left:?} {own:?}"
    );

    // Another one has the same folder, by another name: what ends with it is its own.
    let terminal = Room::new();
    let mut other = terminal.example(&["--once"]);
    other.env("TMPDIR", room.tmpdir().join("."));
    let other = Run::to_end(&terminal, other).await;
    assert_eq!(other.code, Some(0), "{other:?}");
    assert_eq!(room.leftover_files().len(), 2, "{own:?}");
    assert!(own.iter().all(|folder| folder.exists()), "{own:?}");
    living.signal(Signal::INT);
    living.end().await;
    room.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_has_a_state_of_its_own_and_takes_no_other() {
    let room = Room::new();
    let mut command = room.example_named("bluegreen", &["--once", "--state"]);
    command.arg(room.path("state"));
    let refused = Run::to_end(&room, command).await;
    assert!(
        refused.code == Some(2)
            && refused
                .stderr
                .contains("'--once' cannot be used with '--state <FOLDER>'"),
        "{refused:?}"
    );
    assert!(!room.path("state").exists());
}

fn assert_went_well(ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for expected in [
        "2 SUCCESSFUL\n",
        "3 SUCCESSFUL\n",
        "4 ROLLBACK_SUCCESSFUL: a check failed: nine of ten answers came within ",
        " calls in ",
        " s, 0 failed\n",
    ] {
        assert!(ended.stdout.contains(expected), "no `{expected}` in {ended:?}");
    }
}
