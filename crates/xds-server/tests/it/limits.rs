//! Limits of streams and requests, with a tonic client.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::Node as NodeMessage;
use envoy_types::pb::envoy::service::discovery::v3::DeltaDiscoveryRequest;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::{Channel, Server};
use tonic::{Code, Status};
use xds_server::{AdsService, Configured, Limits, Node, ResourceType, Snapshot, Source, SourceError, StatusBoard};

/// An empty snapshot for every Envoy.
struct Empty {
    revision: watch::Sender<u64>,
}

impl Source for Empty {
    fn configure(&self, _node: &Node) -> Result<Configured, SourceError> {
        Ok(Configured::new(Arc::new(Snapshot::new())))
    }

    fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }
}

struct Limited {
    address: SocketAddr,
    board: StatusBoard,
    serving: JoinHandle<()>,
}

impl Limited {
    async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let source = Arc::new(Empty {
            revision: watch::Sender::new(0),
        });
        let ads = AdsService::new(source).with_limits(limits);
        let board = ads.status_board();
        let server = Server::builder().add_service(ads.into_server());
        let serving = tokio::spawn(async move {
            let incoming = TcpListenerStream::new(listener);
            server.serve_with_incoming(incoming).await.expect("the server runs");
        });
        Self {
            address,
            board,
            serving,
        }
    }

    async fn client(&self) -> AggregatedDiscoveryServiceClient<Channel> {
        let channel = Channel::from_shared(format!("http://{}", self.address)).expect("a URL");
        AggregatedDiscoveryServiceClient::new(channel.connect().await.expect("a connection"))
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn subscription(names: usize) -> DeltaDiscoveryRequest {
    DeltaDiscoveryRequest {
        node: Some(NodeMessage {
            id: "envoy-1".to_owned(),
            ..Default::default()
        }),
        type_url: ResourceType::Endpoint.type_url().to_owned(),
        resource_names_subscribe: (0..names).map(|number| format!("cluster-{number}")).collect(),
        ..Default::default()
    }
}

/// Sends these requests on a stream that stays open. Returns the status with which the server ends it.
async fn end_of(
    client: &mut AggregatedDiscoveryServiceClient<Channel>,
    requests: Vec<DeltaDiscoveryRequest>,
) -> Status {
    let requests = tokio_stream::iter(requests).chain(tokio_stream::pending());
    let response = client.delta_aggregated_resources(requests).await;
    let mut responses = response.expect("the stream opens").into_inner();
    loop {
        match tokio::time::timeout(Duration::from_secs(20), responses.message()).await {
            Ok(Ok(Some(_))) => {}
            Ok(Ok(None)) => panic!("the stream ended without an error"),
            Ok(Err(status)) => return status,
            Err(_) => panic!("the stream did not end"),
        }
    }
}

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

#[tokio::test]
async fn names_that_do_not_exist_are_limited() {
    let server = Limited::start(limits(|limits| limits.unknown_names = 10)).await;
    let mut client = server.client().await;
    let status = end_of(&mut client, vec![subscription(11)]).await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(
        status.message(),
        "subscribes to 11 endpoints names; at most 10 are allowed"
    );
    // In total, not for each request.
    let more = DeltaDiscoveryRequest {
        resource_names_subscribe: (0..6).map(|number| format!("other-{number}")).collect(),
        ..subscription(0)
    };
    let status = end_of(&mut client, vec![subscription(5), more]).await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    server.board.wait_until(<[_]>::is_empty).await;
}

#[tokio::test]
async fn names_that_do_not_exist_are_limited_for_all_streams_together() {
    let server = Limited::start(limits(|limits| limits.total_unknown_names = 15)).await;
    let mut client = server.client().await;
    let (first, requests) = open_stream();
    let response = client.delta_aggregated_resources(requests).await;
    let mut responses = response.expect("the stream opens").into_inner();
    first.send(subscription(10)).await.expect("the stream is open");
    // The response to the first name, then to the others.
    while let Some(response) = responses.message().await.expect("no error") {
        if response.removed_resources.len() > 1 {
            break;
        }
        let ack = DeltaDiscoveryRequest {
            type_url: response.type_url,
            response_nonce: response.nonce,
            ..Default::default()
        };
        first.send(ack).await.expect("the stream is open");
    }
    let status = end_of(&mut client, vec![subscription(6)]).await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(
        status.message(),
        "all nodes together subscribe to 16 names that do not exist; at most 15 are allowed"
    );
    drop((first, responses));
    server.board.wait_until(<[_]>::is_empty).await;
    let (_second, requests) = open_stream();
    let response = client.delta_aggregated_resources(requests).await;
    let mut responses = response.expect("the stream opens").into_inner();
    responses.message().await.expect("there is room again");
}

#[tokio::test]
async fn a_request_of_64_mib_is_rejected() {
    let server = Limited::start(Limits::default()).await;
    let huge = DeltaDiscoveryRequest {
        resource_names_subscribe: vec!["x".repeat(64 << 20)],
        ..subscription(0)
    };
    let status = end_of(&mut server.client().await, vec![huge]).await;
    assert_eq!(status.code(), Code::OutOfRange, "{status}");
}

#[tokio::test]
async fn a_stream_without_a_request_ends() {
    let server = Limited::start(limits(|limits| limits.first_request = Duration::from_millis(50))).await;
    let status = end_of(&mut server.client().await, Vec::new()).await;
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(status.message(), "no request came within 50ms");
}

#[tokio::test]
async fn streams_of_a_node_are_limited() {
    let server = Limited::start(limits(|limits| limits.streams_per_node = 1)).await;
    let mut client = server.client().await;
    let (first, requests) = open_stream();
    let response = client.delta_aggregated_resources(requests).await;
    let _responses = response.expect("the stream opens");
    server.board.wait_until(|nodes| nodes.len() == 1).await;
    let status = end_of(&mut client, vec![subscription(1)]).await;
    assert_eq!(status.code(), Code::ResourceExhausted);
    // The end of the requests ends the stream.
    drop(first);
    server.board.wait_until(<[_]>::is_empty).await;
    let (_again, requests) = open_stream();
    let response = client.delta_aggregated_resources(requests).await;
    let _responses = response.expect("the stream opens");
    server.board.wait_until(|nodes| nodes.len() == 1).await;
}

/// A stream with a first request, open until the sender is dropped.
fn open_stream() -> (
    mpsc::Sender<DeltaDiscoveryRequest>,
    ReceiverStream<DeltaDiscoveryRequest>,
) {
    let (sender, receiver) = mpsc::channel(1);
    sender.try_send(subscription(1)).expect("there is room");
    (sender, ReceiverStream::new(receiver))
}

/// Streams with 50,000 names each, which took 17 MB each while they were accepted.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn greedy_streams_cost_bounded_memory() {
    let server = Limited::start(Limits::default()).await;
    let mut client = server.client().await;
    let request = subscription(50_000);
    // The first ones fill allocators and buffers.
    for _ in 0..5 {
        end_of(&mut client, vec![request.clone()]).await;
    }
    let before = resident_bytes();
    for _ in 0..100 {
        let status = end_of(&mut client, vec![request.clone()]).await;
        assert_eq!(status.code(), Code::ResourceExhausted);
    }
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 100 << 20, "{grown} bytes more are resident");
}

#[cfg(target_os = "linux")]
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")).expect("a line");
    kilobytes.parse::<usize>().expect("a number") * 1024
}
