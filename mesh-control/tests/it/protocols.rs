//! Everything that Service Connect carries passes both sidecars: HTTP/2, gRPC, and bytes.

use std::net::SocketAddr;

use axum::routing::get;
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_response::Code;
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_service_client::RateLimitServiceClient;
use envoy_types::pb::envoy::service::ratelimit::v3::rate_limit_service_server::{
    RateLimitService, RateLimitServiceServer,
};
use envoy_types::pb::envoy::service::ratelimit::v3::{RateLimitRequest, RateLimitResponse};
use mesh_control::ads::Variant;
use mesh_control::node::tcp_egress_listener;
use mesh_model::fault;
use mesh_model::service_connect::AppProtocol;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::Routes;
use tonic::transport::{Channel, Server};
use tonic::{Request, Response, Status};

use crate::harness::{Mesh, ReservedPort, Task, TcpUpstream, endpoint, in_both_variants};

in_both_variants!(
    http2_applications_are_called,
    grpc_passes_with_its_errors,
    grpc_callers_see_faults,
    bytes_pass,
    tcp_endpoints_without_a_port_are_noted,
);

async fn http2_applications_are_called(variant: Variant) {
    let blue_endpoint = endpoint("blue", AppProtocol::Http2);
    let mesh = Mesh::start(variant, std::slice::from_ref(&blue_endpoint)).await;
    let application = Http2Upstream::start().await;
    let blue = Task::offering(&mesh, &blue_endpoint, application.address).await;
    mesh.serve("blue", &[blue.ingress(&blue_endpoint)]);
    let green = Task::start(&mesh, "green").await;
    // The caller speaks HTTP/1.1; the application would not understand that.
    let answer = green.get("blue.serviceconnect").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "HTTP/2.0"), "{answer:?}");
}

async fn grpc_passes_with_its_errors(variant: Variant) {
    let mut blue_endpoint = endpoint("blue", AppProtocol::Grpc);
    blue_endpoint.port = 50051;
    let mesh = Mesh::start(variant, std::slice::from_ref(&blue_endpoint)).await;
    let application = Http2Upstream::start().await;
    let blue = Task::offering(&mesh, &blue_endpoint, application.address).await;
    mesh.serve("blue", &[blue.ingress(&blue_endpoint)]);
    let green = Task::start(&mesh, "green").await;

    let mut client = grpc_client(&green, "http://blue.serviceconnect:50051").await;
    let answer = client
        .should_rate_limit(asking_for("welcome"))
        .await
        .expect("an answer");
    assert_eq!(answer.get_ref().overall_code(), Code::Ok);
    let error = client
        .should_rate_limit(asking_for("refused"))
        .await
        .expect_err("an error");
    assert_eq!(
        (error.code(), error.message()),
        (tonic::Code::ResourceExhausted, "no more of refused")
    );
    assert_eq!(
        error.metadata().get(fault::HEADER),
        None,
        "the error is the application's"
    );
}

async fn grpc_callers_see_faults(variant: Variant) {
    let blue_endpoint = endpoint("blue", AppProtocol::Grpc);
    let mesh = Mesh::start(variant, std::slice::from_ref(&blue_endpoint)).await;
    let nobody_listens = ReservedPort::pick();
    mesh.serve("blue", &[nobody_listens.address()]);
    let green = Task::start(&mesh, "green").await;
    for (origin, code, fault) in [
        (
            "http://red.serviceconnect",
            tonic::Code::Unimplemented,
            "unknown-service",
        ),
        ("http://blue.serviceconnect", tonic::Code::Unavailable, "unreachable"),
    ] {
        let mut client = grpc_client(&green, origin).await;
        let error = client
            .should_rate_limit(asking_for("anything"))
            .await
            .expect_err("an error");
        assert_eq!(error.code(), code, "{error}");
        let mark = error.metadata().get(fault::HEADER).and_then(|mark| mark.to_str().ok());
        assert_eq!(mark, Some(fault), "{error}");
    }
}

async fn bytes_pass(variant: Variant) {
    let db = endpoint("db", AppProtocol::Tcp);
    let mesh = Mesh::start(variant, std::slice::from_ref(&db)).await;
    let application = TcpUpstream::start("database").await;
    let server = Task::offering(&mesh, &db, application.address).await;
    mesh.serve("db", &[server.ingress(&db)]);
    let green = Task::wired(&mesh, "green", &[], &[&db]).await;

    let listener = green.listener(&tcp_egress_listener("db.serviceconnect", 9000));
    let mut connection = TcpStream::connect(listener).await.expect("the egress listener");
    // The server speaks first, as databases do.
    let mut greeting = [0; 8];
    connection.read_exact(&mut greeting).await.expect("a greeting");
    assert_eq!(&greeting, b"database");
    let mut echo = [0; 5];
    connection.write_all(b"\0\xff\r\n.").await.expect("sent");
    connection.read_exact(&mut echo).await.expect("an echo");
    assert_eq!(&echo, b"\0\xff\r\n.");
}

async fn tcp_endpoints_without_a_port_are_noted(variant: Variant) {
    let mesh = Mesh::start(variant, &[endpoint("db", AppProtocol::Tcp)]).await;
    let _green = Task::start(&mesh, "green").await;
    let node = mesh.node("green", |node| node.settled).await;
    assert_eq!(
        node.notes,
        [
            "TCP endpoint db.serviceconnect:9000 cannot be called from here: the wiring has no port for \
          `egress-db.serviceconnect-9000`"
        ]
    );
}

async fn grpc_client(task: &Task, origin: &str) -> RateLimitServiceClient<Channel> {
    let channel = Channel::from_shared(format!("http://{}", task.egress()))
        .expect("a URI")
        .origin(origin.parse().expect("a URI"))
        .connect()
        .await
        .expect("the egress listener");
    RateLimitServiceClient::new(channel)
}

fn asking_for(domain: &str) -> RateLimitRequest {
    RateLimitRequest {
        domain: domain.to_owned(),
        ..RateLimitRequest::default()
    }
}

/// An application that speaks HTTP/2 and nothing else: it answers `/` with the version in which it was asked, and
/// one gRPC service of the many whose types are at hand.
struct Http2Upstream {
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Http2Upstream {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let version = get(async |request: axum::extract::Request| format!("{:?}", request.version()));
        let routes = Routes::new(RateLimitServiceServer::new(Limits))
            .into_axum_router()
            .route("/", version);
        let server = tokio::spawn(async move {
            let _endless = Server::builder()
                .add_routes(Routes::from(routes))
                .serve_with_incoming(TcpListenerStream::new(listener))
                .await;
        });
        Self { address, server }
    }
}

impl Drop for Http2Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Allows everything but `refused`.
struct Limits;

#[tonic::async_trait]
impl RateLimitService for Limits {
    async fn should_rate_limit(
        &self,
        request: Request<RateLimitRequest>,
    ) -> Result<Response<RateLimitResponse>, Status> {
        match request.get_ref().domain.as_str() {
            "refused" => Err(Status::resource_exhausted("no more of refused")),
            _ => Ok(Response::new(RateLimitResponse {
                overall_code: Code::Ok.into(),
                ..RateLimitResponse::default()
            })),
        }
    }
}
