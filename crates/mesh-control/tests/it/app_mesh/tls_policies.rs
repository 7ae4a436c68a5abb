//! TLS client policies, their ports, and protocols over TLS.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use mesh_control::NodeEndpoint;
use mesh_control::node::tcp_egress_listener;
use serde_json::{Value, json};
use tonic::Code;

use super::demo_mesh::{Demo, PORT, by_node, caller, instance, marked, node, node_with, node_with_protocol};
use super::tcp::responding_application;
use super::tls_fixture::Authority;
use crate::harness::{self, Behaviour, Http2Caller, Http2Upstream, MeshNode, TcpUpstream, Upstream};

/// A backend, with or without a policy of its own.
fn backend(service: &str, policy: Option<&Value>) -> Value {
    let mut backend = json!({"virtualServiceName": service});
    if let Some(policy) = policy {
        backend["clientPolicy"] = json!({"tls": policy});
    }
    json!({"virtualService": backend})
}

fn trusting(authority: &Authority) -> Value {
    json!({"validation": {"trust": authority.trust()}})
}

#[tokio::test]
async fn a_backend_policy_overrides_the_default_even_for_the_same_node() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let tls = json!({"tls": {"mode": "STRICT", "certificate": ours.issue("blue.demo")}});
    let (right, wrong) = (trusting(&ours), trusting(&theirs));
    let demo = Demo::start(&[
        (
            "virtualNode/caller",
            json!({
                "backendDefaults": {"clientPolicy": {"tls": wrong}},
                "backends": [backend("own.demo", Some(&right)), backend("default.demo", None)],
            }),
        ),
        ("virtualNode/blue", node_with("blue", &tls)),
        ("virtualService/own.demo", by_node("blue")),
        ("virtualService/default.demo", by_node("blue")),
    ])
    .await;
    let application = Upstream::start("blue", Behaviour::Name).await;
    let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
    demo.set_endpoints("blue", &[blue.ingress(PORT)]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    assert_eq!(caller.get("own.demo", "/").await.body, "blue");
    let other = caller.get("default.demo", "/").await;
    assert_eq!(marked(&other), (503, Some("unreachable")));
}

#[tokio::test]
async fn a_policy_with_ports_holds_for_those_only() {
    const PLAIN: u16 = 8081;
    let ours = Authority::new();
    let theirs = Authority::new();
    let secured = node_with(
        "blue",
        &json!({"tls": {"mode": "STRICT", "certificate": ours.issue("blue.demo")}}),
    );
    let mut both = secured;
    let listeners = both["listeners"].as_array_mut().expect("listeners");
    listeners.push(json!({"portMapping": {"port": PLAIN, "protocol": "http"}}));
    let calling = |policy: &Value| json!({"backends": [backend("shop.demo", Some(policy))]});
    let demo = Demo::start(&[
        ("virtualNode/caller", calling(&trusting(&ours))),
        ("virtualNode/blue", both),
        ("virtualService/shop.demo", by_node("blue")),
    ])
    .await;
    let application = Upstream::start("blue", Behaviour::Name).await;
    let ports = [PORT, PLAIN].map(|port| (port, application.address));
    let blue = MeshNode::serving(&demo.mesh, "blue", &ports).await;
    let task = NodeEndpoint {
        id: "blue/1".to_owned(),
        addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        attributes: [].into(),
        ingress: [PORT, PLAIN].map(|port| (port, blue.ingress(port))).into(),
    };
    demo.mesh
        .control
        .update(|state| drop(state.dns_endpoints.insert("blue.demo".to_owned(), vec![task])));

    let for_ports = |authority: &Authority, ports: &[u16]| {
        let mut policy = trusting(authority);
        policy["ports"] = json!(ports);
        policy
    };
    let (healthy, unreachable) = ((200, None), (503, Some("unreachable")));
    for (policy, secured, plain) in [
        (trusting(&ours), healthy, unreachable),
        (for_ports(&ours, &[PORT]), healthy, healthy),
        (for_ports(&theirs, &[PORT]), unreachable, healthy),
        // The other port is called with TLS because it offers it, without verification.
        (for_ports(&theirs, &[PLAIN]), healthy, unreachable),
        (for_ports(&ours, &[PORT, PLAIN]), healthy, unreachable),
    ] {
        demo.put(&[("virtualNode/caller", calling(&policy))]);
        let caller = MeshNode::calling(&demo.mesh, "caller").await;
        for (port, expected) in [(PORT, secured), (PLAIN, plain)] {
            let response = caller.get(&format!("shop.demo:{port}"), "/").await;
            assert_eq!(marked(&response), expected, "{port}, {policy}");
        }
    }
}

#[tokio::test]
async fn tls_carries_http2_grpc_and_bytes() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let tls = json!({"tls": {"mode": "STRICT", "certificate": ours.issue("blue.demo")}});
    let (http2, tcp) = (Http2Upstream::start("blue").await, TcpUpstream::start("blue").await);
    for protocol in ["http2", "grpc", "tcp"] {
        let calling = |authority: &Authority| json!({"backends": [backend("shop.demo", Some(&trusting(authority)))]});
        let demo = Demo::start(&[
            ("virtualNode/caller", calling(&ours)),
            ("virtualNode/blue", node_with_protocol("blue", protocol, &tls)),
            ("virtualService/shop.demo", by_node("blue")),
        ])
        .await;
        let application = if protocol == "tcp" { tcp.address } else { http2.address };
        let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application)]).await;
        demo.set_endpoints("blue", &[blue.ingress(PORT)]);
        let bytes = tcp_egress_listener("shop.demo", PORT);
        let listeners = if protocol == "tcp" {
            vec![bytes.clone()]
        } else {
            Vec::new()
        };
        for (authority, is_trusted) in [(&ours, true), (&theirs, false)] {
            demo.put(&[("virtualNode/caller", calling(authority))]);
            let caller = MeshNode::start(&demo.mesh, "virtualNode/caller", &listeners, &[]).await;
            if protocol == "tcp" {
                let expected = if is_trusted { "blue" } else { "" };
                assert_eq!(responding_application(caller.listener(&bytes)).await, expected);
                continue;
            }
            let caller = Http2Caller::of("shop.demo", caller.egress()).await;
            let response = caller.call("/shop.Cart/Add", "", &[]).await;
            let response = response.as_deref().map_err(harness::marked);
            let expected = if is_trusted {
                Ok("blue")
            } else {
                Err((Code::Unavailable, Some("unreachable")))
            };
            assert_eq!(response, expected, "{protocol}");
        }
    }
}

#[tokio::test]
async fn the_default_name_of_a_cloud_map_node_is_service_and_namespace() {
    let ours = Authority::new();
    let found = |name: &str| {
        json!({
            "listeners": [{
                "portMapping": {"port": PORT, "protocol": "http"},
                "tls": {"mode": "STRICT", "certificate": ours.issue(name)},
            }],
            "serviceDiscovery": {"awsCloudMap": {"namespaceName": "shop", "serviceName": "blue"}},
        })
    };
    let application = Upstream::start("blue", Behaviour::Name).await;
    for (name, expected) in [("blue.shop", (200, None)), ("blue.demo", (503, Some("unreachable")))] {
        let demo = Demo::start(&[
            (
                "virtualNode/caller",
                json!({"backends": [backend("shop.demo", Some(&trusting(&ours)))]}),
            ),
            ("virtualNode/blue", found(name)),
            ("virtualService/shop.demo", by_node("blue")),
        ])
        .await;
        let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
        let key = ("shop".to_owned(), "blue".to_owned());
        let tasks = vec![instance(blue.ingress(PORT), &[])];
        demo.mesh
            .control
            .update(|state| drop(state.node_endpoints.insert(key, tasks)));
        let caller = MeshNode::calling(&demo.mesh, "caller").await;
        assert_eq!(marked(&caller.get("shop.demo", "/").await), expected, "{name}");
    }
}

#[tokio::test]
async fn acm_certificates_have_no_plaintext_fallback() {
    let arn = "arn:aws:acm:eu-west-1:123456789012:certificate/1";
    let tls = json!({"mode": "PERMISSIVE", "certificate": {"acm": {"certificateArn": arn}}});
    let trust = json!({"validation": {"trust": {"acm": {"certificateAuthorityArns": [arn]}}}});
    let demo = Demo::start(&[
        (
            "virtualNode/caller",
            json!({"backends": [backend("shop.demo", Some(&trust)), backend("other.demo", None)]}),
        ),
        ("virtualNode/blue", node("blue", "http")),
        ("virtualNode/green", node_with("green", &json!({"tls": tls}))),
        ("virtualService/shop.demo", by_node("blue")),
        ("virtualService/other.demo", by_node("green")),
    ])
    .await;
    let application = Upstream::start("blue", Behaviour::Name).await;
    let green = MeshNode::serving(&demo.mesh, "green", &[(PORT, application.address)]).await;
    demo.set_endpoints("blue", &[application.address]);
    demo.set_endpoints("green", &[green.ingress(PORT)]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;

    let response = caller.get("shop.demo", "/").await;
    assert_eq!(marked(&response), (503, Some("no-healthy-endpoint")));
    let noted = demo.notes("virtualNode/caller").await;
    assert!(noted.iter().any(|note| note.contains("`shop.demo`")), "{noted:?}");

    let response = caller.get("other.demo", "/").await;
    assert_eq!(marked(&response), (503, Some("unreachable")));
    let at: SocketAddr = green.ingress(PORT);
    assert!(green.request(at, "green.demo", "/").send().await.is_err());
    let noted = demo.notes("virtualNode/green").await;
    assert!(noted.iter().any(|note| note.contains("port 8080")), "{noted:?}");
    assert_eq!(application.requests(), 0);
}

#[tokio::test]
async fn without_a_policy_tls_follows_the_listener() {
    let ours = Authority::new();
    let applications = |mode: &str| {
        let tls = json!({"mode": mode, "certificate": ours.issue("blue.demo")});
        node_with("blue", &json!({"tls": tls}))
    };
    let demo = Demo::start(&[
        ("virtualNode/caller", caller(&["shop.demo"])),
        ("virtualNode/blue", applications("STRICT")),
        ("virtualService/shop.demo", by_node("blue")),
    ])
    .await;
    let application = Upstream::start("blue", Behaviour::Name).await;
    for (mode, handshakes) in [("STRICT", 1), ("PERMISSIVE", 1), ("DISABLED", 0)] {
        demo.put(&[("virtualNode/blue", applications(mode))]);
        let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
        demo.set_endpoints("blue", &[blue.ingress(PORT)]);
        let caller = MeshNode::calling(&demo.mesh, "caller").await;
        assert_eq!(caller.get("shop.demo", "/").await.body, "blue", "{mode}");
        let handshake = "cluster.cds_egress_demo_blue_http_8080.ssl.handshake";
        assert_eq!(caller.envoy.stat(handshake).await, handshakes, "{mode}");
    }
}
