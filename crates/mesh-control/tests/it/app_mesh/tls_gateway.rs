//! TLS at a virtual gateway, and from there to virtual nodes.
//!
//! The external client is an Envoy as well: that of a virtual node that has the gateway as another node.

use serde_json::{Value, json};

use super::demo_mesh::{Demo, PORT, by_node, marked, node, node_with};
use super::tls_fixture::{Authority, caller_with, only};
use crate::harness::{Answer, Manner, MeshNode, Upstream};

const SECURED: u16 = 8443;
const PLAIN: u16 = 8088;

/// A gateway with two listeners, the first with TLS, and a virtual node behind it.
struct Door {
    demo: Demo,
    gateway: MeshNode,
    shop: Upstream,
}

impl Door {
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
            // The gateway, as the external client has it: `shop.demo`.
            ("virtualNode/outside", node_with("door", &json!({"tls": tls}))),
            ("virtualService/shop.demo", by_node("outside")),
        ])
        .await;
        let shop = Upstream::start("deli", Manner::Name).await;
        demo.serve("deli", &[shop.address]);
        let gateway = MeshNode::gateway(&demo.mesh, "door", &[SECURED, PLAIN]).await;
        demo.serve("door", &[gateway.ingress(SECURED)]);
        Self { demo, gateway, shop }
    }

    async fn answers(&self, policy: &Value) -> Answer {
        self.demo.describe(&[("virtualNode/caller", caller_with(policy))]);
        let caller = MeshNode::calling(&self.demo.mesh, "caller").await;
        caller.get("shop.demo", "/").await
    }

    async fn takes(&self, policy: &Value) {
        assert_eq!(self.answers(policy).await.body, "deli", "{policy}");
    }

    async fn is_not_reached_with(&self, policy: &Value) {
        let before = self.shop.requests();
        assert_eq!(
            marked(&self.answers(policy).await),
            (503, Some("unreachable")),
            "{policy}"
        );
        assert_eq!(self.shop.requests(), before);
    }

    async fn speaks_plaintext(&self, port: u16) -> bool {
        let request = self.gateway.request(self.gateway.ingress(port), "example.com", "/");
        match request.send().await {
            Ok(answer) => answer.status() == 200,
            Err(_) => false,
        }
    }
}

#[tokio::test]
async fn each_listener_has_tls_of_its_own() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let door = Door::with(&json!({"mode": "STRICT", "certificate": ours.vouch_for("door.demo")})).await;
    door.takes(&json!({"validation": {"trust": ours.trust()}})).await;
    door.is_not_reached_with(&json!({"validation": {"trust": theirs.trust()}}))
        .await;
    assert!(!door.speaks_plaintext(SECURED).await);
    assert!(door.speaks_plaintext(PLAIN).await);
}

#[tokio::test]
async fn permissive_accepts_both_and_disabled_has_no_tls() {
    let ours = Authority::new();
    let with = |mode: &str| json!({"mode": mode, "certificate": ours.vouch_for("door.demo")});
    let checked = json!({"validation": {"trust": ours.trust()}});
    let permissive = Door::with(&with("PERMISSIVE")).await;
    permissive.takes(&checked).await;
    assert!(permissive.speaks_plaintext(SECURED).await);

    let disabled = Door::with(&with("DISABLED")).await;
    disabled.is_not_reached_with(&checked).await;
    assert!(disabled.speaks_plaintext(SECURED).await);
}

#[tokio::test]
async fn the_certificate_of_an_external_client_is_verified_if_required() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let wanted = json!({"trust": ours.trust(), "subjectAlternativeNames": only(&["partner.example.com"])});
    let door = Door::with(&json!({
        "mode": "STRICT", "certificate": ours.vouch_for("door.demo"), "validation": wanted,
    }))
    .await;
    let validation = json!({"trust": ours.trust()});
    let with = |certificate: Value| json!({"validation": validation, "certificate": certificate});
    door.takes(&with(ours.vouch_for("partner.example.com"))).await;
    door.is_not_reached_with(&with(ours.vouch_for("other.example.com")))
        .await;
    door.is_not_reached_with(&with(theirs.vouch_for("partner.example.com")))
        .await;
    door.is_not_reached_with(&json!({"validation": validation})).await;
}

#[tokio::test]
async fn a_gateway_uses_the_policy_of_its_backend_defaults() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let tls = json!({"tls": {
        "mode": "STRICT",
        "certificate": ours.vouch_for("blue.demo"),
        "validation": {"trust": ours.trust(), "subjectAlternativeNames": only(&["door.demo"])},
    }});
    let gateway = |authority: &Authority| {
        json!({
            "listeners": [{"portMapping": {"port": PLAIN, "protocol": "http"}}],
            "backendDefaults": {"clientPolicy": {"tls": {
                "certificate": ours.vouch_for("door.demo"), "validation": {"trust": authority.trust()},
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
    let application = Upstream::start("blue", Manner::Name).await;
    let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
    demo.serve("blue", &[blue.ingress(PORT)]);
    for (authority, expected) in [(&ours, (200, None)), (&theirs, (503, Some("unreachable")))] {
        demo.describe(&[("virtualGateway/door", gateway(authority))]);
        let door = MeshNode::gateway(&demo.mesh, "door", &[PLAIN]).await;
        let answer = door.get_at(PLAIN, "example.com", "/").await;
        assert_eq!(marked(&answer), expected);
    }
}
