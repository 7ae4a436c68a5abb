//! Which request goes where: paths, methods, headers, query parameters, and the order of routes.

use reqwest::Method;
use serde_json::{Value, json};

use super::demo::{Demo, http, marked};
use crate::harness::{Answer, Manner, Member, Upstream};

/// A router to two nodes, and somebody who calls it.
struct Shop {
    caller: Member,
    _nodes: [Upstream; 2],
    _demo: Demo,
}

impl Shop {
    async fn with(routes: &[(&str, Value)]) -> Self {
        let demo = Demo::with_routes(routes).await;
        let nodes = [
            Upstream::start("blue", Manner::Name).await,
            Upstream::start("green", Manner::Name).await,
        ];
        demo.serve("blue", &[nodes[0].address]);
        demo.serve("green", &[nodes[1].address]);
        Self {
            caller: Member::calling(&demo.mesh, "caller").await,
            _nodes: nodes,
            _demo: demo,
        }
    }

    async fn get(&self, path: &str) -> String {
        self.caller.get("shop.demo", path).await.body
    }

    async fn with_headers(&self, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.caller.request(self.caller.egress(), "shop.demo", "/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.caller.answer(request).await
    }
}

#[tokio::test]
async fn paths_are_matched_exactly_by_expression_and_by_prefix() {
    let shop = Shop::with(&[
        ("exact", http(json!({"path": {"exact": "/cart"}}), &[("blue", 1)])),
        (
            "regex",
            http(json!({"path": {"regex": "/item/[0-9]+"}}), &[("blue", 1)]),
        ),
        ("prefix", http(json!({"prefix": "/old"}), &[("blue", 1)])),
        ("rest", http(json!({"prefix": "/"}), &[("green", 1)])),
    ])
    .await;
    for path in ["/cart", "/cart?a=b", "/item/17", "/old", "/old/one", "/older"] {
        assert_eq!(shop.get(path).await, "blue", "{path}");
    }
    for path in ["/", "/cart/", "/cartoon", "/item/x", "/item/17/x", "/Old"] {
        assert_eq!(shop.get(path).await, "green", "{path}");
    }
}

#[tokio::test]
async fn methods_and_query_parameters_are_matched() {
    let exact = json!([{"name": "page", "match": {"exact": "2"}}]);
    let present = json!([{"name": "debug"}]);
    let shop = Shop::with(&[
        (
            "post",
            http(json!({"prefix": "/post", "method": "POST"}), &[("blue", 1)]),
        ),
        (
            "page",
            http(json!({"prefix": "/page", "queryParameters": exact}), &[("blue", 1)]),
        ),
        (
            "debug",
            http(json!({"prefix": "/debug", "queryParameters": present}), &[("blue", 1)]),
        ),
    ])
    .await;
    let at = format!("http://{}/post", shop.caller.egress());
    for (method, expected) in [(Method::POST, 200), (Method::PUT, 404), (Method::GET, 404)] {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let request = client.request(method.clone(), &at).header("host", "shop.demo");
        assert_eq!(shop.caller.answer(request).await.status, expected, "{method}");
    }
    for path in ["/page?page=2", "/page?a=b&page=2", "/debug?debug", "/debug?debug=1"] {
        assert_eq!(shop.get(path).await, "blue", "{path}");
    }
    for path in ["/page?page=3", "/page?page=22", "/page", "/debug", "/debug?page=2"] {
        let answer = shop.caller.get("shop.demo", path).await;
        assert_eq!(marked(&answer), (404, Some("no-route")), "{path}");
    }
}

#[tokio::test]
async fn headers_are_matched_in_every_way_and_the_other_way_round() {
    let conditions = [
        ("present", Value::Null, "anything", None),
        ("exact", json!({"exact": "gold"}), "gold", Some("golden")),
        ("prefix", json!({"prefix": "go"}), "gold", Some("ago")),
        ("suffix", json!({"suffix": "ld"}), "gold", Some("golden")),
        ("regex", json!({"regex": "g.*d"}), "gold", Some("golden")),
        ("range", json!({"range": {"start": 10, "end": 20}}), "10", Some("20")),
    ];
    let mut routes = Vec::new();
    for (kind, condition, ..) in &conditions {
        for (name, invert) in [(format!("x-{kind}"), false), (format!("x-not-{kind}"), true)] {
            // A header of its own says which route is tried.
            let mut header = json!({"name": name, "invert": invert});
            if !condition.is_null() {
                header["match"] = condition.clone();
            }
            let tried = json!({"name": "tried", "match": {"exact": name}});
            let matching = json!({"prefix": "/", "headers": [header, tried]});
            routes.push((name, http(matching, &[("blue", 1)])));
        }
    }
    let routes: Vec<(&str, Value)> = routes
        .iter()
        .map(|(name, route)| (name.as_str(), route.clone()))
        .collect();
    let shop = Shop::with(&routes).await;
    for (kind, _, fits, fails) in conditions {
        let (plain, inverted) = (format!("x-{kind}"), format!("x-not-{kind}"));
        let status = async |name: &str, value: Option<&str>| {
            let mut headers = vec![("tried", name)];
            headers.extend(value.map(|value| (name, value)));
            shop.with_headers(&headers).await.status
        };
        assert_eq!(status(&plain, Some(fits)).await, 200, "{kind}");
        assert_eq!(status(&plain, fails).await, 404, "{kind}");
        assert_eq!(status(&plain, None).await, 404, "{kind} without the header");
        assert_eq!(status(&inverted, Some(fits)).await, 404, "not {kind}");
        assert_eq!(status(&inverted, fails).await, 200, "not {kind}");
    }
}

#[tokio::test]
async fn the_lower_priority_wins_and_then_the_longer_path() {
    let with_priority = |priority: u32, mut route: Value| {
        route["priority"] = json!(priority);
        route
    };
    let shop = Shop::with(&[
        ("a", with_priority(5, http(json!({"prefix": "/first"}), &[("blue", 1)]))),
        (
            "b",
            with_priority(7, http(json!({"path": {"exact": "/first/exact"}}), &[("green", 1)])),
        ),
        ("c", http(json!({"prefix": "/second"}), &[("blue", 1)])),
        ("d", http(json!({"prefix": "/second/longer"}), &[("green", 1)])),
        ("e", http(json!({"prefix": "/first"}), &[("green", 1)])),
    ])
    .await;
    for (path, expected) in [
        ("/first/exact", "blue"),
        ("/first", "blue"),
        ("/second", "blue"),
        ("/second/longer/x", "green"),
    ] {
        assert_eq!(shop.get(path).await, expected, "{path}");
    }
}
