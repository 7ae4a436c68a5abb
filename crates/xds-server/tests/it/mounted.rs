//! TLS and an interceptor: with a tonic client, and with the real Envoy.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::core::v3::Node as NodeMessage;
use envoy_types::pb::envoy::service::discovery::v3::DiscoveryRequest;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::MetadataValue;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity, Server, ServerTlsConfig};
use tonic::{Code, Request, Status};
use xds_server::{AdsService, Configured, Node, ResourceType, Snapshot, Source, SourceError, StatusBoard};

const TOKEN: &str = "Bearer secret";
const HOST: &str = "localhost";

/// One cluster for every Envoy.
struct OneCluster {
    revision: watch::Sender<u64>,
}

impl Source for OneCluster {
    fn configure(&self, _node: &Node) -> Result<Configured, SourceError> {
        let cluster = Cluster {
            name: "blue".to_owned(),
            ..Default::default()
        };
        Ok(Configured::new(Arc::new(Snapshot::new().with_cluster(&cluster))))
    }

    fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }
}

/// A tonic server with TLS, and with an interceptor in front of the ADS service.
struct Mounted {
    address: SocketAddr,
    certificate: String,
    status: StatusBoard,
    serving: JoinHandle<()>,
}

impl Mounted {
    async fn start() -> Self {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([HOST.to_owned()]).expect("a valid name");
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let source = Arc::new(OneCluster {
            revision: watch::Sender::new(0),
        });
        let ads = AdsService::new(source);
        let status = ads.status_board();
        let identity = Identity::from_pem(&certificate, key.serialize_pem());
        let server = Server::builder()
            .tls_config(ServerTlsConfig::new().identity(identity))
            .expect("a valid identity")
            .add_service(InterceptedService::new(ads.into_server(), authenticate));
        let serving = tokio::spawn(async move {
            let incoming = TcpListenerStream::new(listener);
            server.serve_with_incoming(incoming).await.expect("the server runs");
        });
        Self {
            address,
            certificate,
            status,
            serving,
        }
    }

    async fn client(&self) -> AggregatedDiscoveryServiceClient<Channel> {
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(&self.certificate))
            .domain_name(HOST);
        let channel = Channel::from_shared(format!("https://{}", self.address))
            .expect("a URL")
            .tls_config(tls)
            .expect("a valid certificate")
            .connect()
            .await
            .expect("the TLS handshake succeeds");
        AggregatedDiscoveryServiceClient::new(channel)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn authenticate(request: Request<()>) -> Result<Request<()>, Status> {
    match request.metadata().get("authorization") {
        Some(token) if token == TOKEN => Ok(request),
        _ => Err(Status::unauthenticated("no valid token")),
    }
}

fn cluster_request() -> Request<tokio_stream::Once<DiscoveryRequest>> {
    Request::new(tokio_stream::once(DiscoveryRequest {
        node: Some(NodeMessage {
            id: "envoy-1".to_owned(),
            ..Default::default()
        }),
        type_url: ResourceType::Cluster.type_url().to_owned(),
        ..Default::default()
    }))
}

#[tokio::test]
async fn an_interceptor_rejects_a_stream_without_a_token() {
    let mounted = Mounted::start().await;
    let mut client = mounted.client().await;
    let rejected = client.stream_aggregated_resources(cluster_request()).await;
    assert_eq!(rejected.expect_err("no token").code(), Code::Unauthenticated);

    let mut request = cluster_request();
    let token = MetadataValue::from_static(TOKEN);
    request.metadata_mut().insert("authorization", token);
    let mut responses = client
        .stream_aggregated_resources(request)
        .await
        .expect("the token is valid")
        .into_inner();
    let response = responses.message().await.expect("a response").expect("not the end");
    assert_eq!(response.type_url, ResourceType::Cluster.type_url());
    assert_eq!(response.resources.len(), 1);
}

#[tokio::test]
async fn envoy_connects_by_tls_with_a_token() {
    let mounted = Mounted::start().await;
    let directory = tempfile::tempdir().expect("a temporary directory");
    let bootstrap = directory.path().join("envoy.json");
    std::fs::write(&bootstrap, bootstrap_of(&mounted).to_string()).expect("the bootstrap file");
    let log = std::fs::File::create(directory.path().join("envoy.log")).expect("the log file");
    let mut envoy = testkit::envoy()
        .command()
        .arg("--config-path")
        .arg(&bootstrap)
        .arg("--disable-hot-restart")
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(log)
        .spawn()
        .expect("Envoy starts");
    let synced = mounted.status.wait_until(|nodes| {
        nodes
            .iter()
            .any(|node| node.id == "envoy-1" && node.clusters.accepted == 1)
    });
    let outcome = tokio::time::timeout(Duration::from_secs(30), synced).await;
    envoy.kill().expect("Envoy is killed");
    envoy.wait().expect("Envoy has ended");
    let log = std::fs::read_to_string(directory.path().join("envoy.log")).unwrap_or_default();
    assert!(outcome.is_ok(), "Envoy did not ACK the cluster: {log}");
}

/// A bootstrap file with TLS and a token. Without listeners, admin page and hot restart.
fn bootstrap_of(mounted: &Mounted) -> serde_json::Value {
    let ads = json!({"ads": {}, "resource_api_version": "V3"});
    let extension = |name: &str| format!("type.googleapis.com/envoy.extensions.{name}");
    json!({
        "node": {"id": "envoy-1", "cluster": "envoy-1"},
        "dynamic_resources": {
            "ads_config": {
                "api_type": "DELTA_GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{
                    "envoy_grpc": {"cluster_name": "xds"},
                    "initial_metadata": [{"key": "authorization", "value": TOKEN}],
                }],
            },
            "cds_config": ads,
        },
        "static_resources": {"clusters": [{
            "name": "xds",
            "type": "STATIC",
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": extension("upstreams.http.v3.HttpProtocolOptions"),
                    "explicit_http_config": {"http2_protocol_options": {}},
                },
            },
            "transport_socket": {
                "name": "envoy.transport_sockets.tls",
                "typed_config": {
                    "@type": extension("transport_sockets.tls.v3.UpstreamTlsContext"),
                    "sni": HOST,
                    "common_tls_context": {"validation_context": {
                        "trusted_ca": {"inline_string": mounted.certificate},
                        "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": HOST}}],
                    }},
                },
            },
            "load_assignment": {
                "cluster_name": "xds",
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": {
                    "address": mounted.address.ip().to_string(),
                    "port_value": mounted.address.port(),
                }}}}]}],
            },
        }]},
    })
}
