//! The gRPC service: each call becomes a stream of responses.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_server::AggregatedDiscoveryService;
pub use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_server::AggregatedDiscoveryServiceServer;
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use futures_util::Stream;
use tokio::sync::watch;
use tonic::{Request, Response, Status, Streaming};

use crate::proto;
use crate::rejections::Rejections;
use crate::source::Source;
use crate::status::StatusBoard;
use crate::stream::responses;

/// The aggregated discovery service over one source.
///
/// [`AdsService::into_server`] gives the tonic service to mount. It has no TLS and no authentication of its own: those
/// are the caller's, by tonic's means.
#[derive(Clone)]
pub struct AdsService {
    source: Arc<dyn Source>,
    board: StatusBoard,
    rejections: Arc<Mutex<Rejections>>,
    closing: watch::Receiver<()>,
    /// Keeps streams open where there is no [`StreamGuard`].
    _open: Option<Arc<watch::Sender<()>>>,
}

/// Keeps the streams of an [`AdsService`] open; they end when it is dropped.
///
/// tonic serves each connection in a task of its own, which outlives the server's future. An Envoy whose stream stayed
/// open would not reconnect elsewhere.
#[derive(Debug)]
pub struct StreamGuard {
    _open: watch::Sender<()>,
}

impl AdsService {
    /// A service over this source. Streams end with their connection, or when the source ends
    /// ([`Source::revisions`]).
    #[must_use]
    pub fn new(source: Arc<dyn Source>) -> Self {
        let (open, closing) = watch::channel(());
        Self {
            source,
            board: StatusBoard::default(),
            rejections: Arc::default(),
            closing,
            _open: Some(Arc::new(open)),
        }
    }

    /// Ties the streams to a guard: they end when the guard is dropped.
    #[must_use]
    pub fn with_stream_guard(self) -> (Self, StreamGuard) {
        let (open, closing) = watch::channel(());
        let service = Self {
            closing,
            _open: None,
            ..self
        };
        (service, StreamGuard { _open: open })
    }

    /// The status of the connected Envoys: read it, or wait for changes. It stands in for the callbacks of other xDS
    /// servers.
    #[must_use]
    pub fn status_board(&self) -> StatusBoard {
        self.board.clone()
    }

    /// The tonic service. For an interceptor:
    /// `AggregatedDiscoveryServiceServer::with_interceptor(service, interceptor)`.
    #[must_use]
    pub fn into_server(self) -> AggregatedDiscoveryServiceServer<Self> {
        AggregatedDiscoveryServiceServer::new(self)
    }

    fn responses<R: proto::Request>(
        &self,
        requests: Streaming<R>,
    ) -> impl Stream<Item = Result<R::Response, Status>> + Send + 'static {
        responses(
            requests,
            Arc::clone(&self.source),
            &self.board,
            Arc::clone(&self.rejections),
            self.closing.clone(),
        )
    }
}

impl fmt::Debug for AdsService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdsService")
            .field("board", &self.board)
            .finish_non_exhaustive()
    }
}

type Responses<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl AggregatedDiscoveryService for AdsService {
    type StreamAggregatedResourcesStream = Responses<DiscoveryResponse>;

    async fn stream_aggregated_resources(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamAggregatedResourcesStream>, Status> {
        Ok(Response::new(Box::pin(self.responses(request.into_inner()))))
    }

    type DeltaAggregatedResourcesStream = Responses<DeltaDiscoveryResponse>;

    async fn delta_aggregated_resources(
        &self,
        request: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaAggregatedResourcesStream>, Status> {
        Ok(Response::new(Box::pin(self.responses(request.into_inner()))))
    }
}
