//! Deployments that move traffic from one version to another, by the example: in one terminal it runs, in others it is
//! deployed to, and somebody calls all the time.

use std::num::{NonZeroU16, NonZeroU32};

use demo_service::traffic::{self, Summary};
use rustix::process::Signal;
use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::room::Room;
use crate::run::{Ended, Run, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployment_whose_driver_is_killed_is_gone_on_with_or_taken_back() {
    let room = Room::new();
    let run = Run::up(&room, command(&room, &[])).await;
    let gateway = run.url("# gateway/1, port 9080");
    let calls = Calls::start(&format!("{gateway}split"));

    let differs = say(&room, &["diff", "--version", "2"]).await;
    let parts: Vec<&str> = differs.stdout.lines().filter(|line| line.starts_with('[')).collect();
    let expected = [
        "[~] AWS::ECS::TaskDefinition GreenTaskDefinition",
        "[~] AWS::SSM::Parameter State",
    ];
    assert_eq!(parts, expected, "{differs:?}");

    let deploy = ["deploy", "--version", "2", "--strategy", "canary:10%,1h"];
    let terminal = Room::new();
    let mut driver = Run::start(&terminal, in_terminal(&terminal, &room, &deploy));
    let canary = "blue 1 at 90%, green 2 at 10%, POST_PRODUCTION_TRAFFIC_SHIFT";
    driver.wait_for(canary, |printed| printed.stdout.contains(canary)).await;
    driver.signal(Signal::KILL);
    driver.end().await;
    let status = say(&room, &["status"]).await.stdout;
    assert!(
        status.starts_with(&format!("{canary}\nby canary:10%,1h, driven by process ")),
        "{status}"
    );
    let other = say(&room, &["deploy", "--version", "3"]).await;
    assert!(
        other.code == Some(1) && other.stderr.contains("a rollout to another version is under way"),
        "{other:?}"
    );

    // It keeps its strategy. Who wants another one is told how to get it, and does not disturb it.
    let with_another = ["deploy", "--version", "2", "--strategy", "all-at-once"];
    let kept = say(&room, &with_another).await;
    assert!(
        kept.code == Some(1)
            && kept
                .stderr
                .contains("is being deployed with canary:10%,1h already, and keeps that")
            && kept.stderr.contains("abort it, and deploy again with all-at-once"),
        "{kept:?}"
    );
    assert!(say(&room, &["status"]).await.stdout.starts_with(canary));

    // Another driver goes on where the first one was, until somebody takes over to abort.
    let deploy = ["deploy", "--version", "2"];
    let mut second = Run::start(&terminal, in_terminal(&terminal, &room, &deploy));
    second.wait_for(canary, |printed| printed.stdout.contains(canary)).await;
    let aborted = say(&room, &["abort"]).await;
    assert_eq!(aborted.code, Some(0), "{aborted:?}");
    assert!(
        aborted.stdout.contains("2 ROLLBACK_SUCCESSFUL: it was aborted"),
        "{aborted:?}"
    );
    let second = second.end().await;
    assert!(
        second.code == Some(1)
            && second.stdout.contains("somebody else goes on with it")
            && second.stderr.contains("the deployment was taken back: it was aborted"),
        "{second:?}"
    );
    // What runs says the same of the sides as what is stored.
    let stored = r#"{"nextUpdate":"blue","nextVersion":1,"currentVersion":2}"#;
    assert_eq!(held(&room).await, stored);

    let deployed = say(&room, &["deploy", "--version", "3", "--strategy", "all-at-once"]).await;
    assert_eq!(deployed.code, Some(0), "{deployed:?}");
    let summary = calls.stop().await;
    assert!(summary.all_went_well(), "{summary}");

    // What runs is stopped and started: versions and traffic are as they were.
    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(0));
    let run = Run::up(&room, command(&room, &[])).await;
    let split = format!("{}split", run.url("# gateway/1, port 9080"));
    let third = r#"{"message":"ok","service":"green","version":"3"}"#;
    eventually("version 3 answers", async || crate::http::answers(&split, third).await).await;
    let returned = say(&room, &["rollback"]).await;
    assert_eq!(returned.code, Some(0), "{returned:?}");
    let first = r#"{"message":"ok","service":"blue","version":"1"}"#;
    eventually("version 1 answers", async || crate::http::answers(&split, first).await).await;
    let stored = r#"{"nextUpdate":"blue","nextVersion":1,"currentVersion":3}"#;
    assert_eq!(held(&room).await, stored);
    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(0));
    room.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_follows_a_killed_driver_takes_a_bad_version_back() {
    let room = Room::new();
    let run = Run::up(&room, command(&room, &[])).await;
    let gateway = run.url("# gateway/1, port 9080");
    let terminal = Room::new();
    // Without calls nothing can be said against it.
    let deploy = ["deploy", "--version", "4", "--strategy", "canary:10%,1h"];
    let mut driver = Run::start(&terminal, in_terminal(&terminal, &room, &deploy));
    let canary = "blue 1 at 90%, green 4 at 10%, POST_PRODUCTION_TRAFFIC_SHIFT";
    driver.wait_for(canary, |printed| printed.stdout.contains(canary)).await;
    driver.signal(Signal::KILL);
    driver.end().await;
    let calls = Calls::start(&format!("{gateway}split"));
    let returned = say(&room, &deploy).await;
    assert_eq!(returned.code, Some(1), "{returned:?}");
    assert!(
        returned
            .stderr
            .contains("the deployment was taken back: a check failed: nine of ten"),
        "{returned:?}"
    );
    // The version that serves is deployed already, whatever became of another one.
    let again = say(&room, &["deploy", "--version", "1"]).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    let summary = calls.stop().await;
    assert!(summary.all_went_well(), "{summary}");
    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(0));
    room.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_return_whose_driver_is_killed_is_seen_through_by_whoever_deploys_the_same_again() {
    let room = Room::new();
    let run = Run::up(&room, command(&room, &[])).await;
    let terminal = Room::new();
    let deploy = ["deploy", "--version", "2", "--strategy", "canary:10%,1h"];
    let mut driver = Run::start(&terminal, in_terminal(&terminal, &room, &deploy));
    let canary = "blue 1 at 90%, green 2 at 10%, POST_PRODUCTION_TRAFFIC_SHIFT";
    driver.wait_for(canary, |printed| printed.stdout.contains(canary)).await;
    driver.signal(Signal::KILL);
    driver.end().await;

    // Nothing runs that the return could be made in.
    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(0));
    let mut abort = Run::start(&terminal, in_terminal(&terminal, &room, &["abort"]));
    let waiting = "trying again: nothing is running";
    abort
        .wait_for(waiting, |printed| printed.stdout.contains(waiting))
        .await;
    abort.signal(Signal::KILL);
    abort.end().await;

    let run = Run::up(&room, command(&room, &[])).await;
    let other = say(&room, &["deploy", "--version", "3"]).await;
    assert!(
        other.code == Some(1)
            && other
                .stderr
                .contains("if whoever did that is gone, `abort` sees it through"),
        "{other:?}"
    );
    let again = say(&room, &deploy).await;
    assert!(
        again.code == Some(1) && again.stderr.contains("the deployment was taken back: it was aborted"),
        "{again:?}"
    );
    let stored = r#"{"nextUpdate":"blue","nextVersion":1,"currentVersion":2}"#;
    assert_eq!(held(&room).await, stored);
    let deployed = say(&room, &["deploy", "--version", "3", "--strategy", "all-at-once"]).await;
    assert_eq!(deployed.code, Some(0), "{deployed:?}");
    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(0));
    room.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_is_said_and_changes_nothing() {
    let room = Room::new();
    for (arguments, words) in [
        (
            &["deploy", "--version", "2"][..],
            "nothing was deployed yet: start it first, in another terminal",
        ),
        (&["abort"], "nothing was deployed yet"),
        (&["deploy", "--version", "x"], "invalid digit found in string"),
        (
            &["deploy", "--version", "2", "--strategy", "slowly"],
            "`slowly` is no strategy",
        ),
    ] {
        let refused = say(&room, arguments).await;
        assert!(
            refused.code != Some(0) && refused.stderr.contains(words),
            "{arguments:?}: {refused:?}"
        );
    }
    let run = Run::up(&room, command(&room, &[])).await;
    let twice = say(&room, &[]).await;
    assert!(
        twice.code == Some(1) && twice.stderr.contains("it is running already"),
        "{twice:?}"
    );
    let refused = say(&room, &["continue"]).await;
    assert!(
        refused.code == Some(1) && refused.stderr.contains("no rollout is under way"),
        "{refused:?}"
    );

    // A document that somebody damaged is quoted, and stays as it is.
    std::fs::write(room.path("state/state.json"), "{\"nextUpdate\":\"teal\"}").expect("the room can be written to");
    let refused = say(&room, &["deploy", "--version", "2"]).await;
    assert!(
        refused.code == Some(1) && refused.stderr.contains("teal"),
        "{refused:?}"
    );
    let stays = std::fs::read_to_string(room.path("state/state.json")).expect("it is there");
    assert_eq!(stays, "{\"nextUpdate\":\"teal\"}");
    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(0));
    room.assert_nothing_left();
}

/// What the mesh that runs holds of the sides: the value of its parameter.
async fn held(room: &Room) -> String {
    let client = reqwest::Client::builder()
        .no_proxy()
        .unix_socket(room.path("state/mesh.sock"));
    let asked = client
        .build()
        .expect("a client")
        .get("http://meshwright/template")
        .send();
    let template = asked.await.expect("it answers").text().await.expect("a text");
    let template: serde_json::Value = serde_json::from_str(&template).expect("a template");
    let value = &template["Resources"]["State"]["Properties"]["Value"];
    value.as_str().expect("it is a text").to_owned()
}

/// The example, with its state in the room.
fn command(room: &Room, arguments: &[&str]) -> Command {
    in_terminal(room, room, arguments)
}

/// The example in another terminal, with its state in `room`.
fn in_terminal(terminal: &Room, room: &Room, arguments: &[&str]) -> Command {
    let mut command = terminal.example_named("bluegreen", arguments);
    command.arg("--state").arg(room.path("state"));
    command
}

async fn say(room: &Room, arguments: &[&str]) -> Ended {
    // When a run ends, so does everything else in its room.
    let terminal = Room::new();
    let ended = Run::to_end(&terminal, in_terminal(&terminal, room, arguments)).await;
    terminal.assert_nothing_left();
    ended
}

/// Five hundred calls a second.
struct Calls {
    stop: oneshot::Sender<()>,
    running: JoinHandle<Summary>,
}

impl Calls {
    fn start(url: &str) -> Self {
        let target = url.parse().expect("a URL");
        let rate = NonZeroU32::new(500).expect("it is not zero");
        let callers = NonZeroU16::new(64).expect("it is not zero");
        let plan = traffic::Plan::new(target).with_rate(rate).with_concurrency(callers);
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            let stopped = async {
                let _told = stopped.await;
            };
            let summary = traffic::run(&plan, stopped, std::future::pending(), |_| Ok(())).await;
            summary.expect("traffic can be made")
        });
        Self { stop, running }
    }

    async fn stop(self) -> Summary {
        self.stop.send(()).expect("it runs");
        self.running.await.expect("it does not panic")
    }
}
