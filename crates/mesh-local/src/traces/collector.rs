//! OTLP collector for spans: gRPC for Envoys and HTTP for services, on one port.
//!
//! Protocol: opentelemetry.io/docs/specs/otlp (read 2026-11-23). Metrics, logs and compression, which clients use only
//! if configured, are not supported.

use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response as HttpResponse};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use prost::Message;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::task::AbortOnDropHandle;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use super::otlp;
use super::span::traceparent;
use super::store::{TraceStore, TraceWatch};
use crate::network::MeshNetwork;

const PROTOBUF: &str = "application/x-protobuf";

/// An OTLP collector. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Collector {
    address: SocketAddr,
    store: TraceStore,
    _serving: AbortOnDropHandle<()>,
}

impl Collector {
    /// Starts a collector that is reachable from the tasks: on loopback, or in the network between them.
    ///
    /// # Errors
    ///
    /// If no port is available.
    pub(crate) async fn start(network: Option<&MeshNetwork>) -> io::Result<Self> {
        let listener = match network {
            None => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?,
            Some(network) => TcpListener::from_std(network.listen()?)?,
        };
        let address = listener.local_addr()?;
        let store = TraceStore::default();
        let routes = Routes::new(TraceServiceServer::new(Traces(store.clone())))
            .into_axum_router()
            .route("/v1/traces", post(export_http).with_state(store.clone()));
        let serving = async move {
            // Only a server with graceful shutdown closes its connections when it is dropped.
            let served = Server::builder()
                .accept_http1(true)
                .add_routes(Routes::from(routes))
                .serve_with_incoming_shutdown(TcpListenerStream::new(listener), pending())
                .await;
            if let Err(error) = served {
                tracing::warn!("span collector ended: {error}");
            }
        };
        Ok(Self {
            address,
            store,
            _serving: AbortOnDropHandle::new(tokio::spawn(serving)),
        })
    }

    /// Its listening address.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Keeps the spans of the trace in a `traceparent`. `None` if it is invalid.
    pub(crate) fn watch(&self, parent: &str) -> Option<TraceWatch> {
        let (trace, caller) = traceparent(parent)?;
        Some(self.store.watch(trace, caller))
    }
}

/// OTLP over gRPC.
struct Traces(TraceStore);

#[tonic::async_trait]
impl TraceService for Traces {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.add(otlp::spans(request.into_inner()));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// OTLP over HTTP.
async fn export_http(State(store): State<TraceStore>, headers: HeaderMap, body: Bytes) -> HttpResponse {
    let is = |name, expected: &str| headers.get(name).is_some_and(|value| value == expected);
    let is_compressed = headers.contains_key(header::CONTENT_ENCODING) && !is(header::CONTENT_ENCODING, "identity");
    if is_compressed || !is(header::CONTENT_TYPE, PROTOBUF) {
        let message = "spans must be sent as application/x-protobuf without compression, or over gRPC\n";
        return (StatusCode::UNSUPPORTED_MEDIA_TYPE, message).into_response();
    }
    match ExportTraceServiceRequest::decode(body) {
        Ok(request) => {
            store.add(otlp::spans(request));
            let response = ExportTraceServiceResponse::default().encode_to_vec();
            ([(header::CONTENT_TYPE, PROTOBUF)], response).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("invalid export request: {error}\n")).into_response(),
    }
}
