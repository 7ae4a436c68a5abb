//! A serving mesh, called from outside at its printed addresses.

use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use serde_json::Value;

use crate::http::{BLUE, FETCHED, GREEN, Load, body, get};
use crate::run::Run;
use crate::workdir::Workdir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_printed_address_responds() {
    let workdir = Workdir::new();
    let run = Run::up(&workdir, workdir.example(&[])).await;
    let mode = std::fs::metadata(run.logs())
        .expect("the directory of the logs")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700, "its files are private to the user");
    // The runner, and an application and an Envoy for each of three tasks. Health checks may be running as well.
    let processes = workdir.command_lines();
    assert!((7..=10).contains(&processes.len()), "{processes:#?}");
    assert!(std::path::Path::new(&run.logs()).starts_with(workdir.tmpdir()));

    let (green, fetched) = (
        run.url("# green/1, port http"),
        run.url("/downstream/blue.serviceconnect"),
    );
    assert_eq!(fetched, format!("{green}downstream/blue.serviceconnect"));
    assert_eq!(body(&green).await, GREEN);
    assert_eq!(body(&fetched).await, FETCHED);
    for task in ["blue/1", "blue/2"] {
        assert_eq!(body(&run.url(&format!("# {task}, port http"))).await, BLUE);
    }
    status_page_shows_settled_envoys(&run).await;
    only_names_of_the_mesh_are_called(&green).await;
    unknown_names_are_errors_that_name_the_known_ones(&green).await;

    run.signal(Signal::INT);
    let ended = run.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    for line in [
        "SIGINT: stopping",
        "blue/1: stopped",
        "blue/2: stopped",
        "green/1: stopped",
    ] {
        assert!(ended.stderr.contains(line), "no `{line}` in {ended:?}");
    }
    assert!(!ended.stderr.contains("error"), "{ended:?}");
    workdir.assert_nothing_left();
}

async fn status_page_shows_settled_envoys(run: &Run<'_>) {
    let url = run.url("# ACKs and NACKs of each Envoy");
    let page = body(&url).await;
    let status: Value = serde_json::from_str(&page).expect("the status is JSON");
    let nodes = status["nodes"].as_array().unwrap_or_else(|| panic!("{page}"));
    let mut tasks: Vec<&str> = nodes.iter().filter_map(|node| node["task"].as_str()).collect();
    tasks.sort_unstable();
    let load_balancer = "load-balancer.serviceconnect-EntranceLoadBalancer/1";
    assert_eq!(tasks, ["blue/1", "blue/2", "green/1", load_balancer], "{page}");
    for node in nodes {
        // Before usage hints are printed, every Envoy has the configuration of every task.
        assert_eq!(
            (&node["settled"], &node["revision"]),
            (&true.into(), &4.into()),
            "{page}"
        );
        assert_eq!(node["notes"], serde_json::json!([]), "{page}");
        // A network load balancer has no routes.
        let kinds = ["clusters", "endpoints", "listeners", "routes"];
        let kinds = kinds
            .into_iter()
            .filter(|kind| *kind != "routes" || node["task"] != load_balancer);
        for kind in kinds {
            assert_eq!(node[kind]["rejected"], serde_json::json!([]), "{kind} in {page}");
        }
    }
}

/// Clients choose the name that green calls, so green must not become an open proxy.
async fn only_names_of_the_mesh_are_called(green: &str) {
    for name in [
        "localhost",
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "169.254.169.254",
        "[::1]",
        "example.com",
        "blue",
        "serviceconnect.evil.example",
        "blue.serviceconnect:22",
        "blue.serviceconnect@127.0.0.1",
        "blue%2eserviceconnect",
        "127.0.0.1:9901",
    ] {
        let url = format!("{green}downstream/{name}");
        let (status, body) = get(&url).await.expect("a response");
        assert_eq!(status, 400, "{name}: {body}");
        let document: Value = serde_json::from_str(&body).expect("a JSON document");
        let message = document["error"].as_str().unwrap_or_else(|| panic!("{body}"));
        assert!(message.contains("cannot be called: "), "{body}");
    }
}

async fn unknown_names_are_errors_that_name_the_known_ones(green: &str) {
    let (status, body) = get(&format!("{green}downstream/nope.serviceconnect"))
        .await
        .expect("a response");
    assert_eq!(status, 502, "{body}");
    let document: Value = serde_json::from_str(&body).expect("a JSON document");
    let body = document.to_string();
    for word in [
        "no service",
        "nope.serviceconnect",
        "blue.serviceconnect",
        "green.serviceconnect",
    ] {
        assert!(body.contains(word), "no `{word}` in {body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_stops_it_like_ctrl_c_even_under_load() {
    let workdir = Workdir::new();
    let run = Run::up(&workdir, workdir.example(&[])).await;
    let load = Load::start(&run.url("# green/1, port http"), GREEN);
    run.signal(Signal::TERM);
    let ended = run.end().await;
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(ended.stderr.contains("SIGTERM: stopping"), "{ended:?}");
    workdir.assert_nothing_left();
    load.stop().await;
}
