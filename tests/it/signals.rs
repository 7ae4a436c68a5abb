//! Signals: interrupted starts, killed runners and repeated signals leave no process.

use rustix::process::Signal;
use serde_json::{Value, json};
use testkit::wait_until;

use crate::http::{GREEN, responds_with};
use crate::run::Run;
use crate::template::{changed, container, properties};
use crate::workdir::Workdir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_start_is_reported_and_leaves_nothing() {
    // Before anything was started, in the middle of the start, and near its end.
    for moment in ["Envoy 1.", "control plane at ", "Envoy ready after "] {
        for once in [&[][..], &["--once"]] {
            let workdir = Workdir::new();
            let mut run = Run::start(&workdir, workdir.example(once));
            run.wait_for(moment, |printed| printed.stderr.contains(moment)).await;
            run.signal(Signal::INT);
            let ended = run.end().await;
            assert_eq!(ended.code, Some(130), "{moment}: {ended:?}");
            let last = ended.stderr.lines().last().unwrap_or_default();
            assert!(last.starts_with("error: interrupted by SIGINT"), "{moment}: {ended:?}");
            workdir.assert_nothing_left();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_installation_of_envoy_leaves_nothing() {
    let workdir = Workdir::new();
    let cache = workdir.path("cache");
    let is_installing = workdir.path("installing");
    // A Python whose pip hangs. It sets TMPDIR, because pip gets another one, which would hide it from the workdir.
    let hanging = format!(
        "[ \"$1\" = -c ] && echo 3 12 fake && exit
export PATH=/usr/bin:/bin TMPDIR={}
sleep 1000 &
touch {}
sleep 1000",
        workdir.tmpdir().display(),
        is_installing.display()
    );
    let python = workdir.script("python3", &hanging).await;
    let mut command = workdir.example(&["--once"]);
    command
        .env_remove("ENVOY_BIN")
        .env("PATH", "")
        .env("PYTHON", python)
        .env("XDG_CACHE_HOME", &cache);
    let run = Run::start(&workdir, command);
    wait_until("pip is running", async || is_installing.exists()).await;
    run.signal(Signal::TERM);
    let ended = run.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    let last = ended.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("error: interrupted by SIGTERM"), "{ended:?}");
    workdir.assert_nothing_left();
    let install_dir = cache.join("meshwright/envoy/1.40.0");
    let entries = install_dir.read_dir().expect("the directory of the installation");
    let names: Vec<_> = entries.map(|entry| entry.expect("readable").file_name()).collect();
    assert_eq!(names, [".lock"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn children_die_with_a_killed_runner() {
    let workdir = Workdir::new();
    let run = Run::up(&workdir, workdir.example(&[])).await;
    assert!(responds_with(&run.url("# green/1, port http"), GREEN).await);
    run.signal(Signal::KILL);
    let ended = run.end().await;
    assert_eq!(ended.code, None, "{ended:?}");
    wait_until("all its children are gone", async || workdir.processes().is_empty()).await;
    // No process is left to remove the directory of logs and sockets; it is removed with the workdir.
    assert_eq!(workdir.leftover_files().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn simultaneous_signals_count_as_one() {
    let workdir = Workdir::new();
    let run = Run::up(&workdir, workdir.example(&[])).await;
    run.signal(Signal::TERM);
    run.signal(Signal::INT);
    let ended = run.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(!ended.stderr.contains("again"), "{ended:?}");
    // Three tasks, and the load balancer.
    assert_eq!(ended.stderr.matches(": stopped").count(), 4, "{ended:?}");
    workdir.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_signal_kills_the_remaining_processes() {
    let workdir = Workdir::new();
    let file = changed(&workdir, |template: &mut Value| {
        *container(template, "Green") = json!({"Name": "app", "Image": "team/ignores-term"});
        let green = properties(template, "GreenService");
        green["ServiceConnectConfiguration"]["Services"] = json!([]);
        green["LoadBalancers"] = json!([]);
    });
    let file = file.display().to_string();
    let ready_file = workdir.path("ready");
    let image = format!(
        "team/ignores-term=sh -c 'trap \"\" TERM; touch {}; while :; do sleep 1; done'",
        ready_file.display()
    );
    let mut run = Run::up(
        &workdir,
        workdir.meshwright(&["up", "--template", &file, "--image", &image]),
    )
    .await;
    wait_until("the container ignores SIGTERM", async || ready_file.exists()).await;
    run.signal(Signal::INT);
    run.wait_for("both blue tasks stopped", |printed| {
        ["blue/1: stopped", "blue/2: stopped"]
            .iter()
            .all(|line| printed.stderr.contains(line))
    })
    .await;
    // A signal too soon after the first one counts as the same.
    wait_until("a second signal is noticed", async || {
        run.signal(Signal::INT);
        run.printed().stderr.contains("SIGINT again")
    })
    .await;
    let ended = run.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(
        ended.stderr.contains("SIGINT again: killing the remaining processes"),
        "{ended:?}"
    );
    // The kernel needs a moment to end killed processes.
    wait_until("all processes are gone", async || workdir.processes().is_empty()).await;
    workdir.assert_nothing_left();
}
