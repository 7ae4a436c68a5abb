//! Commands on a mesh that runs in another terminal.

use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value as Json;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::http::body;
use crate::run::{Run, TIMEOUT};
use crate::template::{changed, container};
use crate::workdir::Workdir;

async fn meshwright(workdir: &Workdir, arguments: &[&str]) -> Output {
    let output = workdir.meshwright(arguments).output();
    let output = tokio::time::timeout(TIMEOUT, output).await;
    output.expect("it ends in time").expect("it was built")
}

/// Standard output of a command that succeeds.
async fn done(workdir: &Workdir, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } = meshwright(workdir, arguments).await;
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{arguments:?}: {stderr}");
    String::from_utf8(stdout).expect("UTF-8")
}

async fn json(workdir: &Workdir, arguments: &[&str]) -> Json {
    let text = done(workdir, &[arguments, &["--json"]].concat()).await;
    let json: Json = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["version"], 1);
    json
}

/// Exit code and standard error of a command that fails.
async fn failed(workdir: &Workdir, arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = meshwright(workdir, arguments).await;
    (status.code(), String::from_utf8(stderr).expect("UTF-8"))
}

/// The names and statuses of all tasks.
async fn tasks(workdir: &Workdir) -> Vec<(String, String)> {
    let document = json(workdir, &["ps"]).await;
    let tasks = document["tasks"].as_array().expect("a list").iter();
    let text = |value: &Json| value.as_str().expect("a text").to_owned();
    tasks.map(|task| (text(&task["task"]), text(&task["status"]))).collect()
}

fn running(names: &[&str]) -> Vec<(String, String)> {
    let all = names.iter();
    all.map(|name| ((*name).to_owned(), "RUNNING".to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_mesh_is_listed_and_changed_from_another_terminal() {
    let workdir = Workdir::new();
    let mut run = Run::up(&workdir, workdir.example_named("appmesh", &[])).await;
    let names = ["blue/1", "gateway/1", "green/1"];
    assert_eq!(tasks(&workdir).await, running(&names));
    let document = json(&workdir, &["ps"]).await;
    assert_eq!(document["mesh"]["name"], "appmesh");
    assert_eq!(document["tasks"][0]["health"], "HEALTHY");
    let table = done(&workdir, &["ps"]).await;
    assert!(table.starts_with("mesh appmesh (pid "), "{table}");
    for name in names {
        assert_eq!(table.matches(&format!("\n{name} ")).count(), 1, "{table}");
    }

    let proxies = json(&workdir, &["proxies"]).await;
    let proxies = proxies["proxies"].as_array().expect("a list");
    assert!(proxies.iter().all(|proxy| proxy["settled"] == true), "{proxies:#?}");
    assert_eq!(
        done(&workdir, &["proxies"]).await.matches("  ACK  ").count(),
        proxies.len()
    );

    // The mesh and the command both print the change.
    let before = json(&workdir, &["weights", "split"]).await;
    assert_eq!(before["before"], before["after"]);
    let weights = done(&workdir, &["weights", "split", "blue=0", "green=100"]).await;
    assert!(weights.contains("  blue 50 → 0\n  green 50 → 100\n"), "{weights}");
    run.wait_for("the change", |printed| {
        printed.stderr.contains("blue 50 → 0, green 50 → 100")
    })
    .await;
    let url = run.url("# gateway/1, port 9080");
    for _ in 0..20 {
        assert!(body(&format!("{url}split")).await.contains("green"));
    }

    let url = format!("{url}split/downstream/blue.appmesh");
    let traced = json(&workdir, &["trace", &url]).await;
    assert_eq!((&traced["status"], &traced["isComplete"]), (&200.into(), &true.into()));
    let path = traced["path"].as_str().expect("a text");
    assert!(
        path.starts_with("you → envoy of gateway/1 → envoy of green/1 → green/1 → "),
        "{path}"
    );
    let text = done(&workdir, &["trace", "green/downstream/blue.appmesh", "-H", "x-test: 1"]).await;
    assert!(
        text.starts_with("200 in ") && text.contains("\nenvoy of green/1 "),
        "{text}"
    );

    let scaled = json(&workdir, &["scale", "green", "2"]).await;
    assert_eq!(scaled["started"], serde_json::json!(["green/2"]));
    assert_eq!(
        tasks(&workdir).await,
        running(&["blue/1", "gateway/1", "green/1", "green/2"])
    );
    assert!(
        done(&workdir, &["restart", "green/1"])
            .await
            .contains("started green/3; stopped green/1")
    );
    assert_eq!(
        tasks(&workdir).await,
        running(&["blue/1", "gateway/1", "green/2", "green/3"])
    );

    let killed = json(&workdir, &["kill", "blue/1"]).await;
    assert_eq!(killed["pids"].as_array().map(Vec::len), Some(1));
    run.wait_for("the failure", |printed| {
        printed.stderr.contains("blue/1: container app was killed (SIGKILL)")
    })
    .await;
    done(&workdir, &["wait"]).await;
    let document = json(&workdir, &["ps"]).await;
    assert_eq!(document["tasks"][0]["restarts"], 1);
    assert_eq!(
        document["tasks"][0]["lastFailure"],
        "container app was killed (SIGKILL)"
    );

    let own = done(&workdir, &["exec", "blue/1", "--", "sh", "-c", "echo $SERVICE_NAME"]).await;
    assert_eq!(own, "blue\n");
    let logs = done(&workdir, &["logs", "blue", "--grep", "running on port"]).await;
    assert_eq!(logs.lines().count(), 2, "once in each run: {logs}");
    assert!(logs.starts_with("blue/1 app | "), "{logs}");

    for (arguments, expected) in [
        (
            &["kill", "blue/9"][..],
            "error: there is no task `blue/9`; did you mean `blue/1`?\n",
        ),
        (
            &["trace", "nope/x"],
            "error: `nope/x` is neither a URL nor a service with one port and a path, such as api/users\n",
        ),
        (
            &["scale", "blu", "1"],
            "error: there is no service `blu`; did you mean `blue`?\n",
        ),
        (
            &["weights", "splat", "blue=1"],
            "error: there is no route `splat`; did you mean `split`?\n",
        ),
        (
            &["weights", "split", "bleu=1"],
            "error: there is no target `bleu`; did you mean `blue`?\n",
        ),
        (
            &["logs", "nope"],
            "error: there is no log of `nope`; there are blue/1 app, ",
        ),
    ] {
        let (code, stderr) = failed(&workdir, arguments).await;
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.starts_with(expected), "{stderr}");
    }
    let (code, stderr) = failed(&workdir, &["scale", "blue", "1000"]).await;
    assert_eq!(
        (code, stderr.as_str()),
        (Some(1), "error: 1000 tasks of blue are more than 100\n")
    );
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_loses_no_request() {
    let workdir = Workdir::new();
    let run = Run::up(&workdir, workdir.example_named("appmesh", &[])).await;
    let url = format!("{}split", run.url("# gateway/1, port 9080"));
    let top = async {
        let table = json(&workdir, &["top", "--once", "-i", "3s"]).await;
        let edges = table["edges"].as_array().expect("a list").clone();
        let find = |from: &str, to: &str| {
            let found = edges.iter().find(|edge| edge["from"] == from && edge["to"] == to);
            found.unwrap_or_else(|| panic!("{from} → {to} in {edges:#?}")).clone()
        };
        for to in ["blue", "green"] {
            let edge = find("gateway", to);
            assert!(edge["requestsPerSecond"].as_f64().expect("a number") > 1.0, "{edge}");
            assert_eq!(edge["failuresPerSecond"].as_f64(), Some(0.0));
            assert!(
                edge["p50"].as_f64().is_some() && edge["p99"].as_f64() >= edge["p50"].as_f64(),
                "{edge}"
            );
        }
    };
    let calls = async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let started = Instant::now();
        let mut statuses = Vec::new();
        while started.elapsed() < Duration::from_secs(8) {
            let response = client.get(&url).send().await.expect("the gateway responds");
            statuses.push(response.status().as_u16());
        }
        statuses
    };
    let restarts = async {
        top.await;
        for service in ["blue", "green"] {
            done(&workdir, &["restart", service]).await;
        }
    };
    let (statuses, ()) = tokio::join!(calls, restarts);
    assert!(statuses.len() > 50, "{}", statuses.len());
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(tasks(&workdir).await, running(&["blue/2", "gateway/1", "green/2"]));
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mesh_in_the_background_is_waited_for_and_stopped() {
    let workdir = Workdir::new();
    let (code, stderr) = failed(&workdir, &["ps"]).await;
    let none = "error: no mesh runs on this machine; start one with `meshwright up`\n";
    assert_eq!((code, stderr.as_str()), (Some(1), none));
    let file = changed(&workdir, |_| {}).display().to_string();
    let table = done(&workdir, &["up", "-d", "--name", "demo", "--template", &file]).await;
    assert!(table.starts_with("mesh demo (pid "), "{table}");
    done(&workdir, &["wait", "--for", "settled", "--timeout", "30s"]).await;
    let mut following = workdir.meshwright(&["logs", "-f"]).spawn().expect("it was built");
    let mut lines = BufReader::new(following.stdout.take().expect("it is piped")).lines();
    let first = lines.next_line().await.expect("readable").expect("a line");
    assert!(first.starts_with("blue/1 app | "), "{first}");
    assert_eq!(done(&workdir, &["down", "--mesh", "demo"]).await, "mesh demo stopped\n");
    // The mesh ends, and so does the command that follows its logs.
    while lines.next_line().await.expect("readable").is_some() {}
    assert!(following.wait().await.expect("it ends").success());
    workdir.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mesh_that_does_not_start_in_the_background_is_reported() {
    let workdir = Workdir::new();
    let (code, stderr) = failed(&workdir, &["up", "-d", "--template", "missing.yaml"]).await;
    assert_eq!(code, Some(1));
    assert!(stderr.starts_with("error: cannot read missing.yaml"), "{stderr}");
    let broken = |template: &mut Json| {
        for service in ["Blue", "Green"] {
            let container = container(template, service);
            container["Image"] = "team/app:1".into();
            container.as_object_mut().expect("an object").remove("HealthCheck");
        }
    };
    let file = changed(&workdir, broken).display().to_string();
    let image = "team/app=sh -c 'echo no database; exit 3'";
    let (code, stderr) = failed(&workdir, &["up", "-d", "--template", &file, "--image", image]).await;
    assert_eq!(code, Some(1));
    assert!(
        stderr.starts_with("error: the mesh did not start; the end of its output, "),
        "{stderr}"
    );
    assert!(stderr.contains("no database"), "{stderr}");
    workdir.assert_nothing_left();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_several_meshes_is_chosen() {
    let workdir = Workdir::new();
    let file = changed(&workdir, |_| {}).display().to_string();
    let up = |name: &str| workdir.meshwright(&["up", "--name", name, "--template", &file]);
    let one = Run::up(&workdir, up("one")).await;
    let two = Run::up(&workdir, up("two")).await;
    let (code, stderr) = failed(&workdir, &["ps", "--mesh", "three"]).await;
    assert_eq!(code, Some(2));
    assert!(
        stderr.starts_with("error: no mesh `three` runs on this machine; there are:\n    one (pid "),
        "{stderr}"
    );
    // Both were started in this directory.
    let (code, stderr) = failed(&workdir, &["ps"]).await;
    assert_eq!(code, Some(2));
    assert!(
        stderr.starts_with("error: several meshes run on this machine; choose one with --mesh NAME"),
        "{stderr}"
    );
    assert_eq!(json(&workdir, &["ps", "--mesh", "two"]).await["mesh"]["name"], "two");
    done(&workdir, &["down", "--mesh", "one"]).await;
    assert_eq!(json(&workdir, &["ps"]).await["mesh"]["name"], "two");
    done(&workdir, &["down"]).await;
    for run in [one, two] {
        assert_eq!(run.end().await.code, Some(130));
    }
    workdir.assert_nothing_left();
}

#[tokio::test]
async fn completions_and_manual_pages_have_every_command() {
    let workdir = Workdir::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = done(&workdir, &["completions", shell]).await;
        for command in ["up", "logs", "weights"] {
            assert!(script.contains(command), "{shell}");
        }
    }
    let bash = workdir.file("completions", &done(&workdir, &["completions", "bash"]).await);
    let loaded = tokio::process::Command::new("bash").arg("-n").arg(bash).status().await;
    assert!(loaded.expect("bash is installed").success());
    let manual = workdir.path("manual").display().to_string();
    done(&workdir, &["manual", &manual]).await;
    let page = std::fs::read_to_string(workdir.path("manual/meshwright-logs.1")).expect("a page");
    assert!(page.contains("Print the logs of containers"), "{page}");
    let (code, stderr) = failed(&workdir, &["manual", "/dev/null/x"]).await;
    assert_eq!(code, Some(1));
    assert!(
        stderr.starts_with("error: cannot write the manual pages to /dev/null/x: "),
        "{stderr}"
    );
}

#[tokio::test]
async fn the_doctor_checks_the_machine() {
    let workdir = Workdir::new();
    let document = json(&workdir, &["doctor"]).await;
    let checks = document["checks"].as_array().expect("a list");
    let envoy = checks.iter().find(|check| check["name"] == "Envoy").expect("a check");
    assert_eq!(envoy["result"], "found");
    let mut command = workdir.meshwright(&["doctor"]);
    let output = command
        .env("ENVOY_BIN", "/bin/false")
        .output()
        .await
        .expect("it was built");
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(stderr, "error: this machine cannot run a mesh: Envoy\n");
    assert!(String::from_utf8_lossy(&output.stdout).contains("missing  Envoy (running a mesh"));
    workdir.assert_nothing_left();
}
