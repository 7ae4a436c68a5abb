//! Calls between nodes, and to unknown hosts.

use std::net::SocketAddr;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::demo_mesh::{Demo, PORT, by_node, caller, http, marked, node};
use super::gateway::GATEWAY_PORT;
use crate::harness::{Behaviour, MeshNode, Upstream};

#[tokio::test]
async fn a_call_passes_the_envoys_of_both_nodes() {
    let demo = Demo::start(&[
        ("virtualNode/caller", caller(&["shop.demo"])),
        ("virtualNode/blue", node("blue", "http")),
        ("virtualService/shop.demo", by_node("blue")),
    ])
    .await;
    let application = Upstream::start("blue", Behaviour::Name).await;
    let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
    demo.set_endpoints("blue", &[blue.ingress(PORT)]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    for host in ["shop.demo", "shop.demo:8080"] {
        let response = caller.get(host, "/").await;
        assert_eq!((response.status, response.body.as_str()), (200, "blue"), "{host}");
    }
    assert_eq!(
        blue.envoy
            .stat("cluster.cds_ingress_demo_blue_http_8080.upstream_rq_200")
            .await,
        2
    );
}

#[tokio::test]
async fn a_call_to_an_unknown_host_gets_a_local_reply() {
    let demo = Demo::with_routes(&[("cart", http(json!({"prefix": "/cart"}), &[("blue", 1)]))]).await;
    demo.put(&[
        ("virtualNode/caller", caller(&["shop.demo", "empty.demo"])),
        ("virtualService/empty.demo", json!({})),
    ]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;

    let unknown = caller.get("elsewhere.demo", "/").await;
    assert_eq!(marked(&unknown), (404, Some("unknown-service")));
    let explanation = "virtual node caller has the backends shop.demo, empty.demo, and the mesh drops all other calls";
    assert!(unknown.body.contains(explanation), "{}", unknown.body);

    assert_eq!(
        marked(&caller.get("shop.demo", "/other").await),
        (404, Some("no-route"))
    );

    let empty = caller.get("empty.demo", "/").await;
    assert_eq!(marked(&empty), (503, Some("no-healthy-endpoint")));
    assert!(
        empty.body.contains("virtual service empty.demo has no provider"),
        "{}",
        empty.body
    );
}

#[tokio::test]
async fn a_local_reply_header_of_an_application_is_removed() {
    let demo = Demo::start(&[("virtualNode/blue", node("blue", "http"))]).await;
    let application = Upstream::start("blue", Behaviour::ForgedLocalReply).await;
    let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
    let response = blue.get_at(PORT, "blue.demo", "/").await;
    assert_eq!((marked(&response), response.body.as_str()), ((404, None), "blue"));
}

#[tokio::test]
async fn allow_all_forwards_other_calls() {
    let demo = Demo::with_routes(&[("all", http(json!({"prefix": "/"}), &[("blue", 1)]))]).await;
    demo.put(&[("mesh", json!({"egressFilter": {"type": "ALLOW_ALL"}}))]);
    let (blue, outside) = tokio::join!(
        Upstream::start("blue", Behaviour::Name),
        Upstream::start("outside", Behaviour::Name)
    );
    demo.set_endpoints("blue", &[blue.address]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    assert_eq!(caller.get("shop.demo", "/").await.body, "blue");
    let response = caller.get(&outside.address.to_string(), "/").await;
    assert_eq!((response.status, response.body.as_str()), (200, "outside"));
}

/// WebSockets begin as HTTP, and continue as bytes.
#[tokio::test]
async fn a_websocket_passes_the_envoys_of_both_nodes() {
    let demo = Demo::with_routes(&[("all", http(json!({"prefix": "/"}), &[("blue", 1)]))]).await;
    let application = switching().await;
    let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application)]).await;
    demo.set_endpoints("blue", &[blue.ingress(PORT)]);
    let caller = MeshNode::calling(&demo.mesh, "caller").await;
    assert_switches(caller.egress()).await;
}

#[tokio::test]
async fn a_websocket_passes_a_gateway_with_http2() {
    let demo = Demo::with_routes(&[("all", http(json!({"prefix": "/"}), &[("blue", 1)]))]).await;
    let target = json!({"target": {"virtualService": {"virtualServiceName": "shop.demo"}}});
    demo.put(&[
        (
            "virtualGateway/door",
            json!({"listeners": [{"portMapping": {"port": GATEWAY_PORT, "protocol": "http2"}}]}),
        ),
        (
            "virtualGateway/door/gatewayRoute/all",
            json!({"http2Route": {"match": {"prefix": "/"}, "action": target}}),
        ),
    ]);
    let application = switching().await;
    let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application)]).await;
    demo.set_endpoints("blue", &[blue.ingress(PORT)]);
    let gateway = MeshNode::gateway(&demo.mesh, "door", &[GATEWAY_PORT]).await;
    assert_switches(gateway.ingress(GATEWAY_PORT)).await;
}

#[tokio::test]
async fn a_node_reaches_itself_by_its_own_name() {
    let demo = Demo::start(&[
        ("virtualNode/blue", node("blue", "http")),
        ("virtualNode/green", node("green", "http")),
        ("virtualService/blue.demo", by_node("blue")),
    ])
    .await;
    let application = Upstream::start("blue", Behaviour::Echo).await;
    let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
    for host in ["blue.demo", "blue.demo:8080"] {
        let response = blue.get(host, "/x").await;
        assert_eq!((response.status, response.body), (200, format!("{host}/x")));
    }
    for host in ["blue.demo:8081", "green.demo"] {
        assert_eq!(
            marked(&blue.get(host, "/").await),
            (404, Some("unknown-service")),
            "{host}"
        );
    }
}

/// Opens a WebSocket at an Envoy, and sends bytes through it.
async fn assert_switches(at: SocketAddr) {
    let mut connection = TcpStream::connect(at).await.expect("Envoy listens");
    let request = "GET / HTTP/1.1\r\nhost: shop.demo\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    connection.write_all(request.as_bytes()).await.expect("Envoy reads");
    let mut received = Vec::new();
    while !received.ends_with(b"\r\n\r\n") {
        received.push(connection.read_u8().await.expect("a response"));
    }
    let received = String::from_utf8_lossy(&received);
    assert!(received.starts_with("HTTP/1.1 101 Switching Protocols"), "{received}");
    connection.write_all(b"\x00bytes\xff").await.expect("Envoy reads");
    let mut echo = [0; 7];
    connection.read_exact(&mut echo).await.expect("an echo");
    assert_eq!(&echo, b"\x00bytes\xff");
}

/// An application that switches protocols, and then echoes.
async fn switching() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.expect("a connection");
        let mut received = Vec::new();
        while !received.ends_with(b"\r\n\r\n") {
            received.push(connection.read_u8().await.expect("a request"));
        }
        let response = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
        connection.write_all(response).await.expect("a listener");
        let (mut from, mut to) = connection.split();
        tokio::io::copy(&mut from, &mut to).await.expect("an end");
    });
    address
}
