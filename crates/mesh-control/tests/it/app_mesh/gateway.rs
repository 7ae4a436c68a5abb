//! Virtual gateways.

use serde_json::{Value, json};

use super::demo_mesh::{Demo, by_node, by_router, http, marked, node, router, with};
use crate::harness::{Behaviour, MeshNode, Upstream};

pub(super) const GATEWAY_PORT: u16 = 8088;

/// A gateway route to `shop.demo`.
pub(super) fn to_shop(matching: &Value, rewrite: &Value) -> Value {
    let target = json!({"virtualService": {"virtualServiceName": "shop.demo"}});
    let mut action = json!({"target": target});
    if !rewrite.is_null() {
        action["rewrite"] = rewrite.clone();
    }
    json!({"httpRoute": {"match": matching, "action": action}})
}

/// A gateway with these routes to a virtual service that responds with the request.
pub(super) struct GatewayFixture {
    pub(super) gateway: MeshNode,
    _shop: Upstream,
    _demo: Demo,
}

impl GatewayFixture {
    pub(super) async fn with(routes: &[(&str, Value)]) -> Self {
        let demo = Demo::start(&[
            ("virtualNode/shop", node("shop", "http")),
            ("virtualService/shop.demo", by_node("shop")),
            ("virtualGateway/door", gateway_spec()),
        ])
        .await;
        for (name, route) in routes {
            demo.put(&[(&format!("virtualGateway/door/gatewayRoute/{name}"), route.clone())]);
        }
        let shop = Upstream::start("shop", Behaviour::Echo).await;
        demo.set_endpoints("shop", &[shop.address]);
        Self {
            gateway: MeshNode::gateway(&demo.mesh, "door", &[GATEWAY_PORT]).await,
            _shop: shop,
            _demo: demo,
        }
    }

    /// The request as it arrives.
    pub(super) async fn forwarded(&self, host: &str, path: &str) -> String {
        let response = self.gateway.get_at(GATEWAY_PORT, host, path).await;
        assert_eq!(response.status, 200, "{host}{path}: {response:?}");
        response.body
    }

    pub(super) async fn assert_no_route(&self, host: &str, path: &str) {
        let response = self.gateway.get_at(GATEWAY_PORT, host, path).await;
        assert_eq!(marked(&response), (404, Some("no-route")), "{host}{path}: {response:?}");
    }
}

pub(super) fn gateway_spec() -> Value {
    json!({"listeners": [{"portMapping": {"port": GATEWAY_PORT, "protocol": "http"}}]})
}

#[tokio::test]
async fn host_and_prefix_are_rewritten_by_default() {
    let fixture = GatewayFixture::with(&[
        ("default", to_shop(&json!({"prefix": "/default"}), &Value::Null)),
        ("slash", to_shop(&json!({"prefix": "/slash/"}), &Value::Null)),
        (
            "custom",
            to_shop(&json!({"prefix": "/custom/"}), &json!({"prefix": {"value": "/other/"}})),
        ),
        (
            "off",
            to_shop(
                &json!({"prefix": "/off"}),
                &json!({
                    "prefix": {"defaultPrefix": "DISABLED"},
                    "hostname": {"defaultTargetHostname": "DISABLED"},
                }),
            ),
        ),
        (
            "path",
            to_shop(
                &json!({"path": {"exact": "/path"}}),
                &json!({"path": {"exact": "/new/path"}}),
            ),
        ),
    ])
    .await;
    for (path, arrives) in [
        ("/default", "shop.demo/"),
        ("/default/1?a=b", "shop.demo/1?a=b"),
        ("/default1", "shop.demo/1"),
        ("/slash/1", "shop.demo/1"),
        ("/custom/1/2", "shop.demo/other/1/2"),
        ("/off/1", "example.com/off/1"),
        ("/path?a=b", "shop.demo/new/path?a=b"),
    ] {
        assert_eq!(fixture.forwarded("example.com", path).await, arrives, "{path}");
    }
    for path in ["/", "/path/1", "/slash"] {
        fixture.assert_no_route("example.com", path).await;
    }
}

#[tokio::test]
async fn hosts_are_matched_with_and_without_their_port() {
    let fixture = GatewayFixture::with(&[
        (
            "exact",
            to_shop(&json!({"hostname": {"exact": "shop.example.com"}}), &Value::Null),
        ),
        (
            "suffix",
            to_shop(
                &json!({"hostname": {"suffix": "*.example.org"}, "prefix": "/"}),
                &Value::Null,
            ),
        ),
        (
            "port",
            to_shop(&json!({"hostname": {"exact": "door.example.com:8088"}}), &Value::Null),
        ),
        (
            "address",
            to_shop(&json!({"hostname": {"exact": "[2001:db8::1]"}}), &Value::Null),
        ),
    ])
    .await;
    for host in [
        "shop.example.com",
        "shop.example.com:8088",
        "door.example.com",
        "door.example.com:8088",
        "[2001:db8::1]",
        "[2001:db8::1]:80",
        "a.example.org",
        "a.b.example.org:1",
    ] {
        assert_eq!(fixture.forwarded(host, "/x").await, "shop.demo/x", "{host}");
    }
    for host in ["example.com", "other.example.com", "example.org", "example.net"] {
        fixture.assert_no_route(host, "/x").await;
    }
}

#[tokio::test]
async fn the_target_header_of_a_caller_is_removed() {
    let fixture = GatewayFixture::with(&[("shop", to_shop(&json!({"prefix": "/shop/"}), &Value::Null))]).await;
    for forged in ["shop.demo:8080", "admin.demo:8080"] {
        let at = fixture.gateway.ingress(GATEWAY_PORT);
        let forge = |path| {
            let request = fixture.gateway.request(at, "example.com", path);
            fixture
                .gateway
                .response(request.header("x-app-mesh-virtual-service", forged))
        };
        assert_eq!(forge("/shop/1").await.body, "shop.demo/1");
        assert_eq!(marked(&forge("/admin").await), (404, Some("no-route")));
    }
}

#[tokio::test]
async fn the_target_header_is_not_forwarded() {
    let demo = Demo::start(&[
        ("virtualNode/shop", node("shop", "http")),
        ("virtualService/shop.demo", by_node("shop")),
        ("virtualGateway/door", gateway_spec()),
        (
            "virtualGateway/door/gatewayRoute/shop",
            to_shop(&json!({"prefix": "/"}), &Value::Null),
        ),
    ])
    .await;
    let shop = Upstream::start("shop", Behaviour::Headers).await;
    demo.set_endpoints("shop", &[shop.address]);
    let gateway = MeshNode::gateway(&demo.mesh, "door", &[GATEWAY_PORT]).await;
    let arrived = gateway.get_at(GATEWAY_PORT, "example.com", "/").await.body;
    assert!(arrived.contains("host") && !arrived.contains("app-mesh"), "{arrived}");
}

#[tokio::test]
async fn a_gateway_uses_the_routes_and_weights_of_the_virtual_service() {
    let demo = Demo::with_routes(&[
        ("all", http(json!({"prefix": "/"}), &[("blue", 1), ("green", 1)])),
        ("green", http(json!({"prefix": "/green"}), &[("green", 1)])),
    ])
    .await;
    demo.put(&[
        ("virtualRouter/shop", router("http")),
        ("virtualService/shop.demo", by_router("shop")),
        ("virtualGateway/door", gateway_spec()),
        (
            "virtualGateway/door/gatewayRoute/shop",
            to_shop(&json!({"prefix": "/shop"}), &Value::Null),
        ),
    ]);
    let blue = Upstream::start("blue", Behaviour::Name).await;
    let green = Upstream::start("green", Behaviour::Name).await;
    demo.set_endpoints("blue", &[blue.address]);
    demo.set_endpoints("green", &[green.address]);
    let gateway = MeshNode::gateway(&demo.mesh, "door", &[GATEWAY_PORT]).await;
    for _ in 0..100 {
        assert_eq!(gateway.get_at(GATEWAY_PORT, "example.com", "/shop/1").await.status, 200);
    }
    assert!(blue.requests() > 20 && green.requests() > 20, "{}", blue.requests());
    let response = gateway.get_at(GATEWAY_PORT, "example.com", "/shop/green").await;
    assert_eq!(response.body, "green");
}

#[tokio::test]
async fn a_gateway_retries_by_the_route() {
    let policy = json!({
        "maxRetries": 3, "perRetryTimeout": {"unit": "s", "value": 5}, "httpRetryEvents": ["server-error"],
    });
    let route = with(http(json!({"prefix": "/"}), &[("blue", 1)]), "retryPolicy", policy);
    let demo = Demo::with_routes(&[("all", route)]).await;
    demo.put(&[
        ("virtualGateway/door", gateway_spec()),
        (
            "virtualGateway/door/gatewayRoute/shop",
            to_shop(&json!({"prefix": "/"}), &Value::Null),
        ),
    ]);
    let blue = Upstream::start("blue", Behaviour::Status(500)).await;
    demo.set_endpoints("blue", &[blue.address]);
    let gateway = MeshNode::gateway(&demo.mesh, "door", &[GATEWAY_PORT]).await;
    let response = gateway.get_at(GATEWAY_PORT, "example.com", "/").await;
    assert_eq!((marked(&response), blue.requests()), ((500, None), 4));
}
