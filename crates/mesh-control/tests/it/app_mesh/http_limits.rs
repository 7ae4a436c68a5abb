//! Limits of headers, old versions of HTTP, and responses that an Envoy makes itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mesh_control::HeaderLimits;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::demo_mesh::{Demo, PORT, by_node, caller, marked, node};
use super::gateway::{GATEWAY_PORT, gateway_spec, to_shop};
use crate::harness::MeshNode;

/// An application without limits of its own, which responds with host and path of the request.
struct Application {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Application {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        let server = tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(respond(connection, Arc::clone(&count)));
            }
        });
        Self {
            address,
            requests,
            server,
        }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Responds to the requests of a connection until its end.
async fn respond(connection: TcpStream, requests: Arc<AtomicUsize>) {
    let mut connection = BufStream::new(connection);
    loop {
        let (mut path, mut host) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            match connection.read_line(&mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            match line.trim_end().split_once(' ') {
                None if line.trim_end().is_empty() => break,
                Some(("host:", value)) => value.clone_into(&mut host),
                Some((_, rest)) if path.is_empty() => rest.split(' ').next().unwrap_or_default().clone_into(&mut path),
                _ => {}
            }
        }
        requests.fetch_add(1, Ordering::Relaxed);
        let body = format!("{host}{path}");
        let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        if connection.write_all(response.as_bytes()).await.is_err() || connection.flush().await.is_err() {
            return;
        }
    }
}

/// A caller, a gateway, and the node `shop` that both call.
struct Shop {
    demo: Demo,
    caller: MeshNode,
    gateway: MeshNode,
    _node: MeshNode,
    application: Application,
}

impl Shop {
    async fn start() -> Self {
        let demo = Demo::start(&[
            ("virtualNode/caller", caller(&["shop.demo"])),
            ("virtualNode/shop", node("shop", "http")),
            ("virtualService/shop.demo", by_node("shop")),
            ("virtualGateway/door", gateway_spec()),
            (
                "virtualGateway/door/gatewayRoute/all",
                to_shop(&json!({"prefix": "/"}), &Value::Null),
            ),
        ])
        .await;
        let application = Application::start().await;
        let node = MeshNode::serving(&demo.mesh, "shop", &[(PORT, application.address)]).await;
        demo.set_endpoints("shop", &[node.ingress(PORT)]);
        Self {
            caller: MeshNode::calling(&demo.mesh, "caller").await,
            gateway: MeshNode::gateway(&demo.mesh, "door", &[GATEWAY_PORT]).await,
            _node: node,
            application,
            demo,
        }
    }

    /// Where applications and external clients call.
    fn doors(&self) -> [SocketAddr; 2] {
        [self.caller.egress(), self.gateway.ingress(GATEWAY_PORT)]
    }

    /// Status and mark of the response to a request with a header of so many KiB.
    async fn with_header(&self, at: SocketAddr, kib: usize) -> (u16, Option<String>) {
        let request = self.caller.request(at, "shop.demo", "/");
        let response = self
            .caller
            .response(request.header("x-large", "a".repeat(kib * 1024)))
            .await;
        (response.status, response.fault)
    }
}

#[tokio::test]
async fn headers_of_up_to_96_kib_pass_and_larger_ones_are_rejected_by_the_first_envoy() {
    let shop = Shop::start().await;
    for at in shop.doors() {
        assert_eq!(shop.with_header(at, 95).await, (200, None));
        let before = shop.application.requests();
        let rejected = (431, Some("headers-too-large".to_owned()));
        assert_eq!(shop.with_header(at, 97).await, rejected);
        let mut request = shop.caller.request(at, "shop.demo", "/");
        for number in 0..900 {
            request = request.header(format!("x-{number}"), "1");
        }
        assert_eq!(marked(&shop.caller.response(request).await), (200, None));
        let mut request = shop.caller.request(at, "shop.demo", "/");
        for number in 0..1100 {
            request = request.header(format!("x-{number}"), "1");
        }
        assert_eq!(
            marked(&shop.caller.response(request).await),
            (431, Some("headers-too-large"))
        );
        assert_eq!(shop.application.requests() - before, 1);
    }
}

#[tokio::test]
async fn the_limits_can_be_set() {
    let shop = Shop::start().await;
    let limits = HeaderLimits { kib: 8, count: 20 };
    shop.demo.mesh.control.update(|state| state.header_limits = limits);
    shop.demo.settled(3).await;
    for at in shop.doors() {
        assert_eq!(shop.with_header(at, 7).await.0, 200);
        assert_eq!(shop.with_header(at, 9).await.0, 431);
    }
    let limits = HeaderLimits { kib: 300, count: 20 };
    shop.demo.mesh.control.update(|state| state.header_limits = limits);
    shop.demo.settled(3).await;
    for at in shop.doors() {
        assert_eq!(shop.with_header(at, 290).await.0, 200);
    }
}

#[tokio::test]
async fn http_1_0_is_served() {
    let shop = Shop::start().await;
    for at in shop.doors() {
        let response = raw(at, "GET /old HTTP/1.0\r\nHost: shop.demo\r\n\r\n").await;
        assert!(
            response.starts_with("HTTP/1.0 200 OK") && response.ends_with("shop.demo/old"),
            "{response}"
        );
    }
    // The routes of this gateway are for all hosts.
    let response = raw(shop.doors()[1], "GET /old HTTP/1.0\r\n\r\n").await;
    assert!(response.starts_with("HTTP/1.0 200 OK"), "{response}");
}

#[tokio::test]
async fn every_response_that_an_envoy_makes_itself_is_marked() {
    let shop = Shop::start().await;
    for at in shop.doors() {
        for (request, status, mark) in [
            ("GET / HTTP/1.1\r\n\r\n", "400", "rejected"),
            ("no HTTP\r\n\r\n", "400", "rejected"),
            (
                "GET / HTTP/1.1\r\nhost: shop.demo\r\ncontent-length: x\r\n\r\n",
                "400",
                "rejected",
            ),
            (
                "GET / HTTP/1.1\r\nhost: shop.demo\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n",
                "403",
                "rejected",
            ),
            (
                "CONNECT shop.demo:80 HTTP/1.1\r\nhost: shop.demo:80\r\n\r\n",
                "404",
                "no-route",
            ),
        ] {
            let head = head(at, request).await;
            assert!(head.starts_with(&format!("http/1.1 {status}")), "{request}: {head}");
            assert!(
                head.contains(&format!("x-meshwright-fault: {mark}")),
                "{request}: {head}"
            );
        }
    }
    assert_eq!(shop.application.requests(), 0);
}

/// The response to these bytes, until the connection ends.
async fn raw(at: SocketAddr, request: &str) -> String {
    let mut connection = send(at, request).await;
    let mut response = Vec::new();
    connection.read_to_end(&mut response).await.expect("a response");
    String::from_utf8_lossy(&response).into_owned()
}

/// The head of the response to these bytes, in lower case.
async fn head(at: SocketAddr, request: &str) -> String {
    let mut connection = send(at, request).await;
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\n") {
        response.push(connection.read_u8().await.expect("a response"));
    }
    String::from_utf8_lossy(&response).to_ascii_lowercase()
}

async fn send(at: SocketAddr, request: &str) -> TcpStream {
    let mut connection = TcpStream::connect(at).await.expect("Envoy listens");
    connection.write_all(request.as_bytes()).await.expect("Envoy reads");
    connection
}
