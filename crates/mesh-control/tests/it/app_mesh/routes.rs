//! Route precedence, ports of routers and of targets.

use serde_json::{Value, json};

use super::demo_mesh::{Demo, http, instance, marked};
use crate::harness::{Behaviour, MeshNode, Upstream};

use super::http2_fixture::HttpFixture;

#[tokio::test]
async fn the_lower_priority_wins_and_then_the_longer_path() {
    let with_priority = |priority: u32, mut route: Value| {
        route["priority"] = json!(priority);
        route
    };
    let fixture = HttpFixture::with(&[
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
        assert_eq!(fixture.get(path).await, expected, "{path}");
    }
}

#[tokio::test]
async fn precedence_is_exact_regex_conditions_name() {
    let header = json!([{"name": "customer"}]);
    let fixture = HttpFixture::with(&[
        ("a", http(json!({"prefix": "/cart/long"}), &[("green", 1)])),
        ("b", http(json!({"path": {"regex": "/cart.*"}}), &[("blue", 1)])),
        ("c", http(json!({"path": {"exact": "/cart"}}), &[("green", 1)])),
        ("d", http(json!({"prefix": "/x"}), &[("blue", 1)])),
        ("e", http(json!({"prefix": "/x", "headers": header}), &[("green", 1)])),
        ("f", http(json!({"prefix": "/x"}), &[("green", 1)])),
    ])
    .await;
    for (path, expected) in [("/cart", "green"), ("/cart/long", "blue"), ("/x", "blue")] {
        assert_eq!(fixture.get(path).await, expected, "{path}");
    }
    let request = fixture.caller.request(fixture.caller.egress(), "shop.demo", "/x");
    let response = fixture.caller.response(request.header("customer", "1")).await;
    assert_eq!(response.body, "green");
}

#[tokio::test]
async fn a_route_with_a_port_matches_that_port_only() {
    let both = json!({"listeners": [
        {"portMapping": {"port": 80, "protocol": "http"}},
        {"portMapping": {"port": 8000, "protocol": "http"}},
    ]});
    let fixture = HttpFixture::with(&[]).await;
    fixture.demo.put(&[
        ("virtualRouter/shop", both),
        (
            "virtualRouter/shop/route/first",
            http(json!({"prefix": "/", "port": 80}), &[("blue", 1)]),
        ),
        (
            "virtualRouter/shop/route/second",
            http(json!({"prefix": "/", "port": 8000}), &[("green", 1)]),
        ),
    ]);
    fixture.demo.settled(1).await;
    for (host, expected) in [
        ("shop.demo", "blue"),
        ("shop.demo:80", "blue"),
        ("shop.demo:8000", "green"),
    ] {
        assert_eq!(fixture.caller.get(host, "/").await.body, expected, "{host}");
    }
    let response = fixture.caller.get("shop.demo:8001", "/").await;
    assert_eq!(marked(&response), (404, Some("unknown-service")));

    // Without port 80, the default port is ambiguous.
    let others = json!({"listeners": [
        {"portMapping": {"port": 8000, "protocol": "http"}},
        {"portMapping": {"port": 8001, "protocol": "http"}},
    ]});
    fixture.demo.delete(&["virtualRouter/shop/route/first"]);
    fixture.demo.put(&[("virtualRouter/shop", others)]);
    fixture.demo.settled(1).await;
    assert_eq!(fixture.caller.get("shop.demo:8000", "/").await.body, "green");
    let response = fixture.caller.get("shop.demo", "/").await;
    assert_eq!(marked(&response), (404, Some("unknown-service")));
}

#[tokio::test]
async fn a_target_with_a_port_uses_that_listener() {
    let two = json!({
        "listeners": [
            {"portMapping": {"port": 8080, "protocol": "http"}},
            {"portMapping": {"port": 8081, "protocol": "http"}},
        ],
        "serviceDiscovery": {"dns": {"hostname": "blue.demo"}},
    });
    let to_port = |prefix: &str, port: u16| {
        let targets = json!([{"virtualNode": "blue", "weight": 1, "port": port}]);
        json!({"httpRoute": {"match": {"prefix": prefix}, "action": {"weightedTargets": targets}}})
    };
    let demo = Demo::with_routes(&[]).await;
    demo.put(&[
        ("virtualNode/blue", two),
        ("virtualRouter/shop/route/first", to_port("/first", 8080)),
        ("virtualRouter/shop/route/second", to_port("/second", 8081)),
    ]);
    let tasks = [
        Upstream::start("first", Behaviour::Name).await,
        Upstream::start("second", Behaviour::Name).await,
    ];
    let mut task = instance(tasks[0].address, &[]);
    task.ingress.insert(8081, tasks[1].address);
    demo.mesh
        .control
        .update(|state| drop(state.dns_endpoints.insert("blue.demo".to_owned(), vec![task])));
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    for name in ["first", "second"] {
        assert_eq!(caller.get("shop.demo", &format!("/{name}")).await.body, name);
    }
}
