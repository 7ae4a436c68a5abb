//! Timeouts of requests and connections.

use std::time::{Duration, Instant};

use mesh_control::node::tcp_egress_listener;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::demo_mesh::{
    Demo, PORT, by_node, by_router, caller, http, marked, node_with, node_with_protocol, router, to, with,
};
use crate::harness::{Behaviour, MeshNode, TcpUpstream, Upstream};

/// The minimum duration of a timeout of [`soon`]. Envoy's clock and the test's may differ by a millisecond.
const SOON: Duration = Duration::from_millis(100);

fn soon() -> Value {
    json!({"unit": "ms", "value": 150})
}

fn never() -> Value {
    json!({"unit": "s", "value": 0})
}

#[tokio::test]
async fn the_route_timeout_holds_at_the_callers_envoy() {
    for limit in [
        json!({"perRequest": soon()}),
        json!({"perRequest": never(), "idle": soon()}),
    ] {
        let route = with(http(json!({"prefix": "/"}), &[("blue", 1)]), "timeout", limit.clone());
        let demo = Demo::with_routes(&[("all", route)]).await;
        let blue = Upstream::start("blue", Behaviour::Silence).await;
        demo.set_endpoints("blue", &[blue.address]);
        let caller = MeshNode::calling(&demo.mesh, "caller").await;
        let response = caller.get("shop.demo", "/").await;
        assert_eq!(marked(&response), (504, Some("timed-out")), "{limit}");
        assert_eq!(blue.requests(), 1, "{limit}");
    }
}

#[tokio::test]
async fn the_listener_timeout_holds_at_the_applications_envoy() {
    for limit in [
        json!({"perRequest": soon()}),
        json!({"perRequest": never(), "idle": soon()}),
    ] {
        let limited = node_with("blue", &json!({"timeout": {"http": limit}}));
        let demo = Demo::start(&[("virtualNode/blue", limited)]).await;
        let application = Upstream::start("blue", Behaviour::Silence).await;
        let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
        let response = blue.get_at(PORT, "blue.demo", "/").await;
        assert_eq!(marked(&response), (504, Some("timed-out")), "{limit}");
    }
}

#[tokio::test]
async fn without_a_router_the_listener_timeout_holds_for_callers() {
    let limited = node_with("blue", &json!({"timeout": {"http": {"perRequest": soon()}}}));
    let demo = Demo::start(&[
        ("virtualNode/caller", caller(&["shop.demo"])),
        ("virtualNode/blue", limited),
        ("virtualService/shop.demo", by_node("blue")),
    ])
    .await;
    // The application itself, without an Envoy that could respond.
    let blue = Upstream::start("blue", Behaviour::Silence).await;
    demo.set_endpoints("blue", &[blue.address]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    let begun = Instant::now();
    assert_eq!(marked(&caller.get("shop.demo", "/").await), (504, Some("timed-out")));
    assert!(begun.elapsed() >= SOON);
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let limited = node_with("blue", &json!({"timeout": {"http": {"idle": soon()}}}));
    let demo = Demo::start(&[("virtualNode/blue", limited)]).await;
    let application = Upstream::start("blue", Behaviour::Name).await;
    let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
    let mut connection = TcpStream::connect(blue.ingress(PORT)).await.expect("Envoy listens");
    let request = b"GET / HTTP/1.1\r\nhost: blue.demo\r\n\r\n";
    connection.write_all(request).await.expect("Envoy reads");
    let mut response = String::new();
    let ends = connection.read_to_string(&mut response);
    tokio::time::timeout(Duration::from_secs(20), ends)
        .await
        .expect("it ends")
        .expect("a text");
    assert!(
        response.starts_with("HTTP/1.1 200 OK") && response.ends_with("blue"),
        "{response}"
    );
}

/// Timeouts of requests and connections.
async fn time_until_closed(mut connection: TcpStream) -> Duration {
    let begun = Instant::now();
    let mut buffer = Vec::new();
    let ends = connection.read_to_end(&mut buffer);
    let ended = tokio::time::timeout(Duration::from_secs(20), ends).await;
    ended.expect("it ends").expect("in good order");
    begun.elapsed()
}

#[tokio::test]
async fn idle_tcp_connections_are_closed_on_either_side() {
    let route = json!({"tcpRoute": {"action": to(&[("blue", 1)]), "timeout": {"idle": soon()}}});
    let limited = node_with_protocol("green", "tcp", &json!({"timeout": {"tcp": {"idle": soon()}}}));
    let demo = Demo::start(&[
        ("virtualNode/caller", caller(&["ledger.demo", "green.demo"])),
        ("virtualNode/blue", node_with_protocol("blue", "tcp", &json!({}))),
        ("virtualNode/green", limited),
        ("virtualService/ledger.demo", by_router("ledger")),
        ("virtualService/green.demo", by_node("green")),
        ("virtualRouter/ledger", router("tcp")),
        ("virtualRouter/ledger/route/all", route),
    ])
    .await;
    let application = TcpUpstream::start("ledger").await;
    demo.set_endpoints("blue", &[application.address]);
    demo.set_endpoints("green", &[application.address]);
    let listeners = [
        tcp_egress_listener("ledger.demo", 9000),
        tcp_egress_listener("green.demo", PORT),
    ];
    let caller = MeshNode::start(&demo.mesh, "virtualNode/caller", &listeners, &[]).await;
    let green = MeshNode::serving(&demo.mesh, "green", &[(PORT, application.address)]).await;
    let [by_route, by_node] = listeners.map(|name| caller.listener(&name));
    for at in [by_route, by_node, green.ingress(PORT)] {
        let connection = TcpStream::connect(at).await.expect("Envoy listens");
        assert!(time_until_closed(connection).await >= SOON, "{at}");
    }

    // A connection with traffic stays open.
    let mut connection = TcpStream::connect(by_route).await.expect("Envoy listens");
    let mut received = [0; 6];
    connection.read_exact(&mut received).await.expect("a name");
    let begun = Instant::now();
    while begun.elapsed() < SOON * 5 {
        connection.write_all(b"x").await.expect("still open");
        connection.read_exact(&mut received[..1]).await.expect("still open");
    }
}

#[tokio::test]
async fn very_long_timeouts_are_capped() {
    let longest = json!({"unit": "s", "value": i64::MAX});
    let route = http(json!({"prefix": "/"}), &[("blue", 1)]);
    let route = with(route, "timeout", json!({"perRequest": longest, "idle": longest}));
    let retries = json!({"maxRetries": i64::MAX, "perRetryTimeout": longest, "httpRetryEvents": ["server-error"]});
    let demo = Demo::with_routes(&[("all", with(route, "retryPolicy", retries))]).await;
    let detection = json!({"outlierDetection": {
        "maxServerErrors": i64::MAX, "interval": longest, "baseEjectionDuration": longest, "maxEjectionPercent": 100,
    }});
    demo.put(&[("virtualNode/blue", node_with("blue", &detection))]);
    let blue = Upstream::start("blue", Behaviour::Name).await;
    demo.set_endpoints("blue", &[blue.address]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    assert_eq!(demo.settled(1).await, Vec::<String>::new());
    assert_eq!(caller.get("shop.demo", "/").await.body, "blue");
}
