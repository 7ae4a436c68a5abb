//! TCP, and Cloud Map discovery.

use std::net::SocketAddr;

use mesh_control::node::tcp_egress_listener;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::demo_mesh::{Demo, by_node, by_router, caller, instance, node, router, to};
use crate::harness::{Behaviour, MeshNode, ReservedPort, TcpUpstream, Upstream, eventually};

/// The name of the responding application; empty if the connection is closed.
pub(super) async fn responding_application(at: SocketAddr) -> String {
    let mut connection = TcpStream::connect(at).await.expect("Envoy listens");
    let mut name = [0; 16];
    let length = connection.read(&mut name).await.unwrap_or(0);
    String::from_utf8_lossy(&name[..length]).into_owned()
}

#[tokio::test]
async fn connections_are_split_by_weight() {
    let route = |weights: &[(&str, u32)]| json!({"tcpRoute": {"action": to(weights)}});
    let demo = Demo::start(&[
        ("virtualNode/caller", caller(&["ledger.demo", "blue.demo"])),
        ("virtualNode/blue", node("blue", "tcp")),
        ("virtualNode/green", node("green", "tcp")),
        ("virtualService/ledger.demo", by_router("ledger")),
        ("virtualService/blue.demo", by_node("blue")),
        ("virtualRouter/ledger", router("tcp")),
        ("virtualRouter/ledger/route/all", route(&[("blue", 1), ("green", 1)])),
    ])
    .await;
    let blue = TcpUpstream::start("blue").await;
    let green = TcpUpstream::start("green").await;
    demo.set_endpoints("blue", &[blue.address]);
    demo.set_endpoints("green", &[green.address]);
    let listeners = [
        tcp_egress_listener("ledger.demo", 9000),
        tcp_egress_listener("blue.demo", 8080),
    ];
    let caller = MeshNode::start(&demo.mesh, "virtualNode/caller", &listeners, &[]).await;
    let [ledger, direct] = listeners.map(|name| caller.listener(&name));

    assert_eq!(responding_application(direct).await, "blue");
    let mut responses = Vec::new();
    for _ in 0..100 {
        responses.push(responding_application(ledger).await);
    }
    for name in ["blue", "green"] {
        let count = responses.iter().filter(|response| *response == name).count();
        assert!(count > 20, "{name}: {count}");
    }

    for (weights, expected) in [
        ([("blue", 0), ("green", 1)], "green"),
        ([("blue", 0), ("green", 0)], ""),
    ] {
        demo.put(&[("virtualRouter/ledger/route/all", route(&weights))]);
        eventually("the weights arrive", async || {
            for _ in 0..20 {
                let response = responding_application(ledger).await;
                if response != expected {
                    return Err(response);
                }
            }
            Ok(())
        })
        .await;
    }
}

#[tokio::test]
async fn a_route_with_a_port_matches_that_port_only() {
    let route = |port: u16, node: &str| json!({"tcpRoute": {"match": {"port": port}, "action": to(&[(node, 1)])}});
    let both = json!({"listeners": [
        {"portMapping": {"port": 9000, "protocol": "tcp"}},
        {"portMapping": {"port": 9001, "protocol": "tcp"}},
    ]});
    let demo = Demo::start(&[
        ("virtualNode/caller", caller(&["ledger.demo"])),
        ("virtualNode/blue", node("blue", "tcp")),
        ("virtualNode/green", node("green", "tcp")),
        ("virtualService/ledger.demo", by_router("ledger")),
        ("virtualRouter/ledger", both),
        ("virtualRouter/ledger/route/first", route(9000, "blue")),
        ("virtualRouter/ledger/route/second", route(9001, "green")),
    ])
    .await;
    let blue = TcpUpstream::start("blue").await;
    let green = TcpUpstream::start("green").await;
    demo.set_endpoints("blue", &[blue.address]);
    demo.set_endpoints("green", &[green.address]);
    let listeners = [9000, 9001].map(|port| tcp_egress_listener("ledger.demo", port));
    let caller = MeshNode::start(&demo.mesh, "virtualNode/caller", &listeners, &[]).await;
    let [first, second] = listeners.map(|name| caller.listener(&name));
    assert_eq!(responding_application(first).await, "blue");
    assert_eq!(responding_application(second).await, "green");
}

#[tokio::test]
async fn a_failed_connection_goes_to_another_host() {
    let demo = Demo::start(&[
        ("virtualNode/caller", caller(&["blue.demo"])),
        ("virtualNode/blue", node("blue", "tcp")),
        ("virtualService/blue.demo", by_node("blue")),
    ])
    .await;
    let gone = ReservedPort::pick();
    let healthy = TcpUpstream::start("well").await;
    demo.set_endpoints("blue", &[gone.address(), healthy.address]);
    let listener = tcp_egress_listener("blue.demo", 8080);
    let caller = MeshNode::start(&demo.mesh, "virtualNode/caller", std::slice::from_ref(&listener), &[]).await;
    for _ in 0..10 {
        assert_eq!(responding_application(caller.listener(&listener)).await, "well");
    }
    let failed = "cluster.cds_egress_demo_blue_tcp_8080.upstream_cx_connect_fail";
    assert!(caller.envoy.stat(failed).await > 0, "it received requests");
}

#[tokio::test]
async fn only_instances_with_all_attributes_are_endpoints() {
    let found_by = |attributes: Value| {
        json!({
            "listeners": [{"portMapping": {"port": 8080, "protocol": "http"}}],
            "serviceDiscovery": {"awsCloudMap": {
                "namespaceName": "shop", "serviceName": "blue", "attributes": attributes,
            }},
        })
    };
    let demo = Demo::start(&[
        ("virtualNode/caller", caller(&["all.demo", "second.demo"])),
        ("virtualNode/all", found_by(json!([]))),
        (
            "virtualNode/second",
            found_by(json!([{"key": "version", "value": "2"}])),
        ),
        ("virtualService/all.demo", by_node("all")),
        ("virtualService/second.demo", by_node("second")),
    ])
    .await;
    let (first, second) = (
        Upstream::start("1", Behaviour::Name).await,
        Upstream::start("2", Behaviour::Name).await,
    );
    let tasks = vec![
        instance(first.address, &[("version", "1")]),
        instance(second.address, &[("version", "2"), ("colour", "blue")]),
    ];
    let key = ("shop".to_owned(), "blue".to_owned());
    demo.mesh
        .control
        .update(|state| drop(state.node_endpoints.insert(key, tasks)));
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    for _ in 0..10 {
        assert_eq!(caller.get("second.demo", "/").await.body, "2");
        assert_eq!(caller.get("all.demo", "/").await.status, 200);
    }
    assert_eq!((first.requests(), second.requests()), (5, 15));
}
