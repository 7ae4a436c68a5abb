//! Connection pools: limits of concurrent requests and connections.

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tonic::Code;

use super::demo_mesh::{Demo, PORT, marked, node_with, node_with_protocol};
use super::tcp::responding_application;
use crate::harness::{
    self, Behaviour, Http2Caller, Http2Upstream, MeshNode, SILENCE, TcpUpstream, Upstream, eventually,
};

#[tokio::test]
async fn a_full_connection_pool_rejects_requests() {
    let pool = json!({"connectionPool": {"http": {"maxConnections": 1, "maxPendingRequests": 1}}});
    let demo = Demo::start(&[("virtualNode/blue", node_with("blue", &pool))]).await;
    let application = Upstream::start("blue", Behaviour::Silence).await;
    let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
    let at = blue.ingress(PORT);
    let cluster = "cluster.cds_ingress_demo_blue_http_8080";
    let first = tokio::spawn(blue.request(at, "blue.demo", "/").send());
    // The first has the connection; only then another one is pending.
    application.wait_for_requests(1).await;
    let second = tokio::spawn(blue.request(at, "blue.demo", "/").send());
    blue.envoy
        .wait_for_stat(&format!("{cluster}.upstream_rq_pending_active"), 1)
        .await;
    let response = blue.get_at(PORT, "blue.demo", "/").await;
    assert_eq!(marked(&response), (503, Some("unreachable")));
    assert_eq!(
        blue.envoy
            .stat(&format!("{cluster}.upstream_rq_pending_overflow"))
            .await,
        1
    );
    first.abort();
    second.abort();
}

#[tokio::test]
async fn a_request_limit_rejects_http2_and_grpc_requests() {
    for protocol in ["http2", "grpc"] {
        let pool = json!({"connectionPool": {protocol: {"maxRequests": 1}}});
        let demo = Demo::start(&[("virtualNode/blue", node_with_protocol("blue", protocol, &pool))]).await;
        let application = Http2Upstream::start("blue").await;
        let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
        let caller = Http2Caller::of("blue.demo", blue.ingress(PORT)).await;
        let path = "/shop.Cart/Add";
        let silent = caller.clone();
        let first = tokio::spawn(async move { silent.call(path, SILENCE, &[]).await });
        application.wait_for_requests(1).await;
        let error = caller
            .call(path, "", &[])
            .await
            .expect_err("the connection pool is full");
        assert_eq!(
            harness::marked(&error),
            (Code::Unavailable, Some("unreachable")),
            "{protocol}"
        );
        assert_eq!(application.requests(), 1, "{protocol}");

        // A cancelled request frees its slot.
        first.abort();
        eventually("the connection pool has capacity", async || {
            caller.call(path, "", &[]).await.map_err(|error| error.to_string())
        })
        .await;
    }
}

#[tokio::test]
async fn a_connection_limit_rejects_tcp_connections() {
    let pool = json!({"connectionPool": {"tcp": {"maxConnections": 1}}});
    let demo = Demo::start(&[("virtualNode/blue", node_with_protocol("blue", "tcp", &pool))]).await;
    let application = TcpUpstream::start("blue").await;
    let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
    let at = blue.ingress(PORT);
    let mut first = TcpStream::connect(at).await.expect("Envoy listens");
    let mut name = [0; 4];
    first.read_exact(&mut name).await.expect("a name");
    assert_eq!(responding_application(at).await, "");
    drop(first);
    eventually(
        "the connection pool has capacity",
        async || match responding_application(at).await.as_str() {
            "blue" => Ok(()),
            other => Err(other.to_owned()),
        },
    )
    .await;
}
