//! A stop from another thread: whatever is being waited for, it ends at once and leaves nothing.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;

use pinned_tools::{Envoy, Error, Step, Stop, Surroundings};

use crate::fakes::{PINNED, Room, machine, path_of, unpack_envoy};

/// A pipe that a script opens, and with it everything that the script starts. It can be opened for reading once
/// they are there, and ends when they are gone.
struct Line(PathBuf);

impl Line {
    fn new(room: &Room) -> Self {
        let path = room.path("line");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        Self(path)
    }

    /// What a script does to open it, and then to hang far longer than a test may take, with a child of its own.
    fn hang(&self) -> String {
        format!("exec 9>{}; sleep 1000 & sleep 1000; wait\n", self.0.display())
    }

    fn open(&self) -> File {
        File::open(&self.0).unwrap()
    }
}

/// Stops once the script hangs on `line`. Everything that it started must be gone as soon as this returns.
fn stopped(surroundings: &Surroundings, line: &Line) -> Vec<Step> {
    let stop = Stop::new();
    let mut steps = Vec::new();
    thread::scope(|scope| {
        let located = scope.spawn(|| Envoy::locate_until(surroundings, &stop, &mut |step| steps.push(step)));
        let mut line = line.open();
        stop.stop();
        let error = located.join().unwrap().unwrap_err();
        assert!(matches!(error, Error::Stopped), "{error}");
        assert_eq!(error.to_string(), "interrupted");
        line.read_to_end(&mut Vec::new()).unwrap();
    });
    steps
}

#[test]
fn an_installation() {
    let room = Room::new();
    let line = Line::new(&room);
    let half = "mkdir -p \"$target/envoy\"; echo half >\"$target/envoy/file\"\n";
    let python = room.python(&format!("{half}{}", line.hang()));
    let steps = stopped(&room.with_python(&python), &line);
    assert!(matches!(steps[..], [Step::Installing { .. }]), "{steps:?}");
    assert_eq!(room.on_envoy_shelf(), [".lock"]);

    // And nothing stands in the way of the next one.
    let python = room.python(&unpack_envoy(PINNED));
    Envoy::locate_until(&room.with_python(&python), &Stop::new(), &mut |_| {}).unwrap();
    assert_eq!(room.on_envoy_shelf(), [".lock".to_owned(), machine()]);
}

#[test]
fn the_question_to_python() {
    let room = Room::new();
    let line = Line::new(&room);
    let python = room.script("hanging-python", &line.hang());
    stopped(&room.with_python(&python), &line);
    assert_eq!(room.on_envoy_shelf(), [".lock"]);
}

#[test]
fn the_question_to_an_envoy() {
    let room = Room::new();
    let line = Line::new(&room);
    let envoy = room.script("bin/envoy", &line.hang());
    let named = Surroundings {
        envoy_bin: Some(envoy),
        ..room.empty()
    };
    assert_eq!(stopped(&named, &line), []);
    let on_path = Surroundings {
        path: path_of(&[&room.path("bin")]),
        ..room.empty()
    };
    assert_eq!(stopped(&on_path, &line), [], "nothing is installed in its place");
    assert!(!room.path("cache").exists());
}

#[test]
fn waiting_for_another_process() {
    let room = Room::new();
    let line = Line::new(&room);
    let installing = room.with_python(&room.python(&line.hang()));
    let (first_stop, second_stop) = (Stop::new(), Stop::new());
    thread::scope(|scope| {
        let first = scope.spawn(|| Envoy::locate_until(&installing, &first_stop, &mut |_| {}));
        let mut line = line.open();
        let (begun, waiting) = mpsc::channel();
        let nowhere = room.with_python(Path::new("/nowhere/python"));
        let stop = second_stop.clone();
        let second = scope.spawn(move || Envoy::locate_until(&nowhere, &stop, &mut |step| begun.send(step).unwrap()));
        let step = waiting.recv().unwrap();
        assert!(matches!(step, Step::Waiting { .. }), "{step}");
        second_stop.stop();
        let error = second.join().unwrap().unwrap_err();
        assert!(matches!(error, Error::Stopped), "{error}");

        assert!(!first.is_finished(), "the other one goes on");
        first_stop.stop();
        assert!(matches!(first.join().unwrap(), Err(Error::Stopped)));
        line.read_to_end(&mut Vec::new()).unwrap();
    });
    assert_eq!(room.on_envoy_shelf(), [".lock"]);
}
