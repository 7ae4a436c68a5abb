//! HTTP/2: routes, retries, timeouts.

use serde_json::json;
use tonic::codegen::http::Request;

use super::demo_mesh::{Demo, PORT, http, http2, marked, node_with_protocol, with};
use super::http2_fixture::Http2Fixture;
use crate::harness::{Behaviour, CallResponse, Http2Caller, MeshNode, Upstream};

impl Http2Fixture {
    /// Checks that `blue` responds, by HTTP/2 all the way.
    async fn blue_responds(&self, method: &str, path: &str, headers: &[(&str, &str)]) {
        let response = self.ask(method, path, headers).await;
        let expected = format!("blue HTTP/2.0 http://shop.demo{path}");
        assert_eq!(
            (response.status, response.body),
            (200, expected),
            "{method} {path} {headers:?}"
        );
    }

    async fn local_reply_503(&self, method: &str, path: &str, headers: &[(&str, &str)]) {
        let response = self.ask(method, path, headers).await;
        assert_eq!(
            marked(&response),
            (404, Some("no-route")),
            "{method} {path} {headers:?}"
        );
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> CallResponse {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.caller.send(request).await
    }
}

#[tokio::test]
async fn requests_are_matched_as_in_http1() {
    let gold = json!([{"name": "customer", "match": {"exact": "gold"}}]);
    let page = json!([{"name": "page", "match": {"exact": "2"}}]);
    let matches = [
        ("prefix", json!({"prefix": "/prefix"})),
        ("exact", json!({"path": {"exact": "/exact"}})),
        ("regex", json!({"path": {"regex": "/regex/[0-9]+"}})),
        ("method", json!({"prefix": "/method", "method": "PUT"})),
        ("scheme", json!({"prefix": "/scheme", "scheme": "http"})),
        ("no-scheme", json!({"prefix": "/no-scheme", "scheme": "https"})),
        ("header", json!({"prefix": "/header", "headers": gold})),
        ("query", json!({"prefix": "/query", "queryParameters": page})),
    ];
    let routes = matches.map(|(name, matching)| (name, http2(matching, &[("blue", 1)])));
    let fixture = Http2Fixture::with_protocol("http2", &routes).await;
    for (method, path, headers) in [
        ("GET", "/prefix/1", &[][..]),
        ("GET", "/exact", &[]),
        ("GET", "/regex/17", &[]),
        ("PUT", "/method", &[]),
        ("GET", "/scheme", &[]),
        ("GET", "/header", &[("customer", "gold")]),
        ("GET", "/query?page=2", &[]),
    ] {
        fixture.blue_responds(method, path, headers).await;
    }
    for (method, path, headers) in [
        ("GET", "/pre", &[][..]),
        ("GET", "/exact/1", &[]),
        ("GET", "/regex/x", &[]),
        ("POST", "/method", &[]),
        ("GET", "/no-scheme", &[]),
        ("GET", "/header", &[("customer", "golden")]),
        ("GET", "/query?page=22", &[]),
    ] {
        fixture.local_reply_503(method, path, headers).await;
    }
    // HTTP/1.1 callers reach the same applications.
    let response = fixture.client.get("shop.demo", "/exact").await;
    assert_eq!(response.body, "blue HTTP/2.0 http://shop.demo/exact");
}

#[tokio::test]
async fn requests_are_split_by_weight() {
    let fixture = Http2Fixture::with_protocol(
        "http2",
        &[("all", http2(json!({"prefix": "/"}), &[("blue", 1), ("green", 1)]))],
    )
    .await;
    for _ in 0..100 {
        assert_eq!(fixture.caller.get("/").await.status, 200);
    }
    let blue = fixture.blue.requests();
    // Binomial, n = 100, p = 0.5: mean 50, standard deviation 5. Fewer than 2 runs in 10 million are beyond 25.
    assert!((25..=75).contains(&blue), "{blue}");
}

#[tokio::test]
async fn requests_are_retried_and_time_out_as_in_http1() {
    let all = |path: &str| http2(json!({"prefix": path}), &[("blue", 1)]);
    let retries = json!({
        "maxRetries": 2, "perRetryTimeout": {"unit": "ms", "value": 100}, "httpRetryEvents": ["server-error"],
    });
    let limit = json!({"perRequest": {"unit": "ms", "value": 100}});
    let fixture = Http2Fixture::with_protocol(
        "http2",
        &[
            ("error", with(all("/status/500"), "retryPolicy", retries.clone())),
            ("silence", with(all("/silence"), "timeout", limit)),
            ("retried", with(all("/silence/each"), "retryPolicy", retries)),
        ],
    )
    .await;
    for (path, status, fault, tries) in [
        ("/status/500", 500, None, 3),
        ("/silence", 504, Some("timed-out"), 1),
        ("/silence/each", 504, Some("timed-out"), 3),
    ] {
        let before = fixture.blue.requests();
        let response = fixture.caller.get(path).await;
        assert_eq!(marked(&response), (status, fault), "{path}");
        assert_eq!(fixture.blue.requests() - before, tries, "{path}");
    }
}

#[tokio::test]
async fn a_request_passes_both_envoys_within_the_listener_timeout() {
    let fixture = Http2Fixture::with_protocol("http2", &[("all", http2(json!({"prefix": "/"}), &[("blue", 1)]))]).await;
    let limit = json!({"timeout": {"http2": {"perRequest": {"unit": "ms", "value": 100}}}});
    fixture
        .demo
        .put(&[("virtualNode/blue", node_with_protocol("blue", "http2", &limit))]);
    let blue = MeshNode::serving(&fixture.demo.mesh, "blue", &[(PORT, fixture.blue.address)]).await;
    fixture.demo.set_endpoints("blue", &[blue.ingress(PORT)]);
    fixture
        .client
        .wait_for_tasks("cds_egress_demo_blue_http2_8080", &[blue.ingress(PORT)])
        .await;
    fixture.blue_responds("GET", "/", &[]).await;
    assert_eq!(marked(&fixture.caller.get("/silence").await), (504, Some("timed-out")));
}

#[tokio::test]
async fn http2_callers_reach_http1_applications() {
    let demo = Demo::with_routes(&[("all", http(json!({"prefix": "/"}), &[("blue", 1)]))]).await;
    let application = Upstream::start("blue", Behaviour::Echo).await;
    let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
    demo.set_endpoints("blue", &[blue.ingress(PORT)]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    let caller = Http2Caller::of("shop.demo", caller.egress()).await;
    let response = caller.get("/x?y").await;
    assert_eq!((response.status, response.body.as_str()), (200, "shop.demo/x?y"));
}
