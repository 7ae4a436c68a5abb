//! The gRPC service: each call becomes a stream of responses.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DiscoveryRequest};
use http::{Request, Response};
use http_body::Body as HttpBody;
use http_body_util::StreamBody;
use tokio::sync::watch;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::server::NamedService;

use crate::accepted::AcceptedObserver;
use crate::access::{Access, Authenticator, Credentials};
use crate::connections::Peer;
use crate::limits::{Limits, OpenStreams};
use crate::metrics::Metrics;
use crate::proto;
use crate::source::Source;
use crate::status::StatusBoard;
use crate::stream::{Shared, frames};

/// The aggregated discovery service over one source.
///
/// [`AdsService::into_server`] gives the tonic service to mount. TLS is the caller's; who may have a stream is decided by an
/// [`Authenticator`], or by an interceptor.
#[derive(Clone)]
pub struct AdsService {
    shared: Shared,
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
            shared: Shared {
                source,
                board: StatusBoard::default(),
                access: Access::default(),
                observer: None,
                log: Arc::default(),
                connects: Arc::default(),
                blocks: Arc::default(),
                limits: Limits::default(),
                open: OpenStreams::default(),
                metrics: Metrics::default(),
            },
            closing,
            _open: Some(Arc::new(open)),
        }
    }

    /// Other limits of streams and requests.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.shared.limits = limits;
        self
    }

    /// Requires that clients authenticate themselves, and that each may act as the node of its stream. Default: everybody may
    /// have a stream.
    #[must_use]
    pub fn with_authenticator(mut self, authenticator: Arc<dyn Authenticator>) -> Self {
        self.shared.access = Access::new(Some(authenticator), Arc::clone(&self.shared.log));
        self
    }

    /// Tells this observer which configurations Envoys have accepted. Default: none.
    #[must_use]
    pub fn with_accepted_observer(mut self, observer: Arc<dyn AcceptedObserver>) -> Self {
        self.shared.observer = Some(observer);
        self
    }

    /// The same service over another source, with the same status, limits and access. The observer
    /// of accepted configurations receives nothing of its clients.
    #[must_use]
    pub fn with_source(&self, source: Arc<dyn Source>) -> Self {
        Self {
            shared: Shared {
                source,
                observer: None,
                ..self.shared.clone()
            },
            ..self.clone()
        }
    }

    /// The check of clients, for other services of the same server.
    #[must_use]
    pub fn access(&self) -> Access {
        self.shared.access.clone()
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
        self.shared.board.clone()
    }

    /// The counters of this service.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        self.shared.metrics.clone()
    }

    /// The tonic service. For an interceptor: `InterceptedService::new(service.into_server(), interceptor)`.
    #[must_use]
    pub fn into_server(self) -> AdsServer {
        AdsServer { service: self }
    }

    fn respond<R: proto::Request, B>(&self, request: Request<B>) -> Response<Body>
    where
        B: HttpBody + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let request = tonic::Request::from_http(request);
        let peer = request.extensions().get::<Peer>().cloned();
        let mut credentials = Credentials::of_request(request.metadata().as_ref(), request.extensions());
        if peer.is_none() {
            credentials.address = request.remote_addr().map(|address| address.ip());
        }
        let frames = frames::<R, _>(
            request.into_inner(),
            credentials,
            peer.as_ref().map(Peer::open_stream),
            self.shared.clone(),
            self.closing.clone(),
        );
        // Not through tonic's encoder, which copies each message: streams share the bytes of resources.
        let mut response = Response::new(Body::new(StreamBody::new(frames)));
        response
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, tonic::metadata::GRPC_CONTENT_TYPE);
        response
    }
}

impl fmt::Debug for AdsService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdsService")
            .field("board", &self.shared.board)
            .field("limits", &self.shared.limits)
            .finish_non_exhaustive()
    }
}

/// The tonic service of an [`AdsService`].
#[derive(Debug, Clone)]
pub struct AdsServer {
    service: AdsService,
}

impl NamedService for AdsServer {
    const NAME: &'static str = "envoy.service.discovery.v3.AggregatedDiscoveryService";
}

impl<B> Service<Request<B>> for AdsServer
where
    B: HttpBody + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let method = request.uri().path().rsplit('/').next();
        ready(Ok(match method {
            Some("StreamAggregatedResources") => self.service.respond::<DiscoveryRequest, B>(request),
            Some("DeltaAggregatedResources") => self.service.respond::<DeltaDiscoveryRequest, B>(request),
            _ => Status::unimplemented("").into_http(),
        }))
    }
}
