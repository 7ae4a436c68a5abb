//! Blue-green deployments of the example under load: it runs in one process, and others deploy to it.

use std::num::{NonZeroU16, NonZeroU32};

use demo_service::traffic::{self, Summary};
use rustix::process::Signal;
use testkit::wait_until;
use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::run::{Ended, Run};
use crate::workdir::Workdir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deployment_continues_or_is_rolled_back_after_its_controller_is_killed() {
    let workdir = Workdir::new();
    let run = Run::up(&workdir, command(&workdir, &[])).await;
    let gateway = run.url("# gateway/1, port 9080");
    let load = Load::start(&format!("{gateway}split"));

    let diff = verb(&workdir, &["diff", "--version", "2"]).await;
    let parts: Vec<&str> = diff.stdout.lines().filter(|line| line.starts_with('[')).collect();
    let expected = [
        "[~] AWS::ECS::TaskDefinition GreenTaskDefinition",
        "[~] AWS::SSM::Parameter State",
    ];
    assert_eq!(parts, expected, "{diff:?}");

    let deploy = ["deploy", "--version", "2", "--strategy", "canary:10%,1h"];
    let terminal = Workdir::new();
    let mut controller = Run::start(&terminal, in_terminal(&terminal, &workdir, &deploy));
    let canary = "blue 1 at 90%, green 2 at 10%, POST_PRODUCTION_TRAFFIC_SHIFT";
    controller
        .wait_for(canary, |printed| printed.stdout.contains(canary))
        .await;
    controller.signal(Signal::KILL);
    controller.end().await;
    let status = verb(&workdir, &["status"]).await.stdout;
    assert!(
        status.starts_with(&format!(
            "{canary}\nstrategy canary:10%,1h,test:0s, controller process "
        )),
        "{status}"
    );
    let other = verb(&workdir, &["deploy", "--version", "3"]).await;
    assert!(
        other.code == Some(1) && other.stderr.contains("a rollout to another version is in progress"),
        "{other:?}"
    );

    // A deployment in progress keeps its strategy. Requesting another one is an error that changes nothing.
    let with_another = ["deploy", "--version", "2", "--strategy", "all-at-once"];
    let kept = verb(&workdir, &with_another).await;
    assert!(
        kept.code == Some(1)
            && kept.stderr.contains("is being deployed with strategy canary:10%,1h")
            && kept.stderr.contains("abort it and deploy again with all-at-once"),
        "{kept:?}"
    );
    assert!(verb(&workdir, &["status"]).await.stdout.starts_with(canary));

    // Another controller continues, until `abort` takes over.
    let deploy = ["deploy", "--version", "2"];
    let mut second = Run::start(&terminal, in_terminal(&terminal, &workdir, &deploy));
    second.wait_for(canary, |printed| printed.stdout.contains(canary)).await;
    let aborted = verb(&workdir, &["abort"]).await;
    assert_eq!(aborted.code, Some(0), "{aborted:?}");
    assert!(
        aborted.stdout.contains("2 ROLLBACK_SUCCESSFUL: it was aborted"),
        "{aborted:?}"
    );
    let second = second.end().await;
    assert!(
        second.code == Some(1)
            && second.stdout.contains("another process took over this deployment")
            && second.stderr.contains("the deployment was rolled back: it was aborted"),
        "{second:?}"
    );
    // The running template matches the stored state.
    let stored = r#"{"nextUpdate":"blue","nextVersion":1,"currentVersion":2}"#;
    assert_eq!(running_state(&workdir).await, stored);

    let deployed = verb(&workdir, &["deploy", "--version", "3", "--strategy", "all-at-once"]).await;
    assert_eq!(deployed.code, Some(0), "{deployed:?}");
    let summary = load.stop().await;
    assert_no_failed_response(&summary);

    // A restart keeps versions and weights.
    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(130));
    let run = Run::up(&workdir, command(&workdir, &[])).await;
    let split = format!("{}split", run.url("# gateway/1, port 9080"));
    let third = r#"{"message":"ok","service":"green","version":"3"}"#;
    wait_until("version 3 responds", async || {
        crate::http::responds_with(&split, third).await
    })
    .await;
    let rolled_back = verb(&workdir, &["rollback"]).await;
    assert_eq!(rolled_back.code, Some(0), "{rolled_back:?}");
    let first = r#"{"message":"ok","service":"blue","version":"1"}"#;
    wait_until("version 1 responds", async || {
        crate::http::responds_with(&split, first).await
    })
    .await;
    let stored = r#"{"nextUpdate":"blue","nextVersion":1,"currentVersion":3}"#;
    assert_eq!(running_state(&workdir).await, stored);
    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(130));
    workdir.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn next_controller_rolls_back_an_unhealthy_version() {
    let workdir = Workdir::new();
    let run = Run::up(&workdir, command(&workdir, &[])).await;
    let gateway = run.url("# gateway/1, port 9080");
    let terminal = Workdir::new();
    // Without requests, the canary analysis is inconclusive.
    let deploy = ["deploy", "--version", "4", "--strategy", "canary:10%,1h"];
    let mut controller = Run::start(&terminal, in_terminal(&terminal, &workdir, &deploy));
    let canary = "blue 1 at 90%, green 4 at 10%, POST_PRODUCTION_TRAFFIC_SHIFT";
    controller
        .wait_for(canary, |printed| printed.stdout.contains(canary))
        .await;
    controller.signal(Signal::KILL);
    controller.end().await;
    let load = Load::start(&format!("{gateway}split"));
    let rolled_back = verb(&workdir, &deploy).await;
    assert_eq!(rolled_back.code, Some(1), "{rolled_back:?}");
    assert!(
        rolled_back
            .stderr
            .contains("the deployment was rolled back: a check failed: its p90 latency is "),
        "{rolled_back:?}"
    );
    // The serving version is already deployed.
    let again = verb(&workdir, &["deploy", "--version", "1"]).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    let summary = load.stop().await;
    assert_no_failed_response(&summary);
    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(130));
    workdir.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rollback_continues_after_its_controller_is_killed() {
    let workdir = Workdir::new();
    let run = Run::up(&workdir, command(&workdir, &[])).await;
    let terminal = Workdir::new();
    let deploy = ["deploy", "--version", "2", "--strategy", "canary:10%,1h"];
    let mut controller = Run::start(&terminal, in_terminal(&terminal, &workdir, &deploy));
    let canary = "blue 1 at 90%, green 2 at 10%, POST_PRODUCTION_TRAFFIC_SHIFT";
    controller
        .wait_for(canary, |printed| printed.stdout.contains(canary))
        .await;
    controller.signal(Signal::KILL);
    controller.end().await;

    // The rollback cannot complete while no mesh is running.
    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(130));
    let mut abort = Run::start(&terminal, in_terminal(&terminal, &workdir, &["abort"]));
    let waiting = "retrying: no mesh is running";
    abort
        .wait_for(waiting, |printed| printed.stdout.contains(waiting))
        .await;
    abort.signal(Signal::KILL);
    abort.end().await;

    let run = Run::up(&workdir, command(&workdir, &[])).await;
    let other = verb(&workdir, &["deploy", "--version", "3"]).await;
    assert!(
        other.code == Some(1)
            && other
                .stderr
                .contains("if its controller has stopped, `abort` completes the rollback"),
        "{other:?}"
    );
    let again = verb(&workdir, &deploy).await;
    assert!(
        again.code == Some(1) && again.stderr.contains("the deployment was rolled back: it was aborted"),
        "{again:?}"
    );
    let stored = r#"{"nextUpdate":"blue","nextVersion":1,"currentVersion":2}"#;
    assert_eq!(running_state(&workdir).await, stored);
    let deployed = verb(&workdir, &["deploy", "--version", "3", "--strategy", "all-at-once"]).await;
    assert_eq!(deployed.code, Some(0), "{deployed:?}");
    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(130));
    workdir.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interrupted_rollout_says_where_traffic_stands_and_is_promoted() {
    let workdir = Workdir::new();
    let run = Run::up(&workdir, command(&workdir, &[])).await;
    let terminal = Workdir::new();
    let deploy = ["deploy", "--version", "2", "--strategy", "canary:10%,1h"];
    let mut controller = Run::start(&terminal, in_terminal(&terminal, &workdir, &deploy));
    let canary = "blue 1 at 90%, green 2 at 10%, POST_PRODUCTION_TRAFFIC_SHIFT";
    controller
        .wait_for(canary, |printed| printed.stdout.contains(canary))
        .await;
    let status = verb(&workdir, &["status"]).await.stdout;
    for expected in [
        "\nthe rollout of 2 began ",
        "; the next step follows in 59m ",
        " UTC)\nthe controller is running, last seen ",
    ] {
        assert!(status.contains(expected), "no `{expected}` in {status}");
    }
    controller.signal(Signal::INT);
    let interrupted = controller.end().await;
    assert_eq!(interrupted.code, Some(130), "{interrupted:?}");
    for expected in [
        "SIGINT: stopped\nrollout: blue 1 at 90%, green 2 at 10%, ",
        "`deploy --version 2` continues it, `abort` rolls it back",
    ] {
        assert!(interrupted.stderr.contains(expected), "{interrupted:?}");
    }
    let status = verb(&workdir, &["status"]).await.stdout;
    assert!(status.contains("\nthe controller has stopped, last seen "), "{status}");
    let json = verb(&workdir, &["status", "--json"]).await.stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["rollout"]["controller"]["status"], "stopped", "{json}");
    assert_eq!(json["green"], serde_json::json!({"version": 2, "weight": 10}));

    let promoted = verb(&workdir, &["promote"]).await;
    assert_eq!(promoted.code, Some(0), "{promoted:?}");
    assert!(
        promoted
            .stdout
            .ends_with("blue 1 at 0%, green 2 at 100%, 2 SUCCESSFUL\n"),
        "{promoted:?}"
    );
    let nothing = verb(&workdir, &["promote"]).await;
    assert!(
        nothing.code == Some(1) && nothing.stderr.contains("there is nothing to promote"),
        "{nothing:?}"
    );

    // A version that stays moves on by another strategy.
    let stays = "blue 3 stays at 50%: `promote`, or `deploy --version 3` with another --strategy, gives it more";
    for arguments in [&["--strategy", "fixed:50%"][..], &[]] {
        let deployed = verb(&workdir, &[&["deploy", "--version", "3"], arguments].concat()).await;
        assert!(
            deployed.code == Some(0) && deployed.stdout.contains(stays),
            "{deployed:?}"
        );
    }
    let moved = verb(&workdir, &["deploy", "--version", "3", "--strategy", "all-at-once"]).await;
    assert!(
        moved.code == Some(0) && moved.stdout.ends_with("blue 3 at 100%, green 2 at 0%, 3 SUCCESSFUL\n"),
        "{moved:?}"
    );

    // Without a mesh, nothing is recorded.
    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(130));
    let document = || std::fs::read_to_string(workdir.path("state/state.json")).expect("it is there");
    let before = document();
    for arguments in [&["deploy", "--version", "2"][..], &["promote"], &["rollback"]] {
        let failed = verb(&workdir, arguments).await;
        assert!(
            failed.code == Some(1) && failed.stderr.contains("no mesh is running at "),
            "{arguments:?}: {failed:?}"
        );
        assert_eq!(document(), before, "{arguments:?}");
    }
    workdir.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn step_with_too_few_requests_waits_rolls_back_or_proceeds() {
    let workdir = Workdir::new();
    let run = Run::up(&workdir, command(&workdir, &[])).await;
    let gateway = run.url("# gateway/1, port 9080");
    let terminal = Workdir::new();
    let deploy = ["deploy", "--version", "2", "--strategy", "canary:10%,1s"];
    let mut controller = Run::start(&terminal, in_terminal(&terminal, &workdir, &deploy));
    let waiting = "waiting: the analysis of green 2 at 10% is inconclusive: it had 0 requests, fewer than 20; ";
    controller
        .wait_for(waiting, |printed| printed.stdout.contains(waiting))
        .await;
    let load = Load::start(&format!("{gateway}split"));
    let deployed = controller.end().await;
    assert_eq!(deployed.code, Some(0), "{deployed:?}");
    let summary = load.stop().await;
    assert_no_failed_response(&summary);

    let third = [
        "deploy",
        "--version",
        "3",
        "--strategy",
        "canary:10%,1s",
        "--inconclusive",
    ];
    let rolled_back = verb(&workdir, &[&third[..], &["roll-back"]].concat()).await;
    let finding = "the analysis of blue 3 at 10% is inconclusive: it had 0 requests, fewer than 20";
    assert!(
        rolled_back.code == Some(1) && rolled_back.stderr.contains(finding),
        "{rolled_back:?}"
    );
    let proceeded = verb(&workdir, &[&third[..], &["proceed"]].concat()).await;
    assert!(
        proceeded.code == Some(0) && proceeded.stdout.contains(&format!("{finding}; proceeding")),
        "{proceeded:?}"
    );
    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(130));
    workdir.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hooks_run_at_their_stages_survive_their_controller_and_roll_back() {
    let workdir = Workdir::new();
    let run = Run::up(&workdir, command(&workdir, &[])).await;
    let terminal = Workdir::new();
    // The hook waits until the file is there.
    let (log, ready) = (terminal.path("hook.log"), terminal.path("ready"));
    let script = terminal.path("hook");
    let text =
        "echo \"$MESHWRIGHT_LIFECYCLE_STAGE $MESHWRIGHT_VERSION $MESHWRIGHT_SIDE $MESHWRIGHT_GREEN_WEIGHT\" >> \"$1\"
        until test -e \"$2\"; do sleep 0.1; done";
    std::fs::write(&script, text).expect("the workdir can be written to");
    let command_line = format!("sh {} {} {}", script.display(), log.display(), ready.display());
    let [before, during] = ["POST_SCALE_UP", "PRODUCTION_TRAFFIC_SHIFT"].map(|stage| format!("{stage}={command_line}"));
    let deploy = ["deploy", "--version", "2", "--strategy", "steps:10%,100%"];
    let with_hooks = [&deploy[..], &["--hook", &before, "--hook", &during]].concat();
    let mut controller = Run::start(&terminal, in_terminal(&terminal, &workdir, &with_hooks));
    let logged = || std::fs::read_to_string(&log).unwrap_or_default();
    wait_until("the hook has begun", async || !logged().is_empty()).await;
    let running = "hook sh at POST_SCALE_UP is running";
    controller
        .wait_for(running, |printed| printed.stdout.contains(running))
        .await;
    let status = verb(&workdir, &["status"]).await.stdout;
    assert!(
        status.starts_with(
            "blue 1 at 100%, green 2 at 0%, POST_SCALE_UP\nstrategy steps:10%,100%,test:0s,hooks:POST_SCALE_UP+"
        ) && status.contains("\nthe hook at POST_SCALE_UP is running; it began "),
        "{status}"
    );
    // Its process ends with the controller, whatever ends that.
    controller.signal(Signal::INT);
    let interrupted = controller.end().await;
    assert_eq!(interrupted.code, Some(130), "{interrupted:?}");

    // A command without the hooks leaves the rollout as it is.
    let without = verb(&workdir, &["deploy", "--version", "2"]).await;
    assert!(
        without.code == Some(1)
            && without
                .stderr
                .contains("runs a hook at POST_SCALE_UP, which this command does not have"),
        "{without:?}"
    );

    // So does one with a hook that the rollout began without, and would not run.
    let resume = ["deploy", "--version", "2", "--hook", &before, "--hook", &during];
    let more = [&resume[..], &["--hook", "POST_PRODUCTION_TRAFFIC_SHIFT=true"]].concat();
    let rejected = verb(&workdir, &more).await;
    assert!(
        rejected.code == Some(1)
            && rejected
                .stderr
                .contains("began without a hook at POST_PRODUCTION_TRAFFIC_SHIFT, and would not run it"),
        "{rejected:?}"
    );

    // The next controller calls the hook again.
    std::fs::write(&ready, "").expect("the workdir can be written to");
    let deployed = verb(&workdir, &with_hooks).await;
    assert_eq!(deployed.code, Some(0), "{deployed:?}");
    assert_eq!(
        logged().lines().collect::<Vec<_>>(),
        [
            "POST_SCALE_UP 2 green 0",
            "POST_SCALE_UP 2 green 0",
            "PRODUCTION_TRAFFIC_SHIFT 2 green 10",
            "PRODUCTION_TRAFFIC_SHIFT 2 green 100",
        ]
    );

    // A failure rolls back, and its last lines are printed.
    let failing = "POST_SCALE_UP=sh -c 'echo no database; exit 3'";
    let third = [
        "deploy",
        "--version",
        "3",
        "--strategy",
        "all-at-once",
        "--hook",
        failing,
    ];
    let failed = verb(&workdir, &third).await;
    let finding = "the deployment was rolled back: a check failed: the hook at POST_SCALE_UP failed: sh: exit code 3";
    assert!(
        failed.code == Some(1)
            && failed.stderr.contains(finding)
            && failed.stdout.contains("  | no database\n")
            && failed
                .stdout
                .contains("blue 3 at 0%, green 2 at 100%, ROLLBACK_IN_PROGRESS"),
        "{failed:?}"
    );
    for (arguments, expected) in [
        (["--hook", "BAKE_TIME=true"], "`BAKE_TIME` is not a stage"),
        (["--hook", "TEST_TRAFFIC_SHIFT="], "the command of the hook is empty"),
        (["--hook-timeout", "5m"], "--hook <STAGE=HOOK>"),
    ] {
        let wrong = verb(&workdir, &[&["deploy", "--version", "3"], &arguments[..]].concat()).await;
        assert!(wrong.code == Some(2) && wrong.stderr.contains(expected), "{wrong:?}");
    }
    terminal.assert_nothing_left();
    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(130));
    workdir.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn test_traffic_reaches_the_new_version_before_other_traffic() {
    let workdir = Workdir::new();
    let run = Run::up(&workdir, command(&workdir, &[])).await;
    let split = format!("{}split", run.url("# gateway/1, port 9080"));
    let load = Load::start(&split);
    let terminal = Workdir::new();
    let deploy = [
        "deploy",
        "--version",
        "2",
        "--strategy",
        "all-at-once,test:hold,mirror:50%",
    ];
    let mut controller = Run::start(&terminal, in_terminal(&terminal, &workdir, &deploy));
    let waiting = "blue 1 at 100%, green 2 at 0%, POST_TEST_TRAFFIC_SHIFT";
    controller
        .wait_for(waiting, |printed| printed.stdout.contains(waiting))
        .await;
    wait_until("a test reaches version 2", async || test_version(&split).await == "2").await;
    for _ in 0..20 {
        assert_eq!(test_version(&split).await, "2");
        assert_eq!(version(&split, None).await, "1");
    }
    // Requests of the load are mirrored, and get the responses of version 1.
    let before = requests_to(&workdir, "green").await;
    wait_until("requests are mirrored", async || {
        requests_to(&workdir, "green").await >= before + 50
    })
    .await;
    let continued = verb(&workdir, &["continue"]).await;
    assert!(
        continued.code == Some(0) && continued.stdout.contains("blue 1 at 0%, green 2 at 100%, CLEAN_UP"),
        "{continued:?}"
    );
    assert_eq!(controller.end().await.code, Some(0));
    assert_eq!(test_version(&split).await, "2");

    // A rollback takes the test traffic back.
    let deploy = ["deploy", "--version", "3", "--strategy", "all-at-once,test:hold"];
    let mut controller = Run::start(&terminal, in_terminal(&terminal, &workdir, &deploy));
    let waiting = "blue 3 at 0%, green 2 at 100%, POST_TEST_TRAFFIC_SHIFT";
    controller
        .wait_for(waiting, |printed| printed.stdout.contains(waiting))
        .await;
    wait_until("a test reaches version 3", async || test_version(&split).await == "3").await;
    let aborted = verb(&workdir, &["abort"]).await;
    assert_eq!(aborted.code, Some(0), "{aborted:?}");
    assert_eq!(controller.end().await.code, Some(1));
    wait_until("a test reaches version 2 again", async || {
        test_version(&split).await == "2"
    })
    .await;

    // A version that fails mirrored requests is rolled back before it has traffic.
    let deploy = [
        "deploy",
        "--version",
        "5",
        "--strategy",
        "all-at-once,test:hold,mirror:100%",
    ];
    let failed = verb(&workdir, &deploy).await;
    assert!(
        failed.code == Some(1)
            && failed.stderr.contains("% of its requests failed")
            && !failed.stdout.contains("PRODUCTION_TRAFFIC_SHIFT"),
        "{failed:?}"
    );
    assert_no_failed_response(&load.stop().await);
    terminal.assert_nothing_left();
    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(130));
    workdir.assert_nothing_left();
}

/// The version that responds to a request with the header of test traffic.
async fn test_version(url: &str) -> String {
    version(url, Some(meshwright::TEST_HEADER)).await
}

async fn version(url: &str, header: Option<&str>) -> String {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = header
        .into_iter()
        .fold(client.get(url), |request, name| request.header(name, "yes"));
    let response = request.send().await.expect("a response").text().await.expect("a text");
    let response: serde_json::Value = serde_json::from_str(&response).expect("JSON");
    response["version"].as_str().expect("a version").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn impossible_commands_fail_and_change_nothing() {
    let workdir = Workdir::new();
    for (arguments, expected) in [
        (
            &["deploy", "--version", "2"][..],
            "nothing was deployed yet: start the application first, in another terminal",
        ),
        (&["abort"], "nothing was deployed yet"),
        (&["deploy", "--version", "x"], "invalid digit found in string"),
        (
            &["deploy", "--version", "2", "--strategy", "slowly"],
            "`slowly` is not a strategy",
        ),
        (
            &["deploy", "--version", "2", "--strategy", "steps:50%,20%,100%"],
            "the steps fall from 50% to 20%",
        ),
        (
            &["deploy", "--version", "2", "--strategy", "steps:5%+1m,50%"],
            "use fixed:50% to stay at 50%",
        ),
    ] {
        let failed = verb(&workdir, arguments).await;
        assert!(
            failed.code != Some(0) && failed.stderr.contains(expected),
            "{arguments:?}: {failed:?}"
        );
    }
    let run = Run::up(&workdir, command(&workdir, &[])).await;
    let twice = verb(&workdir, &[]).await;
    assert!(
        twice.code == Some(1) && twice.stderr.contains("the application is already running"),
        "{twice:?}"
    );
    let failed = verb(&workdir, &["continue"]).await;
    assert!(
        failed.code == Some(1) && failed.stderr.contains("no rollout is in progress"),
        "{failed:?}"
    );

    // An invalid document is quoted and kept.
    std::fs::write(workdir.path("state/state.json"), "{\"nextUpdate\":\"teal\"}")
        .expect("the workdir can be written to");
    let failed = verb(&workdir, &["deploy", "--version", "2"]).await;
    assert!(failed.code == Some(1) && failed.stderr.contains("teal"), "{failed:?}");
    let kept = std::fs::read_to_string(workdir.path("state/state.json")).expect("the state file exists");
    assert_eq!(kept, "{\"nextUpdate\":\"teal\"}");
    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(130));
    workdir.assert_nothing_left();
}

/// The requests to a side, as counted by the Envoys that send them, mirrored ones included.
async fn requests_to(workdir: &Workdir, side: &str) -> u64 {
    let statistics = control_api(workdir, &format!("statistics?node=mesh/bluegreen/virtualNode/{side}")).await;
    let envoys = statistics.as_object().expect("an object").values();
    envoys.map(|counts| counts["ended"].as_u64().expect("a number")).sum()
}

/// A document of the control socket.
async fn control_api(workdir: &Workdir, path: &str) -> serde_json::Value {
    let client = reqwest::Client::builder()
        .no_proxy()
        .unix_socket(workdir.path("state/mesh.sock"));
    let client = client.build().expect("a client");
    let response = client.get(format!("http://meshwright/{path}")).send().await;
    let text = response.expect("a response").text().await.expect("a text");
    serde_json::from_str(&text).expect("JSON")
}

/// The state document in the running template.
async fn running_state(workdir: &Workdir) -> String {
    let template = control_api(workdir, "template").await;
    let value = &template["Resources"]["State"]["Properties"]["Value"];
    value.as_str().expect("a string").to_owned()
}

/// The example, with its state in `workdir`.
fn command(workdir: &Workdir, arguments: &[&str]) -> Command {
    in_terminal(workdir, workdir, arguments)
}

/// The example in another terminal, with its state in `workdir`.
fn in_terminal(terminal: &Workdir, workdir: &Workdir, arguments: &[&str]) -> Command {
    let mut command = terminal.example_named("bluegreen", arguments);
    command.arg("--state").arg(workdir.path("state"));
    command
}

async fn verb(workdir: &Workdir, arguments: &[&str]) -> Ended {
    // Ending a run kills every process of its workdir.
    let terminal = Workdir::new();
    let ended = Run::to_end(&terminal, in_terminal(&terminal, workdir, arguments)).await;
    terminal.assert_nothing_left();
    ended
}

/// Fails if a request that was sent failed. A busy machine sends some too late for the schedule, which are counted as
/// failures of their own.
fn assert_no_failed_response(summary: &Summary) {
    let counts = serde_json::to_value(summary).expect("JSON");
    let (answers, failed) = (&counts["tally"]["answers"], &counts["tally"]["failed"]);
    let statuses: Vec<&String> = answers.as_object().expect("an object").keys().collect();
    assert_eq!(statuses, ["200"], "{summary}");
    let mut causes = failed.as_object().expect("an object").keys();
    assert!(causes.all(|cause| cause == "not-sent"), "{summary}");
    assert_eq!(counts["given_up"], 0, "{summary}");
}

/// 200 requests per second.
struct Load {
    stop: oneshot::Sender<()>,
    running: JoinHandle<Summary>,
}

impl Load {
    fn start(url: &str) -> Self {
        let target = url.parse().expect("a URL");
        let rate = NonZeroU32::new(200).expect("not zero");
        let callers = NonZeroU16::new(64).expect("not zero");
        let plan = traffic::Plan::new(target).with_rate(rate).with_concurrency(callers);
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            let summary = traffic::run(&plan, stopped, std::future::pending(), |_| Ok(())).await;
            summary.expect("the traffic client runs")
        });
        Self { stop, running }
    }

    async fn stop(self) -> Summary {
        self.stop.send(()).expect("the load is running");
        self.running.await.expect("no panic")
    }
}
