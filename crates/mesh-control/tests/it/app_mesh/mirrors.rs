//! Mirrored requests: their share, and that they have no effect on the original ones.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header::HOST};
use serde_json::{Value, json};
use testkit::wait_until;
use tokio::net::TcpListener;

use super::demo_mesh::{Demo, http, with};
use crate::harness::{Behaviour, MeshNode, Upstream};

/// All requests go to `blue`, and this percentage is mirrored to `green`.
fn mirrored(percentage: u32) -> Value {
    let route = http(json!({"prefix": "/"}), &[("blue", 1), ("green", 0)]);
    with(
        route,
        "mirrors",
        json!([{"virtualNode": "green", "percentage": percentage}]),
    )
}

async fn start(percentage: u32, green: Behaviour) -> (Demo, Upstream, Upstream, MeshNode) {
    let demo = Demo::with_routes(&[("all", mirrored(percentage))]).await;
    let blue = Upstream::start("blue", Behaviour::Name).await;
    let green = Upstream::start("green", green).await;
    demo.set_endpoints("blue", &[blue.address]);
    demo.set_endpoints("green", &[green.address]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    (demo, blue, green, caller)
}

#[tokio::test]
async fn a_share_of_the_requests_is_mirrored() {
    let (_demo, blue, green, caller) = start(10, Behaviour::Name).await;
    for _ in 0..2000 {
        assert_eq!(caller.get("shop.demo", "/").await.body, "blue");
    }
    assert_eq!(blue.requests(), 2000);
    // Binomial, n = 2000, p = 0.1: mean 200, standard deviation 13.4. By Chernoff's bound, fewer than 2 runs in 10 million
    // are beyond 6 standard deviations.
    green.wait_for_requests(120).await;
    assert!(green.requests() <= 280, "{}", green.requests());
}

#[tokio::test]
async fn responses_of_the_mirror_are_ignored() {
    for behaviour in [Behaviour::Status(500), Behaviour::Silence] {
        let (demo, blue, green, caller) = start(100, behaviour).await;
        for _ in 0..50 {
            let response = caller.get("shop.demo", "/").await;
            assert_eq!(
                (response.status, response.body.as_str()),
                (200, "blue"),
                "{behaviour:?}"
            );
        }
        assert_eq!(blue.requests(), 50, "no request was repeated");
        green.wait_for_requests(50).await;

        // A mirror without tasks.
        demo.set_endpoints("green", &[]);
        for _ in 0..50 {
            assert_eq!(caller.get("shop.demo", "/").await.status, 200, "{behaviour:?}");
        }
    }
}

#[tokio::test]
async fn mirrored_requests_have_the_body_and_the_host_of_the_original() {
    let (demo, _blue, _green, caller) = start(100, Behaviour::Name).await;
    let requests: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
    let record = requests.clone();
    let handler = move |headers: HeaderMap, body: String| async move {
        let host = headers.get(HOST).map_or("", |host| host.to_str().unwrap_or_default());
        record.lock().expect("no panic").push((host.to_owned(), body));
        StatusCode::OK
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    demo.set_endpoints("green", &[listener.local_addr().expect("bound")]);
    // It ends with the runtime of this test.
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
    let body = "a body ".repeat(1000);
    wait_until("a mirrored request arrives", async || {
        let url = format!("http://{}/orders", caller.egress());
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let response = client
            .post(url)
            .header(HOST, "shop.demo")
            .body(body.clone())
            .send()
            .await;
        assert_eq!(response.expect("a response").status(), 200);
        !requests.lock().expect("no panic").is_empty()
    })
    .await;
    let (host, mirrored) = requests.lock().expect("no panic")[0].clone();
    assert_eq!((host.as_str(), mirrored), ("shop.demo", body));
}
