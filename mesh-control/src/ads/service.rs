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
use tonic::{Request, Response, Status, Streaming};

use super::status::StatusBoard;
use super::stream::answers;
use crate::source::Source;

/// The aggregated discovery service over one source.
pub(crate) struct Ads {
    source: Arc<dyn Source>,
    board: StatusBoard,
}

impl Ads {
    pub(crate) fn new(source: Arc<dyn Source>, board: StatusBoard) -> AggregatedDiscoveryServiceServer<Self> {
        AggregatedDiscoveryServiceServer::new(Self { source, board })
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
        let answers = answers(request.into_inner(), Arc::clone(&self.source), &self.board);
        Ok(Response::new(Box::pin(answers)))
    }

    type DeltaAggregatedResourcesStream = Answers<DeltaDiscoveryResponse>;

    async fn delta_aggregated_resources(
        &self,
        request: Request<Streaming<DeltaDiscoveryRequest>>,
    ) -> Result<Response<Self::DeltaAggregatedResourcesStream>, Status> {
        let answers = answers(request.into_inner(), Arc::clone(&self.source), &self.board);
        Ok(Response::new(Box::pin(answers)))
    }
}
