//! The ADS service in a tonic server of your own, with an interceptor that requires a token.
//!
//! Run it with `cargo run -p xds-server --example mounted`. For TLS, call `Server::builder().tls_config(…)` with tonic's
//! feature `tls-ring` or `tls-aws-lc`.

use std::net::SocketAddr;
use std::sync::Arc;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use tokio::sync::watch;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Server;
use tonic::{Request, Status};
use xds_server::{AdsService, Configured, Node, Snapshot, Source, SourceError};

/// One cluster for every Envoy.
struct OneCluster {
    revision: watch::Sender<u64>,
}

impl Source for OneCluster {
    fn configure(&self, node: &Node) -> Result<Configured, SourceError> {
        let cluster = Cluster {
            name: format!("cluster-of-{}", node.id),
            ..Default::default()
        };
        Ok(Configured::new(Arc::new(Snapshot::new().with_cluster(&cluster))))
    }

    fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }
}

/// Rejects streams without the metadata `authorization: Bearer secret`. In Envoy: `initial_metadata` of the gRPC service.
fn authenticate(request: Request<()>) -> Result<Request<()>, Status> {
    match request.metadata().get("authorization") {
        Some(token) if token == "Bearer secret" => Ok(request),
        _ => Err(Status::unauthenticated("no valid token")),
    }
}

#[tokio::main]
async fn main() -> Result<(), tonic::transport::Error> {
    let source = Arc::new(OneCluster {
        revision: watch::Sender::new(0),
    });
    let ads = InterceptedService::new(AdsService::new(source).into_server(), authenticate);
    let address = SocketAddr::from(([127, 0, 0, 1], 18000));
    println!("ADS at {address}");
    Server::builder().add_service(ads).serve(address).await
}
