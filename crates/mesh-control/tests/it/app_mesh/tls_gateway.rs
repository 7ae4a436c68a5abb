//! TLS at a virtual gateway, and from there to virtual nodes.
//!
//! The external client is the Envoy of another virtual node, whose backend is the gateway as a virtual node.

use serde_json::{Value, json};

use super::demo_mesh::{Demo, PORT, by_node, marked, node, node_with};
use super::tls_fixture::{Authority, caller_with, only};
use crate::harness::{Behaviour, CallResponse, MeshNode, Upstream};

const SECURED: u16 = 8443;
const PLAIN: u16 = 8088;

/// A gateway with two listeners, the first with TLS, and a virtual node behind it.
struct GatewayFixture {
    demo: Demo,
    gateway: MeshNode,
    upstream: Upstream,
}

impl GatewayFixture {
    async fn with(tls: &Value) -> Self {
        let route = |port: u16| {
            let target = json!({"virtualService": {"virtualServiceName": "deli.demo"}});
            json!({"httpRoute": {"match": {"prefix": "/", "port": port}, "action": {"target": target}}})
        };
        let listener = |port: u16| json!({"portMapping": {"port": port, "protocol": "http"}});
        let mut secured = listener(SECURED);
        secured["tls"] = tls.clone();
        let demo = Demo::start(&[
            ("virtualNode/deli", node("deli", "http")),
            ("virtualService/deli.demo", by_node("deli")),
            ("virtualGateway/door", json!({"listeners": [secured, listener(PLAIN)]})),
            ("virtualGateway/door/gatewayRoute/secured", route(SECURED)),
            ("virtualGateway/door/gatewayRoute/plain", route(PLAIN)),
            // The gateway from the view of the external client: `shop.demo`.
            ("virtualNode/outside", node_with("door", &json!({"tls": tls}))),
            ("virtualService/shop.demo", by_node("outside")),
        ])
        .await;
        let upstream = Upstream::start("deli", Behaviour::Name).await;
        demo.set_endpoints("deli", &[upstream.address]);
        let gateway = MeshNode::gateway(&demo.mesh, "door", &[SECURED, PLAIN]).await;
        demo.set_endpoints("door", &[gateway.ingress(SECURED)]);
        Self {
            demo,
            gateway,
            upstream,
        }
    }

    async fn response_to(&self, policy: &Value) -> CallResponse {
        self.demo.put(&[("virtualNode/caller", caller_with(policy))]);
        let caller = MeshNode::calling(&self.demo.mesh, "caller").await;
        caller.get("shop.demo", "/").await
    }

    async fn assert_accepted(&self, policy: &Value) {
        assert_eq!(self.response_to(policy).await.body, "deli", "{policy}");
    }

    async fn assert_unreachable(&self, policy: &Value) {
        let before = self.upstream.requests();
        assert_eq!(
            marked(&self.response_to(policy).await),
            (503, Some("unreachable")),
            "{policy}"
        );
        assert_eq!(self.upstream.requests(), before);
    }

    async fn accepts_plaintext(&self, port: u16) -> bool {
        let request = self.gateway.request(self.gateway.ingress(port), "example.com", "/");
        match request.send().await {
            Ok(response) => response.status() == 200,
            Err(_) => false,
        }
    }
}

#[tokio::test]
async fn each_listener_has_its_own_tls() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let fixture = GatewayFixture::with(&json!({"mode": "STRICT", "certificate": ours.issue("door.demo")})).await;
    fixture
        .assert_accepted(&json!({"validation": {"trust": ours.trust()}}))
        .await;
    fixture
        .assert_unreachable(&json!({"validation": {"trust": theirs.trust()}}))
        .await;
    assert!(!fixture.accepts_plaintext(SECURED).await);
    assert!(fixture.accepts_plaintext(PLAIN).await);
}

#[tokio::test]
async fn permissive_accepts_both_and_disabled_has_no_tls() {
    let ours = Authority::new();
    let with = |mode: &str| json!({"mode": mode, "certificate": ours.issue("door.demo")});
    let checked = json!({"validation": {"trust": ours.trust()}});
    let permissive = GatewayFixture::with(&with("PERMISSIVE")).await;
    permissive.assert_accepted(&checked).await;
    assert!(permissive.accepts_plaintext(SECURED).await);

    let disabled = GatewayFixture::with(&with("DISABLED")).await;
    disabled.assert_unreachable(&checked).await;
    assert!(disabled.accepts_plaintext(SECURED).await);
}

#[tokio::test]
async fn the_certificate_of_an_external_client_is_verified_if_required() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let wanted = json!({"trust": ours.trust(), "subjectAlternativeNames": only(&["partner.example.com"])});
    let fixture = GatewayFixture::with(&json!({
        "mode": "STRICT", "certificate": ours.issue("door.demo"), "validation": wanted,
    }))
    .await;
    let validation = json!({"trust": ours.trust()});
    let with = |certificate: Value| json!({"validation": validation, "certificate": certificate});
    fixture.assert_accepted(&with(ours.issue("partner.example.com"))).await;
    fixture.assert_unreachable(&with(ours.issue("other.example.com"))).await;
    fixture
        .assert_unreachable(&with(theirs.issue("partner.example.com")))
        .await;
    fixture.assert_unreachable(&json!({"validation": validation})).await;
}

#[tokio::test]
async fn a_gateway_uses_the_policy_of_its_backend_defaults() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let tls = json!({"tls": {
        "mode": "STRICT",
        "certificate": ours.issue("blue.demo"),
        "validation": {"trust": ours.trust(), "subjectAlternativeNames": only(&["door.demo"])},
    }});
    let gateway = |authority: &Authority| {
        json!({
            "listeners": [{"portMapping": {"port": PLAIN, "protocol": "http"}}],
            "backendDefaults": {"clientPolicy": {"tls": {
                "certificate": ours.issue("door.demo"), "validation": {"trust": authority.trust()},
            }}},
        })
    };
    let target = json!({"virtualService": {"virtualServiceName": "blue.demo"}});
    let demo = Demo::start(&[
        ("virtualNode/blue", node_with("blue", &tls)),
        ("virtualService/blue.demo", by_node("blue")),
        ("virtualGateway/door", gateway(&ours)),
        (
            "virtualGateway/door/gatewayRoute/all",
            json!({"httpRoute": {"match": {"prefix": "/"}, "action": {"target": target}}}),
        ),
    ])
    .await;
    let application = Upstream::start("blue", Behaviour::Name).await;
    let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
    demo.set_endpoints("blue", &[blue.ingress(PORT)]);
    for (authority, expected) in [(&ours, (200, None)), (&theirs, (503, Some("unreachable")))] {
        demo.put(&[("virtualGateway/door", gateway(authority))]);
        let node = MeshNode::gateway(&demo.mesh, "door", &[PLAIN]).await;
        let response = node.get_at(PLAIN, "example.com", "/").await;
        assert_eq!(marked(&response), expected);
    }
}
