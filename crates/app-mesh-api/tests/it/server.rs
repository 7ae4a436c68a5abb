//! Limits of the server: connections and requests that do not end by themselves.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use app_mesh_api::server::{Limits, serve};
use app_mesh_api::{MemoryStore, Service, Settings, router};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const LIST: &[u8] = b"GET /v20190125/meshes HTTP/1.1\r\nhost: localhost\r\n\r\n";

struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let service = Service::open(MemoryStore::new(), Settings::default()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(listener, router(service), limits, async {
            let _stopped = stopped.await;
        }));
        Self {
            address,
            stop: Some(stop),
            serving,
        }
    }

    /// A connection on which this was sent.
    async fn connect(&self, sent: &[u8]) -> TcpStream {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        connection.write_all(sent).await.unwrap();
        connection
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What the server sends until it closes the connection.
async fn rest(connection: &mut TcpStream) -> String {
    let mut received = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), connection.read_to_end(&mut received));
    // A reset is an end, too.
    let _end = read.await.expect("the server closes the connection");
    String::from_utf8(received).unwrap()
}

async fn response(connection: &mut TcpStream) -> String {
    let mut received = [0; 4096];
    let count = connection.read(&mut received).await.unwrap();
    String::from_utf8_lossy(&received[..count]).into_owned()
}

fn limits() -> Limits {
    Limits {
        connections: 4,
        idle: Duration::from_millis(500),
        request: Duration::from_millis(500),
    }
}

#[tokio::test]
async fn connections_without_a_complete_header_end() {
    let server = Server::start(limits()).await;
    for sent in [
        &b""[..],
        b"GET /v20190125/me",
        b"GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: ",
    ] {
        let start = Instant::now();
        let mut connection = server.connect(sent).await;
        assert_eq!(rest(&mut connection).await, "");
        assert!(start.elapsed() >= limits().idle);
    }
    // Also one that had a request before.
    let mut connection = server.connect(LIST).await;
    assert!(response(&mut connection).await.starts_with("HTTP/1.1 200"));
    assert_eq!(rest(&mut connection).await, "");
}

#[tokio::test]
async fn a_request_whose_body_stops_gets_a_response_and_ends() {
    let server = Server::start(limits()).await;
    let head = b"PUT /v20190125/meshes HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000000\r\n\r\n{";
    let mut connection = server.connect(head).await;
    let text = rest(&mut connection).await.to_ascii_lowercase();
    assert!(text.starts_with("http/1.1 408"), "{text}");
    assert!(text.contains("x-amzn-errortype: requesttimeoutexception"), "{text}");
    assert!(
        text.contains(r#"{"message":"the request was not complete within 500ms"}"#),
        "{text}"
    );
}

#[tokio::test]
async fn idle_connections_keep_no_other_out() {
    let server = Server::start(Limits {
        idle: Duration::from_secs(3600),
        ..limits()
    })
    .await;
    let mut idle = Vec::new();
    for _ in 0..40 {
        idle.push(server.connect(b"").await);
    }
    let mut connection = server.connect(LIST).await;
    assert!(response(&mut connection).await.starts_with("HTTP/1.1 200"));
    // The oldest made room.
    assert_eq!(rest(&mut idle[0]).await, "");
    // The next request on a connection that is kept.
    connection.write_all(LIST).await.unwrap();
    assert!(response(&mut connection).await.starts_with("HTTP/1.1 200"));
}

#[tokio::test]
async fn stopping_waits_for_requests_and_not_for_idle_connections() {
    let mut server = Server::start(Limits {
        idle: Duration::from_secs(3600),
        request: Duration::from_secs(3600),
        ..limits()
    })
    .await;
    let mut idle = server.connect(LIST).await;
    assert!(response(&mut idle).await.starts_with("HTTP/1.1 200"));
    let body = br#"{"meshName": "demo"}"#;
    let head = format!(
        "PUT /v20190125/meshes HTTP/1.1\r\nhost: localhost\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut open = server.connect(head.as_bytes()).await;
    // The request is being served: its body was asked for.
    assert!(response(&mut open).await.starts_with("HTTP/1.1 100"));
    let mut unused = server.connect(b"").await;
    server.stop.take().unwrap().send(()).unwrap();
    assert_eq!(rest(&mut idle).await, "");
    assert_eq!(rest(&mut unused).await, "");
    assert!(!server.serving.is_finished());
    open.write_all(body).await.unwrap();
    let text = rest(&mut open).await;
    assert!(
        text.starts_with("HTTP/1.1 200") && text.contains(r#""meshName":"demo""#),
        "{text}"
    );
    (&mut server.serving).await.unwrap();
}
