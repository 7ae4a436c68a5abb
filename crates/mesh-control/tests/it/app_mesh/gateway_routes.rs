//! Gateway routes: matches and rewrites.

use serde_json::{Value, json};

use super::demo_mesh::{Demo, conditions, http};
use super::gateway::{GATEWAY_PORT, GatewayFixture, gateway_spec, to_shop};
use crate::harness::{Behaviour, MeshNode, Upstream};

#[tokio::test]
async fn requests_are_matched_by_path_method_headers_and_query() {
    let page = json!([{"name": "page", "match": {"exact": "2"}}, {"name": "debug"}]);
    let fixture = GatewayFixture::with(&[
        (
            "exact",
            to_shop(&json!({"path": {"exact": "/exact"}, "method": "GET"}), &Value::Null),
        ),
        (
            "regex",
            to_shop(&json!({"path": {"regex": "/item/[0-9]+"}}), &Value::Null),
        ),
        (
            "method",
            to_shop(&json!({"prefix": "/method/", "method": "POST"}), &Value::Null),
        ),
        (
            "query",
            to_shop(&json!({"prefix": "/query", "queryParameters": page}), &Value::Null),
        ),
    ])
    .await;
    // Paths that were matched as a whole are unchanged.
    for (path, arrives) in [
        ("/exact", "shop.demo/exact"),
        ("/item/17", "shop.demo/item/17"),
        ("/query?debug&page=2", "shop.demo/?debug&page=2"),
    ] {
        assert_eq!(fixture.forwarded("example.com", path).await, arrives, "{path}");
    }
    for path in [
        "/exact/1",
        "/item/x",
        "/item/17/x",
        "/method/1",
        "/query?page=2",
        "/query?debug&page=3",
    ] {
        fixture.assert_no_route("example.com", path).await;
    }
    let at = fixture.gateway.ingress(GATEWAY_PORT);
    let posted = reqwest::Client::builder().no_proxy().build().expect("a client");
    let posted = posted
        .post(format!("http://{at}/method/1"))
        .header("host", "example.com");
    assert_eq!(fixture.gateway.response(posted).await.body, "shop.demo/1");
}

#[tokio::test]
async fn a_route_without_a_path_has_the_prefix_of_all() {
    let host = |name: &str| json!({"hostname": {"exact": name}});
    let to = |value: &str| json!({"prefix": {"value": value}});
    let fixture = GatewayFixture::with(&[
        ("host", to_shop(&host("a.example.com"), &to("/rewritten/"))),
        ("port", to_shop(&json!({"port": GATEWAY_PORT}), &to("/all/"))),
        ("unchanged", to_shop(&host("b.example.com"), &Value::Null)),
    ])
    .await;
    for (name, path, arrives) in [
        ("a.example.com", "/a", "shop.demo/rewritten/a"),
        ("example.org", "/a/b?c", "shop.demo/all/a/b?c"),
        ("b.example.com", "/a", "shop.demo/a"),
    ] {
        assert_eq!(fixture.forwarded(name, path).await, arrives, "{name}{path}");
    }
}

#[tokio::test]
async fn every_header_match_and_its_inversion() {
    let mut routes = Vec::new();
    for (kind, condition, ..) in conditions() {
        for (name, invert) in [(format!("x-{kind}"), false), (format!("x-not-{kind}"), true)] {
            let mut header = json!({"name": name, "invert": invert});
            if !condition.is_null() {
                header["match"] = condition.clone();
            }
            let matching = json!({"prefix": format!("/{name}/"), "headers": [header]});
            routes.push((name, to_shop(&matching, &Value::Null)));
        }
    }
    let routes: Vec<(&str, Value)> = routes
        .iter()
        .map(|(name, route)| (name.as_str(), route.clone()))
        .collect();
    let fixture = GatewayFixture::with(&routes).await;
    let at = fixture.gateway.ingress(GATEWAY_PORT);
    for (kind, _, fits, fails) in conditions() {
        for (name, if_fits, if_not) in [(format!("x-{kind}"), 200, 404), (format!("x-not-{kind}"), 404, 200)] {
            for (value, expected) in [(Some(fits), if_fits), (fails, if_not)] {
                let mut request = fixture.gateway.request(at, "example.com", &format!("/{name}/"));
                if let Some(value) = value {
                    request = request.header(&name, value);
                }
                let response = fixture.gateway.response(request).await;
                assert_eq!(response.status, expected, "{name}: {value:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_lower_priority_wins_and_then_the_longer_path() {
    let route = |prefix: &str, priority: Option<u32>, becomes: &str| {
        let mut route = to_shop(&json!({"prefix": prefix}), &json!({"prefix": {"value": becomes}}));
        if let Some(priority) = priority {
            route["priority"] = json!(priority);
        }
        route
    };
    let fixture = GatewayFixture::with(&[
        ("a", route("/first/", Some(5), "/a/")),
        ("b", route("/first/longer/", Some(7), "/b/")),
        ("c", route("/second/", None, "/c/")),
        ("d", route("/second/longer/", None, "/d/")),
        ("e", route("/second/longer/late/", Some(1000), "/e/")),
    ])
    .await;
    for (path, arrives) in [
        ("/first/longer/1", "shop.demo/a/longer/1"),
        ("/second/1", "shop.demo/c/1"),
        ("/second/longer/1", "shop.demo/d/1"),
        ("/second/longer/late/1", "shop.demo/e/1"),
    ] {
        assert_eq!(fixture.forwarded("example.com", path).await, arrives, "{path}");
    }
}

#[tokio::test]
async fn each_rewrite_is_independent() {
    let host = |word: &str| json!({"hostname": {"defaultTargetHostname": word}});
    let prefix = |word: &str| json!({"prefix": {"defaultPrefix": word}});
    let both = |mut one: Value, other: &Value| {
        for (key, value) in other.as_object().expect("an object") {
            one[key] = value.clone();
        }
        one
    };
    let fixture = GatewayFixture::with(&[
        ("host-on", to_shop(&json!({"prefix": "/host-on/"}), &host("ENABLED"))),
        ("host-off", to_shop(&json!({"prefix": "/host-off/"}), &host("DISABLED"))),
        (
            "prefix-on",
            to_shop(&json!({"prefix": "/prefix-on/"}), &prefix("ENABLED")),
        ),
        (
            "prefix-off",
            to_shop(&json!({"prefix": "/prefix-off/"}), &prefix("DISABLED")),
        ),
        (
            "path",
            to_shop(
                &json!({"path": {"regex": "/path/.*"}}),
                &both(host("DISABLED"), &json!({"path": {"exact": r"/one/\1"}})),
            ),
        ),
        (
            "named",
            to_shop(
                &json!({"hostname": {"exact": "on.example.com"}, "prefix": "/x/"}),
                &both(host("ENABLED"), &json!({"prefix": {"value": "/y/"}})),
            ),
        ),
        (
            "unnamed",
            to_shop(
                &json!({"hostname": {"suffix": "*.example.org"}, "prefix": "/x/"}),
                &both(host("DISABLED"), &prefix("DISABLED")),
            ),
        ),
        (
            "whole",
            to_shop(
                &json!({"hostname": {"suffix": "*.example.net"}, "path": {"exact": "/x"}}),
                &json!({"path": {"exact": "/y"}}),
            ),
        ),
    ])
    .await;
    for (host, path, arrives) in [
        ("example.com", "/host-on/1", "shop.demo/1"),
        ("example.com", "/host-off/1", "example.com/1"),
        ("example.com", "/prefix-on/1", "shop.demo/1"),
        ("example.com", "/prefix-off/1", "shop.demo/prefix-off/1"),
        // No capture group of the path; and a backslash in a path is a slash.
        ("example.com", "/path/1", "example.com/one/1"),
        ("on.example.com", "/x/1", "shop.demo/y/1"),
        ("a.example.org", "/x/1", "a.example.org/x/1"),
        ("a.example.net", "/x", "shop.demo/y"),
    ] {
        assert_eq!(fixture.forwarded(host, path).await, arrives, "{host}{path}");
    }
    // A host with routes of its own has no others.
    fixture.assert_no_route("on.example.com", "/host-on/1").await;
}

#[tokio::test]
async fn a_gateway_route_uses_the_port_of_its_target() {
    let both = json!({"listeners": [
        {"portMapping": {"port": 80, "protocol": "http"}},
        {"portMapping": {"port": 8000, "protocol": "http"}},
    ]});
    let to_port = |prefix: &str, port: u16| {
        let target = json!({"virtualService": {"virtualServiceName": "shop.demo"}, "port": port});
        json!({"httpRoute": {"match": {"prefix": prefix}, "action": {"target": target}}})
    };
    let demo = Demo::with_routes(&[]).await;
    demo.put(&[
        ("virtualRouter/shop", both),
        (
            "virtualRouter/shop/route/first",
            http(json!({"prefix": "/", "port": 80}), &[("blue", 1)]),
        ),
        (
            "virtualRouter/shop/route/second",
            http(json!({"prefix": "/", "port": 8000}), &[("green", 1)]),
        ),
        ("virtualGateway/door", gateway_spec()),
        ("virtualGateway/door/gatewayRoute/first", to_port("/first", 80)),
        ("virtualGateway/door/gatewayRoute/second", to_port("/second", 8000)),
    ]);
    let blue = Upstream::start("blue", Behaviour::Name).await;
    let green = Upstream::start("green", Behaviour::Name).await;
    demo.set_endpoints("blue", &[blue.address]);
    demo.set_endpoints("green", &[green.address]);
    let gateway = MeshNode::gateway(&demo.mesh, "door", &[GATEWAY_PORT]).await;
    assert_eq!(gateway.get_at(GATEWAY_PORT, "example.com", "/first").await.body, "blue");
    assert_eq!(
        gateway.get_at(GATEWAY_PORT, "example.com", "/second").await.body,
        "green"
    );
}
