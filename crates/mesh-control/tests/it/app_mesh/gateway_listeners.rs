//! Listeners of virtual gateways: protocols, ports, connection pools.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tonic::Code;
use tonic::codegen::http::Request;

use super::demo_mesh::{Demo, by_node, http, marked, node, with};
use crate::harness::{self, Behaviour, ECHO, Http2Caller, Http2Upstream, MeshNode, Upstream};

const HTTP: u16 = 8088;
const HTTP2: u16 = 8089;
const GRPC: u16 = 8090;

/// A listener of this protocol.
fn listener(port: u16, protocol: &str) -> Value {
    json!({"portMapping": {"port": port, "protocol": protocol}})
}

/// A gateway route of this kind.
fn route(kind: &str, matching: Value, service: &str) -> Value {
    let target = json!({"virtualService": {"virtualServiceName": service}});
    json!({kind: {"match": matching, "action": {"target": target}}})
}

/// A gateway with a listener of each protocol, and nodes behind it.
struct GatewayFixture {
    _demo: Demo,
    gateway: MeshNode,
    _http: Upstream,
    http2: Http2Upstream,
}

impl GatewayFixture {
    async fn with(routes: &[(&str, Value)]) -> Self {
        Self::limited(&Value::Null, routes).await
    }

    /// The same, with limits for the gRPC listener.
    async fn limited(grpc: &Value, routes: &[(&str, Value)]) -> Self {
        let mut grpc_listener = listener(GRPC, "grpc");
        if !grpc.is_null() {
            grpc_listener["connectionPool"] = grpc.clone();
        }
        let demo = Demo::start(&[
            ("virtualNode/shop", node("shop", "http")),
            ("virtualNode/deli", node("deli", "http2")),
            ("virtualNode/cart", node("cart", "grpc")),
            ("virtualService/shop.demo", by_node("shop")),
            ("virtualService/deli.demo", by_node("deli")),
            ("virtualService/cart.demo", by_node("cart")),
            (
                "virtualGateway/door",
                json!({"listeners": [listener(HTTP, "http"), listener(HTTP2, "http2"), grpc_listener]}),
            ),
        ])
        .await;
        for (name, route) in routes {
            demo.put(&[(&format!("virtualGateway/door/gatewayRoute/{name}"), route.clone())]);
        }
        let http = Upstream::start("shop", Behaviour::Echo).await;
        let http2 = Http2Upstream::start("two").await;
        demo.set_endpoints("shop", &[http.address]);
        demo.set_endpoints("deli", &[http2.address]);
        demo.set_endpoints("cart", &[http2.address]);
        Self {
            gateway: MeshNode::gateway(&demo.mesh, "door", &[HTTP, HTTP2, GRPC]).await,
            _demo: demo,
            _http: http,
            http2,
        }
    }

    /// An external HTTP/2 client at a port.
    async fn caller(&self, host: &str, port: u16) -> Http2Caller {
        Http2Caller::of(host, self.gateway.ingress(port)).await
    }
}

#[tokio::test]
async fn each_listener_has_the_routes_for_its_port() {
    let fixture = GatewayFixture::with(&[
        (
            "shop",
            route("httpRoute", json!({"prefix": "/", "port": HTTP}), "shop.demo"),
        ),
        (
            "deli",
            route("http2Route", json!({"prefix": "/", "port": HTTP2}), "deli.demo"),
        ),
        (
            "cart",
            route(
                "grpcRoute",
                json!({"serviceName": "shop.Cart", "port": GRPC}),
                "cart.demo",
            ),
        ),
    ])
    .await;
    let response = fixture.gateway.get_at(HTTP, "example.com", "/1").await;
    assert_eq!(response.body, "shop.demo/1");
    let http2 = fixture.caller("example.com", HTTP2).await;
    assert_eq!(http2.get("/1").await.body, "two HTTP/2.0 http://deli.demo/1");
    let grpc = fixture.caller("example.com", GRPC).await;
    let response = grpc.call("/shop.Cart/Add", ECHO, &[]).await.expect("a response");
    assert_eq!(response, "http://cart.demo/shop.Cart/Add");

    for (port, path) in [(HTTP2, "/shop.Cart/Add"), (HTTP, "/shop.Cart/Add")] {
        // A path is no gRPC service on other listeners.
        let caller = fixture.caller("example.com", port).await;
        assert!(caller.get(path).await.body.ends_with(".demo/shop.Cart/Add"), "{port}");
    }
    assert_eq!(marked(&grpc.get("/1").await), (404, Some("no-route")));
}

#[tokio::test]
async fn http2_requests_are_matched_and_rewritten_as_those_of_http1() {
    let fixture = GatewayFixture::with(&[
        (
            "deli",
            json!({"http2Route": {
                "match": {
                    "prefix": "/deli", "port": HTTP2, "method": "GET", "hostname": {"suffix": "*.example.com"},
                    "headers": [{"name": "hungry", "match": {"prefix": "very"}}],
                    "queryParameters": [{"name": "table", "match": {"exact": "7"}}],
                },
                "action": {
                    "target": {"virtualService": {"virtualServiceName": "deli.demo"}},
                    "rewrite": {
                        "hostname": {"defaultTargetHostname": "DISABLED"},
                        "prefix": {"value": "/menu/"},
                    },
                },
            }}),
        ),
        (
            "exact",
            json!({"http2Route": {
                "match": {"path": {"exact": "/exact"}, "port": HTTP2},
                "action": {
                    "target": {"virtualService": {"virtualServiceName": "deli.demo"}},
                    "rewrite": {"path": {"exact": "/new"}},
                },
            }}),
        ),
    ])
    .await;
    let hungry = |method: &str, path: &str, how: &str| {
        let request = Request::builder().method(method).uri(path);
        request.header("hungry", how)
    };
    let caller = fixture.caller("a.example.com", HTTP2).await;
    let response = caller.send(hungry("GET", "/deli/soup?table=7", "very much")).await;
    assert_eq!(response.body, "two HTTP/2.0 http://a.example.com/menu/soup?table=7");
    for (method, path, how) in [
        ("PUT", "/deli?table=7", "very"),
        ("GET", "/deli?table=8", "very"),
        ("GET", "/deli?table=7", "not very"),
        ("GET", "/del?table=7", "very"),
    ] {
        let response = caller.send(hungry(method, path, how)).await;
        assert_eq!(marked(&response), (404, Some("no-route")), "{method} {path} {how}");
    }
    let caller = fixture.caller("example.com", HTTP2).await;
    assert_eq!(caller.get("/exact").await.body, "two HTTP/2.0 http://deli.demo/new");
}

#[tokio::test]
async fn grpc_calls_are_matched_by_service_host_and_metadata() {
    let as_it_came = json!({
        "target": {"virtualService": {"virtualServiceName": "cart.demo"}},
        "rewrite": {"hostname": {"defaultTargetHostname": "DISABLED"}},
    });
    let fixture = GatewayFixture::with(&[
        (
            "service",
            route("grpcRoute", json!({"serviceName": "shop.Cart", "port": GRPC}), "cart.demo"),
        ),
        (
            "metadata",
            route(
                "grpcRoute",
                json!({"serviceName": "shop.Stock", "port": GRPC, "metadata": [{"name": "tier", "match": {"range": {"start": 1, "end": 3}}}]}),
                "cart.demo",
            ),
        ),
        (
            "not",
            route(
                "grpcRoute",
                json!({"serviceName": "shop.Order", "port": GRPC, "metadata": [{"name": "tier", "invert": true, "match": {"exact": "1"}}]}),
                "cart.demo",
            ),
        ),
        (
            "host",
            json!({"grpcRoute": {"match": {"hostname": {"suffix": "*.example.com"}, "port": GRPC}, "action": as_it_came}}),
        ),
    ])
    .await;
    let plain = fixture.caller("example.org", GRPC).await;
    let named = fixture.caller("a.example.com", GRPC).await;
    for (caller, path, tier, expected) in [
        (&plain, "/shop.Cart/Add", None, Ok("http://cart.demo/shop.Cart/Add")),
        (&plain, "/shop.Carts/Add", None, Err(Code::Unimplemented)),
        (
            &plain,
            "/shop.Stock/Count",
            Some("1"),
            Ok("http://cart.demo/shop.Stock/Count"),
        ),
        (&plain, "/shop.Stock/Count", Some("3"), Err(Code::Unimplemented)),
        (
            &plain,
            "/shop.Order/Place",
            Some("2"),
            Ok("http://cart.demo/shop.Order/Place"),
        ),
        (&plain, "/shop.Order/Place", Some("1"), Err(Code::Unimplemented)),
        (&named, "/any.Thing/Do", None, Ok("http://a.example.com/any.Thing/Do")),
    ] {
        let metadata: Vec<(&str, &str)> = tier.iter().map(|tier| ("tier", *tier)).collect();
        let response = caller.call(path, ECHO, &metadata).await;
        let response = response.as_deref().map_err(harness::marked);
        assert_eq!(
            response,
            expected.map_err(|code| (code, Some("no-route"))),
            "{path} {tier:?}"
        );
    }
}

#[tokio::test]
async fn a_full_connection_pool_rejects_calls() {
    let fixture = GatewayFixture::limited(
        &json!({"grpc": {"maxRequests": 1}}),
        &[(
            "cart",
            route(
                "grpcRoute",
                json!({"serviceName": "shop.Cart", "port": GRPC}),
                "cart.demo",
            ),
        )],
    )
    .await;
    let grpc = fixture.caller("example.com", GRPC).await;
    let silent = grpc.clone();
    let first = tokio::spawn(async move { silent.call("/shop.Cart/Add", harness::SILENCE, &[]).await });
    fixture.http2.wait_for_requests(1).await;
    let error = grpc
        .call("/shop.Cart/Add", "", &[])
        .await
        .expect_err("the connection pool is full");
    assert_eq!(harness::marked(&error), (Code::Unavailable, Some("unreachable")));
    first.abort();
}

#[tokio::test]
async fn a_gateway_request_has_the_longest_timeout_of_all_routes() {
    let longest = Duration::from_millis(300);
    let within = |path: &str, milliseconds: u128| {
        let limit = json!({"perRequest": {"unit": "ms", "value": milliseconds}});
        with(http(json!({"prefix": path}), &[("blue", 1)]), "timeout", limit)
    };
    let demo = Demo::with_routes(&[
        ("short", within("/short", 50)),
        ("long", within("/long", longest.as_millis())),
    ])
    .await;
    demo.put(&[
        ("virtualGateway/door", json!({"listeners": [listener(HTTP, "http")]})),
        (
            "virtualGateway/door/gatewayRoute/shop",
            json!({"httpRoute": {"match": {"prefix": "/"}, "action": {
                "target": {"virtualService": {"virtualServiceName": "shop.demo"}},
            }}}),
        ),
    ]);
    let silent = Upstream::start("blue", Behaviour::Silence).await;
    demo.set_endpoints("blue", &[silent.address]);
    let gateway = MeshNode::gateway(&demo.mesh, "door", &[HTTP]).await;
    // Envoy's clock and the test's may differ by a millisecond.
    for (path, at_least) in [("/short", Duration::ZERO), ("/long", longest / 2)] {
        let begun = Instant::now();
        let response = gateway.get_at(HTTP, "example.com", path).await;
        assert_eq!(marked(&response), (504, Some("timed-out")), "{path}");
        assert!(begun.elapsed() >= at_least, "{path}: {:?}", begun.elapsed());
    }
}
