//! Active health checks.

use std::net::SocketAddr;

use mesh_control::node::tcp_egress_listener;
use serde_json::{Value, json};

use super::demo_mesh::{Demo, PORT, by_node, caller, http, node_with, node_with_protocol};
use super::tcp::responding_application;
use crate::harness::{
    Behaviour, Health, Http2Caller, Http2Upstream, MeshNode, ReservedPort, TcpUpstream, Upstream, eventually,
};

#[tokio::test]
async fn a_changed_health_check_loses_no_request() {
    let check = |interval: u32| {
        let check = json!({"healthCheck": {
            "protocol": "http", "path": "/", "intervalMillis": interval, "timeoutMillis": 2000,
            "healthyThreshold": 2, "unhealthyThreshold": 2,
        }});
        node_with("blue", &check)
    };
    let demo = Demo::with_routes(&[("all", http(json!({"prefix": "/"}), &[("blue", 1)]))]).await;
    let blue = Upstream::start("blue", Behaviour::Name).await;
    demo.set_endpoints("blue", &[blue.address]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    let load = caller.load("shop.demo").await;
    for (interval, shown) in [(5000, "5s"), (7000, "7s")] {
        demo.put(&[("virtualNode/blue", check(interval))]);
        eventually("the health check is in force", async || {
            let page = caller.envoy.page("/config_dump?resource=dynamic_active_clusters").await;
            if page.contains(&format!("\"interval\": \"{shown}\"")) {
                Ok(())
            } else {
                Err(page)
            }
        })
        .await;
        load.wait_for_responses(50).await;
    }
    load.stop_without_failures().await;
}

/// A health check with the shortest interval.
fn check(protocol: &str) -> Value {
    let mut check = json!({
        "protocol": protocol, "intervalMillis": 5000, "timeoutMillis": 2000,
        "healthyThreshold": 2, "unhealthyThreshold": 2,
    });
    if protocol.starts_with("http") {
        check["path"] = json!("/health");
    }
    json!({"healthCheck": check})
}

/// A mesh with calls to `shop.demo`, a node with two tasks and a health check.
async fn checked(protocol: &str, tasks: [SocketAddr; 2]) -> (Demo, MeshNode) {
    let demo = Demo::start(&[
        ("virtualNode/caller", caller(&["shop.demo"])),
        (
            "virtualNode/blue",
            node_with_protocol("blue", protocol, &check(protocol)),
        ),
        ("virtualService/shop.demo", by_node("blue")),
    ])
    .await;
    demo.set_endpoints("blue", &tasks);
    let listeners = match protocol {
        "tcp" => vec![tcp_egress_listener("shop.demo", PORT)],
        _ => Vec::new(),
    };
    let caller = MeshNode::start(&demo.mesh, "virtualNode/caller", &listeners, &[]).await;
    (demo, caller)
}

/// Checks that several responses come from the healthy host.
async fn only_the_healthy_host(response: impl AsyncFn() -> String) {
    for _ in 0..10 {
        assert_eq!(response().await, "well");
    }
}

/// Waits for a response of the other host.
async fn both_hosts(response: impl AsyncFn() -> String) {
    eventually("the host recovers", async || match response().await.as_str() {
        "moody" => Ok(()),
        other => Err(other.to_owned()),
    })
    .await;
}

/// Concurrently: each waits for health checks with an interval of at least 5 s.
#[tokio::test]
async fn an_unhealthy_host_gets_no_requests_until_it_recovers() {
    tokio::join!(
        an_unhealthy_http_host(),
        an_unhealthy_http2_or_grpc_host("http2"),
        an_unhealthy_http2_or_grpc_host("grpc"),
        a_tcp_host_that_refuses_connections(),
    );
}

async fn an_unhealthy_http_host() {
    let healthy = Upstream::start("well", Behaviour::Name).await;
    let flapping = Upstream::start("moody", Behaviour::Name).await;
    flapping.set_health(Health::Unhealthy);
    let (_demo, caller) = checked("http", [healthy.address, flapping.address]).await;
    let response = async || caller.get("shop.demo", "/").await.body;
    only_the_healthy_host(response).await;
    flapping.set_health(Health::Healthy);
    both_hosts(response).await;
    flapping.set_health(Health::Unhealthy);
    caller
        .envoy
        .wait_for_stat("cluster.cds_egress_demo_blue_http_8080.membership_healthy", 1)
        .await;
    only_the_healthy_host(response).await;
}

async fn an_unhealthy_http2_or_grpc_host(protocol: &str) {
    let healthy = Http2Upstream::start("well").await;
    let flapping = Http2Upstream::start("moody").await;
    flapping.set_health(Health::Unhealthy);
    let (_demo, client) = checked(protocol, [healthy.address, flapping.address]).await;
    let caller = Http2Caller::of("shop.demo", client.egress()).await;
    let response = async || caller.call("/shop.Cart/Add", "", &[]).await.expect("a response");
    only_the_healthy_host(response).await;
    flapping.set_health(Health::Healthy);
    both_hosts(response).await;
}

async fn a_tcp_host_that_refuses_connections() {
    let healthy = TcpUpstream::start("well").await;
    let port = ReservedPort::pick();
    let (_demo, caller) = checked("tcp", [healthy.address, port.address()]).await;
    let at = caller.listener(&tcp_egress_listener("shop.demo", PORT));
    let response = async || responding_application(at).await;
    only_the_healthy_host(response).await;
    let failed = "cluster.cds_egress_demo_blue_tcp_8080.upstream_cx_connect_fail";
    assert_eq!(caller.envoy.stat(failed).await, 0, "no health check was sent");
    let _moody = TcpUpstream::on(port.listen(), "moody");
    both_hosts(response).await;
}
