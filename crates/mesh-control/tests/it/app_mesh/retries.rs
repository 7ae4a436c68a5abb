//! Retry policies.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use h2::Reason;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::demo_mesh::{Demo, http, http2, marked, with};
use crate::harness::{Behaviour, MeshNode, ReservedPort, TcpUpstream, Upstream};

/// A route to `blue` with this number of retries after these HTTP events.
fn retrying(times: u32, after: &[&str]) -> Value {
    with(all(), "retryPolicy", events(times, after))
}

fn events(times: u32, after: &[&str]) -> Value {
    policy(times, &json!({"httpRetryEvents": after}))
}

fn all() -> Value {
    http(json!({"prefix": "/"}), &[("blue", 1)])
}

fn policy(times: u32, more: &Value) -> Value {
    let mut policy = json!({"maxRetries": times, "perRetryTimeout": {"unit": "s", "value": 5}});
    for (key, value) in more.as_object().expect("an object") {
        policy[key] = value.clone();
    }
    policy
}

/// The tasks of `blue`, and a caller with this route.
async fn mesh_with_route(route: Value, tasks: &[SocketAddr]) -> (Demo, MeshNode) {
    let demo = Demo::with_routes(&[("all", route)]).await;
    demo.set_endpoints("blue", tasks);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    (demo, caller)
}

#[tokio::test]
async fn a_request_is_retried_up_to_max_retries() {
    let cases = [
        (Value::Null, 503, 3),
        (Value::Null, 500, 1),
        (events(0, &["server-error"]), 503, 1),
        (events(3, &["server-error"]), 500, 4),
        (events(1, &["server-error"]), 511, 2),
        (events(1, &["server-error"]), 509, 1),
        (events(1, &["gateway-error"]), 504, 2),
        (events(1, &["gateway-error"]), 502, 2),
        (events(1, &["gateway-error"]), 500, 1),
        (events(1, &["client-error"]), 409, 2),
        (events(1, &["client-error"]), 404, 1),
        (events(1, &["client-error"]), 503, 1),
        (events(1, &["client-error", "gateway-error"]), 503, 2),
    ];
    let routes: Vec<(String, Value)> = cases
        .iter()
        .enumerate()
        .map(|(case, (policy, ..))| {
            let route = http(json!({"prefix": format!("/{case}/")}), &[("blue", 1)]);
            let has_none = policy.is_null();
            let route = if has_none {
                route
            } else {
                with(route, "retryPolicy", policy.clone())
            };
            (format!("case-{case}"), route)
        })
        .collect();
    let routes: Vec<(&str, Value)> = routes
        .iter()
        .map(|(name, route)| (name.as_str(), route.clone()))
        .collect();
    let demo = Demo::with_routes(&routes).await;
    let blue = Upstream::start("blue", Behaviour::StatusInPath).await;
    demo.set_endpoints("blue", &[blue.address]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    for (case, (policy, status, tries)) in cases.into_iter().enumerate() {
        let before = blue.requests();
        let response = caller.get("shop.demo", &format!("/{case}/{status}")).await;
        assert_eq!(marked(&response), (status, None), "{status}, {policy}");
        assert_eq!(blue.requests() - before, tries, "{status}, {policy}");
    }
}

#[tokio::test]
async fn a_post_is_retried_like_a_get() {
    let blue = Upstream::start("blue", Behaviour::Status(503)).await;
    let (_demo, caller) = mesh_with_route(all(), &[blue.address]).await;
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let post = client.post(format!("http://{}/", caller.egress())).body("a payment");
    let response = caller.response(post.header("host", "shop.demo")).await;
    assert_eq!((response.status, blue.requests()), (503, 3));
}

#[tokio::test]
async fn each_attempt_uses_another_host() {
    let tasks = [
        Upstream::start("blue", Behaviour::Status(500)).await,
        Upstream::start("blue", Behaviour::Status(500)).await,
        Upstream::start("blue", Behaviour::Status(500)).await,
    ];
    let addresses = tasks.each_ref().map(|task| task.address);
    let (_demo, caller) = mesh_with_route(retrying(2, &["server-error"]), &addresses).await;
    assert_eq!(caller.get("shop.demo", "/").await.status, 500);
    assert_eq!(tasks.each_ref().map(Upstream::requests), [1, 1, 1]);
}

#[tokio::test]
async fn broken_connections_are_server_and_gateway_errors() {
    let connection = with(
        all(),
        "retryPolicy",
        policy(2, &json!({"tcpRetryEvents": ["connection-error"]})),
    );
    for (route, tries) in [
        (retrying(2, &["server-error"]), 3),
        (retrying(2, &["gateway-error"]), 3),
        (retrying(2, &["client-error"]), 1),
        (retrying(2, &["stream-error"]), 1),
        (connection, 1),
        (all(), 1),
    ] {
        let blue = TcpUpstream::hanging_up().await;
        let (_demo, caller) = mesh_with_route(route.clone(), &[blue.address]).await;
        let response = caller.get("shop.demo", "/").await;
        assert_eq!(marked(&response), (503, Some("unreachable")), "{route}");
        assert_eq!(blue.connections(), tries, "{route}");
    }
}

#[tokio::test]
async fn a_failed_connection_is_retried_on_another_host() {
    let gone = ReservedPort::pick();
    let healthy = Upstream::start("well", Behaviour::Name).await;
    let retrying = with(
        all(),
        "retryPolicy",
        policy(1, &json!({"tcpRetryEvents": ["connection-error"]})),
    );
    for route in [retrying, all()] {
        let (_demo, caller) = mesh_with_route(route, &[gone.address(), healthy.address]).await;
        for _ in 0..10 {
            assert_eq!(caller.get("shop.demo", "/").await.body, "well");
        }
        let failed = caller
            .envoy
            .stat("cluster.cds_egress_demo_blue_http_8080.upstream_cx_connect_fail");
        assert!(failed.await >= 4, "it received requests");
    }

    let stubborn = with(
        all(),
        "retryPolicy",
        policy(5, &json!({"httpRetryEvents": ["client-error"]})),
    );
    let (_demo, caller) = mesh_with_route(stubborn, &[gone.address()]).await;
    assert_eq!(marked(&caller.get("shop.demo", "/").await), (503, Some("unreachable")));
    caller
        .envoy
        .wait_for_stat("cluster.cds_egress_demo_blue_http_8080.upstream_cx_connect_fail", 1)
        .await;
}

#[tokio::test]
async fn a_refused_stream_is_retried() {
    let all = || http2(json!({"prefix": "/"}), &[("blue", 1)]);
    let after = |event: &str| with(all(), "retryPolicy", policy(4, &json!({"httpRetryEvents": [event]})));
    for (route, tries) in [(after("stream-error"), 5), (after("client-error"), 1), (all(), 3)] {
        let blue = Refusing::start().await;
        let demo = Demo::with_protocol("http2", &[("all", route.clone())]).await;
        demo.set_endpoints("blue", &[blue.address]);
        let caller = MeshNode::calling(&demo.mesh, "caller").await;
        let response = caller.get("shop.demo", "/").await;
        assert_eq!(marked(&response), (503, Some("unreachable")), "{route}");
        assert_eq!(*blue.streams.borrow(), tries, "{route}");
    }
}

#[tokio::test]
async fn each_attempt_has_a_timeout_within_that_of_the_route() {
    let soon = json!({"unit": "ms", "value": 100});
    let soon = |events: &[&str]| json!({"perRetryTimeout": soon, "httpRetryEvents": events});
    for (events, tries) in [
        (soon(&["server-error"]), 3),
        (soon(&["gateway-error"]), 3),
        (soon(&["client-error"]), 1),
    ] {
        let blue = Upstream::start("blue", Behaviour::Silence).await;
        let (_demo, caller) = mesh_with_route(with(all(), "retryPolicy", policy(2, &events)), &[blue.address]).await;
        let response = caller.get("shop.demo", "/").await;
        assert_eq!(marked(&response), (504, Some("timed-out")), "{events}");
        assert_eq!(blue.requests(), tries, "{events}");
    }

    let silent = Upstream::start("silent", Behaviour::Silence).await;
    let healthy = Upstream::start("well", Behaviour::Name).await;
    let route = with(all(), "retryPolicy", policy(1, &soon(&["gateway-error"])));
    let (_demo, caller) = mesh_with_route(route, &[silent.address, healthy.address]).await;
    for _ in 0..4 {
        assert_eq!(caller.get("shop.demo", "/").await.body, "well");
    }
    assert!(silent.requests() > 0, "it received requests");

    let route = with(all(), "retryPolicy", policy(1000, &soon(&["gateway-error"])));
    let route = with(route, "timeout", json!({"perRequest": {"unit": "ms", "value": 250}}));
    let (_demo, caller) = mesh_with_route(route, &[silent.address]).await;
    let (before, begun) = (silent.requests(), Instant::now());
    let response = caller.get("shop.demo", "/").await;
    assert_eq!(marked(&response), (504, Some("timed-out")));
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());
    let tries = silent.requests() - before;
    assert!((1..=3).contains(&tries), "{tries}");
}

/// An HTTP/2 application that refuses every stream.
struct Refusing {
    address: SocketAddr,
    streams: watch::Sender<usize>,
    server: JoinHandle<()>,
}

impl Refusing {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let streams = watch::Sender::new(0);
        let count = streams.clone();
        let server = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let mut connection = h2::server::handshake(connection).await.expect("HTTP/2");
                let count = count.clone();
                tokio::spawn(async move {
                    while let Some(Ok((_, mut stream))) = connection.accept().await {
                        count.send_modify(|count| *count += 1);
                        stream.send_reset(Reason::REFUSED_STREAM);
                    }
                });
            }
        });
        Self {
            address,
            streams,
            server,
        }
    }
}

impl Drop for Refusing {
    fn drop(&mut self) {
        self.server.abort();
    }
}
