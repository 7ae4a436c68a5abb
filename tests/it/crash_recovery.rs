//! Crash recovery: processes of a running mesh are killed under load.

use std::path::PathBuf;

use rustix::process::Signal;
use testkit::wait_until;

use crate::http::{FETCHED, Load, responds_with};
use crate::run::{Run, send};
use crate::workdir::Workdir;

/// Events that contain the process id of a task's container and Envoy.
const APP: &str = "container app started";
const ENVOY: &str = "Envoy ready after";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_a_process_of_one_of_two_tasks_is_killed() {
    let workdir = Workdir::new();
    let mut run = Run::up(&workdir, workdir.example(&[])).await;
    for (round, part) in [APP, ENVOY].into_iter().enumerate() {
        let load = Load::start(&run.url("/downstream/blue.serviceconnect"), FETCHED);
        both_tasks_are_called(&run).await;
        send(run.pid(&format!("blue/1: {part}")), Signal::KILL);
        run.wait_for_lines(round + 2, "blue/1: running after ", "").await;
        both_tasks_are_called(&run).await;
        let counters = load.stop().await;
        assert!(counters.calls > 0, "{counters:?}");
        assert!(
            counters.failures.is_empty(),
            "after the loss of `{part}`: {counters:#?}"
        );
    }
    let stderr = run.printed().stderr;
    for reason in [
        "blue/1: container app was killed (SIGKILL); restarting the task\n",
        "blue/1: its Envoy was killed (SIGKILL); restarting the task in 0.2 s\n",
    ] {
        assert!(stderr.contains(reason), "no `{reason}` in:\n{stderr}");
    }
    assert!(
        !stderr.contains("blue/2: container app was") && !stderr.contains("blue/2: its Envoy"),
        "{stderr}"
    );
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_only_task_restarts_at_its_address() {
    let workdir = Workdir::new();
    let mut run = Run::up(&workdir, workdir.example(&[])).await;
    let url = run.url("/downstream/blue.serviceconnect");
    for (round, part) in [APP, ENVOY].into_iter().enumerate() {
        send(run.pid(&format!("green/1: {part}")), Signal::KILL);
        run.wait_for_lines(round + 2, "green/1: running after ", "").await;
        wait_until("green responds again at the same URL", async || {
            responds_with(&url, FETCHED).await
        })
        .await;
    }
    run.stop().await;
}

/// Waits until the Envoys of both blue tasks have taken further requests, as they write down each.
async fn both_tasks_are_called(run: &Run<'_>) {
    let logs = PathBuf::from(run.logs());
    for task in ["blue-1", "blue-2"] {
        let written = || std::fs::metadata(logs.join(task).join("access.jsonl")).map_or(0, |file| file.len());
        let before = written();
        wait_until(&format!("{task} is called"), async || written() > before).await;
    }
}
