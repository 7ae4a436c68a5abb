//! The live page of a mesh that runs.

use std::time::Duration;

use reqwest::header::{CONTENT_SECURITY_POLICY, HOST};
use reqwest::{Client, Response};
use serde_json::Value as Json;
use testkit::wait_until;

use crate::run::{Run, TIMEOUT};
use crate::template::changed;
use crate::workdir::Workdir;

fn client() -> Client {
    Client::builder().no_proxy().build().expect("a client")
}

/// The URL of the page.
fn page(run: &Run<'_>) -> String {
    let printed = run.printed().stdout;
    let line = printed
        .lines()
        .find_map(|line| line.strip_prefix("The mesh in a browser: "));
    line.expect("the URL of the page").to_owned()
}

/// The changed sections of the next event, by id.
async fn next_event(stream: &mut Response) -> Json {
    let mut text = String::new();
    loop {
        let chunk = tokio::time::timeout(TIMEOUT, stream.chunk()).await.expect("an event");
        text.push_str(&String::from_utf8_lossy(
            &chunk.expect("readable").expect("the stream goes on"),
        ));
        let event = text.split_once("\n\n").map(|(event, _)| event);
        if let Some(data) = event.and_then(|event| event.strip_prefix("data: ")) {
            return serde_json::from_str(data).expect("JSON");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_the_mesh_and_what_changes() {
    let workdir = Workdir::new();
    let run = Run::up(&workdir, workdir.example_named("appmesh", &[])).await;
    let (client, url) = (client(), page(&run));
    let response = client.get(&url).send().await.expect("a response");
    let policy = response.headers()[CONTENT_SECURITY_POLICY]
        .to_str()
        .expect("a text")
        .to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{policy}");
    let html = response.text().await.expect("a page");
    for expected in [
        "<title>Mesh appmesh</title>",
        "blue: 1 of 1 tasks running",
        "mesh/demo/virtualGateway/gateway",
        "ACK",
    ] {
        assert!(html.contains(expected), "{expected} in {html}");
    }
    for asset in ["page.js", "page.css"] {
        let asset = client.get(format!("{url}{asset}")).send().await.expect("a response");
        assert!(asset.status().is_success());
    }

    let mut events = client.get(format!("{url}events")).send().await.expect("a stream");
    let all = next_event(&mut events).await;
    let sections: Vec<&String> = all.as_object().expect("sections").keys().collect();
    assert_eq!(sections, ["map", "calls", "tasks", "proxies"]);
    let gateway = run.url("# gateway/1, port 9080");
    let output = workdir
        .meshwright(&["weights", "halves", "blue=0", "green=100"])
        .output()
        .await;
    assert!(output.expect("it was built").status.success());
    wait_until("calls appear on the map", async || {
        let called = client.get(format!("{gateway}split")).send().await;
        assert!(called.expect("a response").status().is_success());
        let changed = next_event(&mut events).await;
        changed["map"]
            .as_str()
            .is_some_and(|map| map.contains("gateway → green"))
    })
    .await;
    let kill = workdir.meshwright(&["scale", "green", "2"]).output().await;
    assert!(kill.expect("it was built").status.success());
    wait_until("the new task appears", async || {
        let changed = next_event(&mut events).await;
        changed["tasks"].as_str().is_some_and(|tasks| tasks.contains("green/2"))
    })
    .await;
    run.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_for_this_machine_only() {
    let workdir = Workdir::new();
    let file = changed(&workdir, |_| {}).display().to_string();
    let run = Run::up(&workdir, workdir.meshwright(&["up", "--template", &file])).await;
    let (client, url) = (client(), page(&run));
    let other = client
        .get(&url)
        .header(HOST, "mesh.example")
        .send()
        .await
        .expect("a response");
    assert_eq!(other.status(), 421);
    assert_eq!(
        other.text().await.expect("a text"),
        "this page is for 127.0.0.1 and localhost only"
    );
    let post = client.post(&url).send().await.expect("a response");
    assert_eq!(post.status(), 405);
    let mut open = Vec::new();
    for _ in 0..8 {
        open.push(client.get(format!("{url}events")).send().await.expect("a stream"));
    }
    let more = client.get(format!("{url}events")).send().await.expect("a response");
    assert_eq!(more.status(), 503);
    drop(open);
    wait_until("closed streams make room", async || {
        let stream = client.get(format!("{url}events")).send().await;
        stream.is_ok_and(|stream| stream.status().is_success())
    })
    .await;
    run.stop().await;
    let gone = client.get(&url).timeout(Duration::from_secs(5)).send().await;
    assert!(gone.is_err(), "the page ends with the mesh");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mesh_can_run_without_a_page() {
    let workdir = Workdir::new();
    let file = changed(&workdir, |_| {}).display().to_string();
    let run = Run::up(&workdir, workdir.meshwright(&["up", "--no-page", "--template", &file])).await;
    assert!(!run.printed().stdout.contains("in a browser"));
    run.stop().await;
}
