//! A server of a snapshot that the test changes, and clients of both protocols.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::core::v3::Node as NodeMessage;
use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use envoy_types::pb::envoy::service::discovery::v3::{
    DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse,
};
use envoy_types::pb::google::protobuf::UInt32Value;
use envoy_types::pb::google::rpc;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::{Channel, Server as Transport};
use tonic::{Request, Status, Streaming};
use xds_server::{
    AdsService, Authenticator, Configured, Connections, Limits, Metrics, Node, ResourceType, Snapshot, Source,
    SourceError, StatusBoard, XdsProtocol,
};

/// The node id that the source does not know.
pub(crate) const UNKNOWN: &str = "unknown";

/// The same snapshot for every Envoy but [`UNKNOWN`].
pub(crate) struct OneSnapshot {
    snapshot: Mutex<Arc<Snapshot>>,
    revision: watch::Sender<u64>,
}

impl OneSnapshot {
    pub(crate) fn set(&self, snapshot: Snapshot) {
        *self.snapshot.lock().expect("not poisoned") = Arc::new(snapshot);
        self.revision.send_modify(|revision| *revision += 1);
    }
}

impl Source for OneSnapshot {
    fn configure(&self, node: &Node) -> Result<Configured, SourceError> {
        if node.id == UNKNOWN {
            return Err(SourceError::UnknownNode("there is no node `unknown`".to_owned()));
        }
        Ok(Configured::new(Arc::clone(
            &self.snapshot.lock().expect("not poisoned"),
        )))
    }

    fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }
}

/// A running server with counted connections. It ends when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) board: StatusBoard,
    pub(crate) metrics: Metrics,
    pub(crate) source: Arc<OneSnapshot>,
    pub(crate) connections: Connections,
    serving: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(limits: Limits, authenticator: Option<Arc<dyn Authenticator>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let source = Arc::new(OneSnapshot {
            snapshot: Mutex::default(),
            revision: watch::Sender::new(0),
        });
        let mut ads = AdsService::new(Arc::clone(&source) as Arc<dyn Source>).with_limits(limits);
        if let Some(authenticator) = authenticator {
            ads = ads.with_authenticator(authenticator);
        }
        let (board, metrics) = (ads.status_board(), ads.metrics());
        let connections = Connections::new(limits);
        let counted = connections.clone();
        let incoming = TcpListenerStream::new(listener).filter_map(move |connection| {
            let accepted = connection.map(|connection| {
                let peer = connection.peer_addr().ok().map(|address| address.ip());
                counted.accept(connection, peer, Arc::default())
            });
            accepted.transpose()
        });
        let server = Transport::builder()
            .http2_keepalive_interval(Some(Duration::from_secs(10)))
            .add_service(ads.into_server());
        let serving = tokio::spawn(async move {
            server.serve_with_incoming(incoming).await.expect("the server runs");
        });
        Self {
            address,
            board,
            metrics,
            source,
            connections,
            serving,
        }
    }

    pub(crate) async fn channel(&self) -> Channel {
        let channel = Channel::from_shared(format!("http://{}", self.address)).expect("a URL");
        channel.connect().await.expect("a connection")
    }

    /// A client on a connection of its own.
    pub(crate) async fn client(&self, protocol: XdsProtocol, node: &str) -> Client {
        Client::open(self.channel().await, protocol, node_message(node), None).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

pub(crate) fn node_message(id: &str) -> NodeMessage {
    NodeMessage {
        id: id.to_owned(),
        ..Default::default()
    }
}

/// The snapshot with one more resource, whose content is a number.
pub(crate) fn with(snapshot: Snapshot, kind: ResourceType, name: &str, content: u32) -> Snapshot {
    let (name, number) = (name.to_owned(), Some(UInt32Value { value: content }));
    match kind {
        ResourceType::Cluster => snapshot.with_cluster(&Cluster {
            name,
            per_connection_buffer_limit_bytes: number,
            ..Default::default()
        }),
        ResourceType::Endpoint => snapshot.with_endpoints(&ClusterLoadAssignment {
            cluster_name: name,
            endpoints: vec![Default::default(); content as usize],
            ..Default::default()
        }),
        ResourceType::Listener => snapshot.with_listener(&Listener {
            name,
            per_connection_buffer_limit_bytes: number,
            ..Default::default()
        }),
        ResourceType::Route => snapshot.with_routes(&RouteConfiguration {
            name,
            max_direct_response_body_size_bytes: number,
            ..Default::default()
        }),
    }
}

/// Name and number of a resource in a response.
fn decode(kind: ResourceType, bytes: &[u8]) -> (String, u32) {
    fn message<M: prost::Message + Default>(bytes: &[u8]) -> M {
        M::decode(bytes).expect("a resource of its type")
    }
    match kind {
        ResourceType::Cluster => {
            let cluster: Cluster = message(bytes);
            let number = cluster.per_connection_buffer_limit_bytes;
            (cluster.name, number.expect("a number").value)
        }
        ResourceType::Endpoint => {
            let endpoints: ClusterLoadAssignment = message(bytes);
            let number = u32::try_from(endpoints.endpoints.len()).expect("small");
            (endpoints.cluster_name, number)
        }
        ResourceType::Listener => {
            let listener: Listener = message(bytes);
            let number = listener.per_connection_buffer_limit_bytes;
            (listener.name, number.expect("a number").value)
        }
        ResourceType::Route => {
            let routes: RouteConfiguration = message(bytes);
            let number = routes.max_direct_response_body_size_bytes;
            (routes.name, number.expect("a number").value)
        }
    }
}

/// A response of either protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) kind: ResourceType,
    /// The resources with their numbers.
    pub(crate) resources: BTreeMap<String, u32>,
    /// Removed names. Only delta has them.
    pub(crate) removed: BTreeSet<String>,
    pub(crate) nonce: String,
    pub(crate) version: String,
}

enum Requests {
    Sotw(mpsc::Sender<DiscoveryRequest>),
    Delta(mpsc::Sender<DeltaDiscoveryRequest>),
}

enum Responses {
    Sotw(Streaming<DiscoveryResponse>),
    Delta(Streaming<DeltaDiscoveryResponse>),
}

/// One stream.
pub(crate) struct Client {
    requests: Requests,
    responses: Responses,
    node: Option<NodeMessage>,
    /// SotW names everything in each request.
    names: BTreeMap<ResourceType, BTreeSet<String>>,
    nonces: BTreeMap<ResourceType, String>,
    /// The number of fences so far.
    fences: u32,
}

impl Client {
    /// Opens a stream, which sends its first request with the first subscription.
    pub(crate) async fn open(channel: Channel, protocol: XdsProtocol, node: NodeMessage, token: Option<&str>) -> Self {
        let mut client = AggregatedDiscoveryServiceClient::new(channel);
        let authorized = |metadata: &mut tonic::metadata::MetadataMap| {
            if let Some(token) = token {
                let value = format!("Bearer {token}").parse().expect("ASCII");
                metadata.insert("authorization", value);
            }
        };
        let (requests, responses) = match protocol {
            XdsProtocol::Sotw => {
                let (sender, receiver) = mpsc::channel(16);
                let mut request = Request::new(ReceiverStream::new(receiver));
                authorized(request.metadata_mut());
                let response = client.stream_aggregated_resources(request).await;
                let responses = response.expect("the stream opens").into_inner();
                (Requests::Sotw(sender), Responses::Sotw(responses))
            }
            XdsProtocol::Delta => {
                let (sender, receiver) = mpsc::channel(16);
                let mut request = Request::new(ReceiverStream::new(receiver));
                authorized(request.metadata_mut());
                let response = client.delta_aggregated_resources(request).await;
                let responses = response.expect("the stream opens").into_inner();
                (Requests::Delta(sender), Responses::Delta(responses))
            }
        };
        Self {
            requests,
            responses,
            node: Some(node),
            names: BTreeMap::new(),
            nonces: BTreeMap::new(),
            fences: 0,
        }
    }

    async fn send(&mut self, kind: ResourceType, add: &[&str], remove: &[&str], nonce: &str, error: Option<&str>) {
        let names = self.names.entry(kind).or_default();
        names.extend(add.iter().map(|name| (*name).to_owned()));
        names.retain(|name| !remove.contains(&name.as_str()));
        let node = self.node.take();
        let error_detail = error.map(|message| rpc::Status {
            code: 3,
            message: message.to_owned(),
            ..Default::default()
        });
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        // A stream that the server has ended takes no requests; its status is in the responses.
        match &self.requests {
            Requests::Sotw(requests) => {
                let request = DiscoveryRequest {
                    node,
                    type_url: kind.type_url().to_owned(),
                    resource_names: names.iter().cloned().collect(),
                    response_nonce: nonce.to_owned(),
                    error_detail,
                    ..Default::default()
                };
                let _ended = requests.send(request).await;
            }
            Requests::Delta(requests) => {
                let request = DeltaDiscoveryRequest {
                    node,
                    type_url: kind.type_url().to_owned(),
                    resource_names_subscribe: owned(add),
                    resource_names_unsubscribe: owned(remove),
                    response_nonce: nonce.to_owned(),
                    error_detail,
                    ..Default::default()
                };
                let _ended = requests.send(request).await;
            }
        }
    }

    fn nonce(&self, kind: ResourceType) -> String {
        self.nonces.get(&kind).cloned().unwrap_or_default()
    }

    /// Subscribes to names; to everything without one. With SotW it answers the latest response as well.
    pub(crate) async fn subscribe(&mut self, kind: ResourceType, names: &[&str]) {
        let nonce = self.subscription_nonce(kind);
        self.send(kind, names, &[], &nonce, None).await;
    }

    pub(crate) async fn unsubscribe(&mut self, kind: ResourceType, names: &[&str]) {
        let nonce = self.subscription_nonce(kind);
        self.send(kind, &[], names, &nonce, None).await;
    }

    fn subscription_nonce(&self, kind: ResourceType) -> String {
        match self.requests {
            Requests::Sotw(_) => self.nonce(kind),
            Requests::Delta(_) => String::new(),
        }
    }

    pub(crate) async fn ack(&mut self, kind: ResourceType) {
        let nonce = self.nonce(kind);
        self.send(kind, &[], &[], &nonce, None).await;
    }

    pub(crate) async fn nack(&mut self, kind: ResourceType, message: &str) {
        let nonce = self.nonce(kind);
        self.send(kind, &[], &[], &nonce, Some(message)).await;
    }

    /// Answers a response that is not the latest one.
    pub(crate) async fn nack_stale(&mut self, kind: ResourceType, nonce: &str) {
        self.send(kind, &[], &[], nonce, Some("stale")).await;
    }

    /// The next response.
    pub(crate) async fn response(&mut self) -> Response {
        match self.try_response().await {
            Ok(response) => response,
            Err(status) => panic!("the stream ended: {status}"),
        }
    }

    /// The status with which the server ends the stream, after any responses.
    pub(crate) async fn end(&mut self) -> Status {
        loop {
            if let Err(status) = self.try_response().await {
                return status;
            }
        }
    }

    async fn try_response(&mut self) -> Result<Response, Status> {
        const PATIENCE: Duration = Duration::from_secs(20);
        let response = match &mut self.responses {
            Responses::Sotw(responses) => {
                let response = tokio::time::timeout(PATIENCE, responses.message()).await;
                let response = response.expect("a response in time")?;
                let response = response.ok_or_else(|| Status::ok("ended"))?;
                let kind = ResourceType::from_type_url(&response.type_url).expect("a known type");
                let resources = response.resources.iter();
                Response {
                    kind,
                    resources: resources.map(|resource| decode(kind, &resource.value)).collect(),
                    removed: BTreeSet::new(),
                    nonce: response.nonce,
                    version: response.version_info,
                }
            }
            Responses::Delta(responses) => {
                let response = tokio::time::timeout(PATIENCE, responses.message()).await;
                let response = response.expect("a response in time")?;
                let response = response.ok_or_else(|| Status::ok("ended"))?;
                let kind = ResourceType::from_type_url(&response.type_url).expect("a known type");
                let resources = response.resources.iter().map(|resource| {
                    let any = resource.resource.as_ref().expect("a resource");
                    decode(kind, &any.value)
                });
                Response {
                    kind,
                    resources: resources.collect(),
                    removed: response.removed_resources.into_iter().collect(),
                    nonce: response.nonce,
                    version: response.system_version_info,
                }
            }
        };
        self.nonces.insert(response.kind, response.nonce.clone());
        Ok(response)
    }

    /// Checks that the server has sent nothing more about `kind`: the next response is that to another request.
    pub(crate) async fn assert_silent(&mut self, kind: ResourceType) {
        self.fences += 1;
        let fence = fence_of(kind);
        let name = format!("fence-{}", self.fences);
        self.subscribe(fence, &[&name]).await;
        let response = self.response().await;
        assert_eq!(
            response.kind, fence,
            "the server responds more than necessary: {response:?}"
        );
        assert!(response.resources.contains_key(&name), "{response:?}");
        self.ack(fence).await;
    }
}

/// The type by which a test of this type notices that nothing came.
fn fence_of(kind: ResourceType) -> ResourceType {
    match kind {
        ResourceType::Cluster | ResourceType::Endpoint => ResourceType::Route,
        _ => ResourceType::Endpoint,
    }
}

/// Fences in a test.
const FENCES: u32 = 6;

/// A snapshot of these resources of one type, and of the fences.
pub(crate) fn snapshot(kind: ResourceType, resources: &[(&str, u32)]) -> Snapshot {
    let fences = (1..=FENCES).fold(Snapshot::new(), |snapshot, number| {
        with(snapshot, fence_of(kind), &format!("fence-{number}"), 1)
    });
    let resources = resources.iter();
    resources.fold(fences, |snapshot, (name, content)| with(snapshot, kind, name, *content))
}
