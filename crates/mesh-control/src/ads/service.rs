//! The gRPC service: each call becomes a stream of answers.

use std::pin::Pin;
use std::sync::Arc;

use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_server::{
    AggregatedDiscoveryService, AggregatedDiscoveryServiceServer,
};
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use futures_util::Stream;
use tokio::sync::watch;
use tonic::{Request, Response, Status, Streaming};

use super::status::StatusBoard;
use super::stream::answers;
use super::wire;
use crate::source::Source;

/// The aggregated discovery service over one source.
pub(crate) struct Ads {
    source: Arc<dyn Source>,
    board: StatusBoard,
    closing: watch::Receiver<()>,
}

impl Ads {
    /// Streams end when `closing` closes.
    pub(crate) fn new(
        source: Arc<dyn Source>,
        board: StatusBoard,
        closing: watch::Receiver<()>,
    ) -> AggregatedDiscoveryServiceServer<Self> {
        AggregatedDiscoveryServiceServer::new(Self { source, board, closing })
    }

    fn answers<R: wire::Request>(
        &self,
        requests: Streaming<R>,
    ) -> impl Stream<Item = Result<R::Response, Status>> + Send + 'static {
        answers(requests, Arc::clone(&self.source), &self.board, self.closing.clone())
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl AggregatedDiscoveryService for Ads {
    type StreamAggregatedResourcesStream = Answers<DiscoveryResponse>;

    async fn stream_aggregated_resources(
        &self,
        request: Request<Streaming<DiscoveryRequest>>,
    ) -> Result<Response<Self::StreamAggregatedResourcesStream>, Status> {
        Ok(Response::new(Box::pin(self.answers(request.into_inner()))))
    }

    type DeltaAggregatedResourcesStream = Answers<DeltaDiscoveryResponse>;

    async fn delta_aggregated_resources(
        &self,
        request: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaAggregatedResourcesStream>, Status> {
        Ok(Response::new(Box::pin(self.answers(request.into_inner()))))
    }
}
