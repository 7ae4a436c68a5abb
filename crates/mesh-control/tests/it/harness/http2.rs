//! An HTTP/2 application, and a caller of HTTP/2 and gRPC.

use std::future::{Ready, pending, poll_fn, ready};
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::Request as HttpRequest;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::uri::PathAndQuery;
use axum::response::{IntoResponse, Response as HttpResponse};
use axum::{Router, http};
use futures_util::future::BoxFuture;
use sidecar_contract::local_reply;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::metadata::{AsciiMetadataKey, AsciiMetadataValue};
use tonic::server::UnaryService;
use tonic::service::Routes;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;

use super::{CallResponse, Health};

/// A call without a response.
pub(crate) const SILENCE: &str = "silence";

/// A call that gets its scheme, host and path as the response.
pub(crate) const ECHO: &str = "echo";

/// A call that gets an error.
pub(crate) fn rejection(code: Code) -> String {
    format!("refuse {}", i32::from(code))
}

/// An application with HTTP/2 only. It accepts calls of every gRPC service and method with messages of one string, and
/// responds with its name, or as [`rejection`], [`ECHO`] and [`SILENCE`] specify. To other requests it responds with its
/// name, and with version, scheme, host and path of the request: never below `/silence`, and with the given status
/// below `/status/`. Health checks have the configured result, and are not counted.
pub(crate) struct Http2Upstream {
    pub(crate) address: SocketAddr,
    health: watch::Sender<Health>,
    requests: watch::Sender<usize>,
    server: JoinHandle<()>,
}

impl Http2Upstream {
    pub(crate) async fn start(name: &'static str) -> Self {
        let (requests, health) = (watch::Sender::new(0), watch::Sender::new(Health::Healthy));
        let (count, health_now) = (requests.clone(), health.clone());
        let response = async move |request: HttpRequest| {
            let health_now = *health_now.borrow();
            match request.uri().path() {
                "/health" => return health_now.status().into_response(),
                "/grpc.health.v1.Health/Check" => return check(health_now, request).await,
                _ => {}
            }
            count.send_modify(|count| *count += 1);
            response(name, request).await
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let server = tokio::spawn(async move {
            let _endless = Server::builder()
                .add_routes(Routes::from(Router::new().fallback(response)))
                .serve_with_incoming(TcpListenerStream::new(listener))
                .await;
        });
        Self {
            address,
            health,
            requests,
            server,
        }
    }

    /// Sets the result of health checks.
    pub(crate) fn set_health(&self, health: Health) {
        self.health.send_replace(health);
    }

    /// The number of requests and calls so far.
    pub(crate) fn requests(&self) -> usize {
        *self.requests.borrow()
    }

    /// Waits until this number has come.
    pub(crate) async fn wait_for_requests(&self, times: usize) {
        let mut requests = self.requests.subscribe();
        let enough = requests.wait_for(|count| *count >= times);
        tokio::time::timeout(Duration::from_secs(20), enough)
            .await
            .unwrap_or_else(|_| panic!("{} requests instead of {times}", self.requests()))
            .expect("the sender exists");
    }
}

impl Drop for Http2Upstream {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn response(name: &'static str, request: HttpRequest) -> HttpResponse {
    let kind = request.headers().get(CONTENT_TYPE);
    if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc")) {
        let mut grpc = tonic::server::Grpc::new(ProstCodec::<String, String>::default());
        let service = TestService {
            name,
            target: request.uri().to_string(),
        };
        return grpc.unary(service, request).await.into_response();
    }
    match request.uri().path() {
        path if path.starts_with("/silence") => pending().await,
        path => {
            let status = path
                .strip_prefix("/status/")
                .map(|status| status.parse().expect("a status"));
            let status = StatusCode::from_u16(status.unwrap_or(200)).expect("a status");
            (status, format!("{name} {:?} {}", request.version(), request.uri())).into_response()
        }
    }
}

/// Responds to a gRPC health check.
async fn check(health: Health, request: HttpRequest) -> HttpResponse {
    let mut grpc = tonic::server::Grpc::new(ProstCodec::<i32, String>::default());
    grpc.unary(HealthService(health), request).await.into_response()
}

/// The request is a message of one string, the response one of one number.
struct HealthService(Health);

impl UnaryService<String> for HealthService {
    type Response = i32;
    type Future = Ready<Result<Response<i32>, Status>>;

    fn call(&mut self, _: Request<String>) -> Self::Future {
        // `SERVING` and `NOT_SERVING` of the protocol `grpc.health.v1`.
        ready(Ok(Response::new(match self.0 {
            Health::Healthy => 1,
            Health::Unhealthy => 2,
        })))
    }
}

/// Responds to calls.
struct TestService {
    name: &'static str,
    target: String,
}

impl UnaryService<String> for TestService {
    type Response = String;
    type Future = BoxFuture<'static, Result<Response<String>, Status>>;

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let (name, target) = (self.name, self.target.clone());
        Box::pin(async move {
            match request.get_ref().split_once(' ') {
                _ if request.get_ref() == SILENCE => pending().await,
                Some(("refuse", code)) => {
                    let code: i32 = code.parse().expect("a status of gRPC");
                    Err(Status::new(Code::from(code), format!("refused by {name}")))
                }
                _ if request.get_ref() == ECHO => Ok(Response::new(target)),
                _ => Ok(Response::new(name.to_owned())),
            }
        })
    }
}

/// A caller of HTTP/2 with prior knowledge, and gRPC.
#[derive(Clone)]
pub(crate) struct Http2Caller(Channel);

impl Http2Caller {
    /// A caller of `host` at an Envoy's listener.
    pub(crate) async fn of(host: &str, at: SocketAddr) -> Self {
        let channel = Channel::from_shared(format!("http://{at}"))
            .expect("a URI")
            .origin(format!("http://{host}").parse().expect("a URI"))
            .connect()
            .await
            .expect("Envoy listens");
        Self(channel)
    }

    /// The response to a request with a method, a path and headers, without content.
    pub(crate) async fn send(&self, request: http::request::Builder) -> CallResponse {
        let request = request.body(Body::empty()).expect("a request");
        let mut channel = self.0.clone();
        poll_fn(|context| channel.poll_ready(context))
            .await
            .expect("a connection");
        let response = channel.call(request).await.expect("a response");
        let fault = response.headers().get(local_reply::HEADER);
        CallResponse {
            status: response.status().as_u16(),
            fault: fault.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            body: read(response.into_body()).await,
        }
    }

    /// The response to a GET of a path.
    pub(crate) async fn get(&self, path: &str) -> CallResponse {
        self.send(http::Request::get(path)).await
    }

    /// The response to a call of `/SERVICE/METHOD` with a message and metadata.
    pub(crate) async fn call(&self, path: &str, message: &str, metadata: &[(&str, &str)]) -> Result<String, Status> {
        let mut client = tonic::client::Grpc::new(self.0.clone());
        client.ready().await.expect("a connection");
        let mut request = Request::new(message.to_owned());
        for (name, value) in metadata {
            let name = AsciiMetadataKey::from_bytes(name.as_bytes()).expect("a name");
            let value = AsciiMetadataValue::try_from(*value).expect("a value");
            request.metadata_mut().insert(name, value);
        }
        let path = PathAndQuery::try_from(path).expect("a path");
        let response = client.unary(request, path, ProstCodec::<String, String>::default());
        Ok(response.await?.into_inner())
    }
}

async fn read(body: Body) -> String {
    let body = axum::body::to_bytes(axum::body::Body::new(body), usize::MAX).await;
    String::from_utf8_lossy(&body.expect("the whole body")).into_owned()
}

/// Code and local-reply reason of an error.
pub(crate) fn marked(error: &Status) -> (Code, Option<&str>) {
    let mark = error.metadata().get(local_reply::HEADER);
    (error.code(), mark.and_then(|mark| mark.to_str().ok()))
}
