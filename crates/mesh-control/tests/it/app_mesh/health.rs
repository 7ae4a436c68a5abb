//! Active health checks.

use std::net::SocketAddr;

use mesh_control::node::tcp_egress_listener;
use serde_json::{Value, json};

use super::demo_mesh::{Demo, PORT, by_node, caller, http, node_speaking, node_with};
use super::tcp::who_answers;
use crate::harness::{
    Health, Http2Caller, Http2Upstream, Manner, MeshNode, ReservedPort, TcpUpstream, Upstream, eventually,
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
    let blue = Upstream::start("blue", Manner::Name).await;
    demo.serve("blue", &[blue.address]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    let load = caller.load("shop.demo").await;
    for (interval, shown) in [(5000, "5s"), (7000, "7s")] {
        demo.describe(&[("virtualNode/blue", check(interval))]);
        eventually("the health check is in force", async || {
            let page = caller.envoy.page("/config_dump?resource=dynamic_active_clusters").await;
            if page.contains(&format!("\"interval\": \"{shown}\"")) {
                Ok(())
            } else {
                Err(page)
            }
        })
        .await;
        load.another(50).await;
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
        ("virtualNode/blue", node_speaking("blue", protocol, &check(protocol))),
        ("virtualService/shop.demo", by_node("blue")),
    ])
    .await;
    demo.serve("blue", &tasks);
    let listeners = match protocol {
        "tcp" => vec![tcp_egress_listener("shop.demo", PORT)],
        _ => Vec::new(),
    };
    let caller = MeshNode::start(&demo.mesh, "virtualNode/caller", &listeners, &[]).await;
    (demo, caller)
}

/// Checks that several responses come from the healthy host.
async fn only_the_healthy_host(answer: impl AsyncFn() -> String) {
    for _ in 0..10 {
        assert_eq!(answer().await, "well");
    }
}

/// Waits for a response of the other host.
async fn both_hosts(answer: impl AsyncFn() -> String) {
    eventually("it comes back", async || match answer().await.as_str() {
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
    let well = Upstream::start("well", Manner::Name).await;
    let moody = Upstream::start("moody", Manner::Name).await;
    moody.feels(Health::Ill);
    let (_demo, caller) = checked("http", [well.address, moody.address]).await;
    let answer = async || caller.get("shop.demo", "/").await.body;
    only_the_healthy_host(answer).await;
    moody.feels(Health::Well);
    both_hosts(answer).await;
    moody.feels(Health::Ill);
    caller
        .envoy
        .stat_is("cluster.cds_egress_demo_blue_http_8080.membership_healthy", 1)
        .await;
    only_the_healthy_host(answer).await;
}

async fn an_unhealthy_http2_or_grpc_host(protocol: &str) {
    let well = Http2Upstream::start("well").await;
    let moody = Http2Upstream::start("moody").await;
    moody.feels(Health::Ill);
    let (_demo, member) = checked(protocol, [well.address, moody.address]).await;
    let caller = Http2Caller::of("shop.demo", member.egress()).await;
    let answer = async || caller.call("/shop.Cart/Add", "", &[]).await.expect("an answer");
    only_the_healthy_host(answer).await;
    moody.feels(Health::Well);
    both_hosts(answer).await;
}

async fn a_tcp_host_that_refuses_connections() {
    let well = TcpUpstream::start("well").await;
    let port = ReservedPort::pick();
    let (_demo, caller) = checked("tcp", [well.address, port.address()]).await;
    let at = caller.listener(&tcp_egress_listener("shop.demo", PORT));
    let answer = async || who_answers(at).await;
    only_the_healthy_host(answer).await;
    let failed = "cluster.cds_egress_demo_blue_tcp_8080.upstream_cx_connect_fail";
    assert_eq!(caller.envoy.stat(failed).await, 0, "no health check was sent");
    let _moody = TcpUpstream::on(port.listen(), "moody");
    both_hosts(answer).await;
}
