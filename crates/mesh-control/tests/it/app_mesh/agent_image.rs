//! Envoys of AWS's App Mesh image, which connect by `APPMESH_XDS_ENDPOINT` alone: TLS, SotW, call credentials, an ARN as the
//! node id, pings without data.

use std::collections::HashMap;
use std::net::SocketAddr;

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use envoy_types::pb::envoy::service::discovery::v3::{DiscoveryRequest, DiscoveryResponse};
use envoy_types::pb::google::protobuf::value::Kind as ValueKind;
use envoy_types::pb::google::protobuf::{Struct, Value as Protobuf};
use mesh_control::{ControlPlane, MeshState, ResourceType, XdsProtocol};
use prost::Message;
use serde_json::{Value, json};
use server_tls::{CertificateFiles, ServerTls};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::transport::{Certificate, Channel, ClientTlsConfig};
use tonic::{Code, Request, Streaming};

use super::demo_mesh::{Demo, by_node, caller, node};
use super::tls_fixture::Authority;
use crate::harness::{AgentEnvoy, Behaviour, Envoy, MeshNode, ReservedPort, TASK, Upstream};

const CALLER: &str = "arn:aws:appmesh:eu-west-1:123456789012:mesh/demo/virtualNode/caller";

#[tokio::test]
async fn an_envoy_of_the_image_carries_traffic_and_is_on_the_status_page() {
    let files = Files::new();
    let demo = files.demo(&shop()).await;
    let (one, another) = tokio::join!(
        Upstream::start("one", Behaviour::Name),
        Upstream::start("another", Behaviour::Name)
    );
    demo.set_endpoints("blue", &[one.address]);
    let caller = Caller::start(&demo, &files.authority, CALLER).await;
    assert_eq!(caller.get("shop.demo").await, (200, "one".to_owned()));

    assert_eq!(demo.settled(1).await, Vec::<String>::new());
    let status = demo.mesh.control.status();
    let envoy = &status.nodes[0];
    assert_eq!((envoy.id.as_str(), envoy.protocol), (CALLER, XdsProtocol::Sotw));
    assert_eq!(envoy.task.as_deref(), Some(TASK));
    assert_eq!(envoy.zone.as_deref(), Some("eu-west-1a"));
    assert_eq!(envoy.display_name(), format!("{CALLER} (task {TASK}, zone eu-west-1a)"));

    // A change arrives on the same stream.
    demo.set_endpoints("blue", &[another.address]);
    demo.settled(1).await;
    assert_eq!(caller.get("shop.demo").await, (200, "another".to_owned()));
}

#[tokio::test]
async fn a_node_that_has_nothing_gets_empty_responses_and_becomes_ready() {
    let files = Files::new();
    let demo = files.demo(&[("virtualNode/caller", json!({}))]).await;
    // Without ports there is not even an egress listener. The agent's Envoy has no fetch timeout: it would wait forever.
    let directory = tempfile::tempdir().expect("a temporary directory");
    let agent = files.agent(&demo, CALLER, json!({}));
    let envoy = Envoy::start_from(directory, |directory, admin| agent.bootstrap(directory, admin)).await;
    assert_eq!(demo.settled(1).await, Vec::<String>::new());
    let stats = [
        "cluster_manager.cds.update_success",
        "listener_manager.lds.update_success",
    ];
    for stat in stats {
        envoy.wait_for_stat(stat, 1).await;
    }
    let status = demo.mesh.control.status();
    assert_eq!(
        (status.nodes[0].clusters.accepted, status.nodes[0].listeners.accepted),
        (0, 0)
    );
}

#[tokio::test]
async fn a_renewed_certificate_of_another_root_is_used_without_a_restart() {
    let files = Files::new();
    let demo = files.demo(&shop()).await;
    let application = Upstream::start("blue", Behaviour::Name).await;
    demo.set_endpoints("blue", &[application.address]);
    let before = Caller::start(&demo, &files.authority, CALLER).await;

    let renewed = Authority::new();
    files.write(&renewed);
    let after = Caller::start(&demo, &renewed, "mesh/demo/virtualNode/caller").await;
    demo.settled(2).await;
    for caller in [&before, &after] {
        assert_eq!(caller.get("shop.demo").await, (200, "blue".to_owned()));
    }
    // The connection from before the renewal is still the first one.
    assert_eq!(before.envoy.stat("control_plane.connected_state").await, 1);
}

/// Google's client pings an idle connection; a server of gRPC's own would answer with GOAWAY after two.
#[tokio::test]
async fn pings_without_data_do_not_end_the_connection() {
    let files = Files::new();
    let demo = files.demo(&shop()).await;
    let xds = demo.mesh.control.addresses().xds;
    let connection = files.connect(xds).await;
    let (requests, mut connection) = h2::client::handshake(connection).await.expect("HTTP/2");
    let mut pings = connection.ping_pong().expect("the first time");
    let driver = tokio::spawn(connection);
    for number in 0..500 {
        pings
            .ping(h2::Ping::opaque())
            .await
            .unwrap_or_else(|error| panic!("ping {number}: {error}"));
    }
    assert!(!driver.is_finished(), "the connection is open");
    drop(requests);
    driver.abort();
}

/// A client that plays the agent without port mapping: the ports are App Mesh's.
#[tokio::test]
async fn a_transparent_proxy_gets_the_listeners_of_app_mesh() {
    let files = Files::new();
    let mut blue = node("blue", "http");
    blue["backends"] = caller(&["shop.demo"])["backends"].clone();
    let mut documents = shop().to_vec();
    documents.push(("virtualNode/blue", blue));
    let demo = files.demo(&documents).await;
    let node = agent_node("mesh/demo/virtualNode/blue");
    let mut client = AgentClient::connect(&files, &demo.mesh.control, node).await;
    client.request(ResourceType::Cluster, &[], None);
    let clusters = client.response().await;
    assert_eq!(clusters.type_url, ResourceType::Cluster.type_url());
    client.request(ResourceType::Cluster, &[], Some(&clusters));
    client.request(ResourceType::Listener, &[], None);
    let listeners = client.response().await;
    assert_eq!(listeners.type_url, ResourceType::Listener.type_url());
    let names: Vec<String> = listeners
        .resources
        .iter()
        .map(|resource| Listener::decode(resource.value.as_slice()).expect("a listener").name)
        .collect();
    assert_eq!(names, ["lds_egress_0.0.0.0_15001", "lds_ingress_0.0.0.0_15000"]);
}

#[tokio::test]
async fn unknown_meshes_and_nodes_are_rejected_by_name() {
    let files = Files::new();
    let demo = files.demo(&shop()).await;
    for (id, reason) in [
        ("mesh/other/virtualNode/caller", "there is no mesh `other`"),
        (
            "arn:aws:appmesh:eu-west-1:123456789012:mesh/demo/virtualGateway/door",
            "there is no virtual gateway `door` in mesh `demo`",
        ),
        ("mesh/demo/virtualRouter/shop", "unknown form of node id"),
    ] {
        let mut client = AgentClient::connect(&files, &demo.mesh.control, agent_node(id)).await;
        client.request(ResourceType::Cluster, &[], None);
        let status = client.responses.message().await.expect_err("a rejection");
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().contains(reason), "{status}");
    }
}

/// Message types with a type URL in the configuration of virtual nodes and gateways. Each is in the API of Envoy 1.34, the
/// version in AWS's last images; a new one must be, too.
const KNOWN_TO_ENVOY_1_34: [&str; 8] = [
    "envoy.extensions.access_loggers.file.v3.FileAccessLog",
    "envoy.extensions.filters.http.router.v3.Router",
    "envoy.extensions.filters.listener.original_dst.v3.OriginalDst",
    "envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector",
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    "envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy",
    "envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate",
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
];

#[test]
fn only_messages_that_envoy_1_34_knows_are_sent() {
    let mut types = std::collections::BTreeSet::new();
    for golden in [
        include_str!("../../golden/virtual-node.json"),
        include_str!("../../golden/virtual-gateway.json"),
    ] {
        let document: Value = serde_json::from_str(golden).expect("JSON");
        collect_types(&document, &mut types);
    }
    assert!(!types.is_empty());
    let unknown: Vec<&String> = types
        .iter()
        .filter(|name| !KNOWN_TO_ENVOY_1_34.contains(&name.as_str()))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

fn collect_types(value: &Value, types: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            let name = fields.get("@type").and_then(Value::as_str);
            types.extend(name.map(|name| name.trim_start_matches("type.googleapis.com/").to_owned()));
            fields.values().for_each(|field| collect_types(field, types));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_types(item, types)),
        _ => {}
    }
}

fn shop() -> [(&'static str, Value); 4] {
    [
        ("mesh", json!({})),
        ("virtualNode/caller", caller(&["shop.demo"])),
        ("virtualNode/blue", node("blue", "http")),
        ("virtualService/shop.demo", by_node("blue")),
    ]
}

/// The certificate of a control plane at `localhost`.
struct Files {
    directory: TempDir,
    authority: Authority,
}

impl Files {
    fn new() -> Self {
        let files = Self {
            directory: tempfile::tempdir().expect("a temporary directory"),
            authority: Authority::new(),
        };
        files.write(&files.authority);
        files
    }

    /// Writes a new certificate of this authority.
    fn write(&self, authority: &Authority) {
        let (certificate, key) = authority.certify("localhost");
        let CertificateFiles {
            certificate: certificate_file,
            key: key_file,
            ..
        } = self.paths();
        std::fs::write(certificate_file, certificate).expect("the certificate is written");
        std::fs::write(key_file, key).expect("the key is written");
    }

    fn paths(&self) -> CertificateFiles {
        let directory = self.directory.path();
        CertificateFiles::new(directory.join("server.pem"), directory.join("server-key.pem"))
    }

    /// A mesh whose control plane has this certificate.
    async fn demo(&self, documents: &[(&str, Value)]) -> Demo {
        let tls = ServerTls::load(self.paths()).expect("valid files");
        let builder = ControlPlane::builder().mesh_state(MeshState::default()).xds_tls(tls);
        Demo::start_from(builder, XdsProtocol::Sotw, documents).await
    }

    fn agent<'a>(&'a self, demo: &Demo, node_id: &'a str, listener_ports: Value) -> AgentEnvoy<'a> {
        AgentEnvoy {
            node_id,
            xds: demo.mesh.control.addresses().xds,
            roots: self.authority.certificate(),
            listener_ports,
        }
    }

    /// A TLS connection of an HTTP/2 client.
    async fn connect(&self, xds: SocketAddr) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
        use tokio_rustls::rustls::pki_types::pem::PemObject;
        use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
        use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};

        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(self.authority.certificate().as_bytes()).expect("PEM");
        roots.add(root).expect("a root");
        let builder = ClientConfig::builder_with_provider(std::sync::Arc::new(ring::default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("supported");
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let connection = tokio::net::TcpStream::connect(xds).await.expect("a listener");
        let name = ServerName::try_from("localhost").expect("a name");
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
        connector.connect(name, connection).await.expect("a handshake")
    }
}

/// An Envoy of the image, and the port of its egress listener.
struct Caller {
    envoy: Envoy,
    egress: ReservedPort,
}

impl Caller {
    async fn start(demo: &Demo, authority: &Authority, node_id: &str) -> Self {
        let egress = ReservedPort::pick();
        let agent = AgentEnvoy {
            node_id,
            xds: demo.mesh.control.addresses().xds,
            roots: authority.certificate(),
            listener_ports: json!({"egress": egress.number()}),
        };
        let directory = tempfile::tempdir().expect("a temporary directory");
        let envoy = Envoy::start_from(directory, |directory, admin| agent.bootstrap(directory, admin)).await;
        Self { envoy, egress }
    }

    async fn get(&self, host: &str) -> (u16, String) {
        let response = MeshNode::get_from(self.egress.address(), host).await;
        (response.status, response.body)
    }
}

/// The node of the agent without port mapping.
fn agent_node(id: &str) -> Node {
    let text = |text: &str| Protobuf {
        kind: Some(ValueKind::StringValue(text.to_owned())),
    };
    let object = |fields: Vec<(&str, Protobuf)>| Protobuf {
        kind: Some(ValueKind::StructValue(Struct {
            fields: fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        })),
    };
    let platform = object(vec![("ecsPlatformInfo", object(vec![("ecsTaskArn", text(TASK))]))]);
    Node {
        id: id.to_owned(),
        cluster: id.to_owned(),
        metadata: Some(Struct {
            fields: HashMap::from([("aws.appmesh.platformInfo".to_owned(), platform)]),
        }),
        ..Node::default()
    }
}

/// A gRPC client with TLS that sends its node in every request.
struct AgentClient {
    node: Node,
    requests: mpsc::UnboundedSender<DiscoveryRequest>,
    responses: Streaming<DiscoveryResponse>,
}

impl AgentClient {
    async fn connect(files: &Files, control: &ControlPlane, node: Node) -> Self {
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(files.authority.certificate()))
            .domain_name("localhost");
        let channel = Channel::from_shared(format!("https://{}", control.addresses().xds)).expect("a URL");
        let channel = channel.tls_config(tls).expect("valid roots").connect().await;
        let mut client = AggregatedDiscoveryServiceClient::new(channel.expect("the handshake succeeds"));
        let (requests, receiver) = mpsc::unbounded_channel();
        let mut call = Request::new(UnboundedReceiverStream::new(receiver));
        let signature = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261130/eu-west-1/appmesh/aws4_request, Signature=0";
        call.metadata_mut()
            .insert("authorization", signature.parse().expect("metadata"));
        let responses = client.stream_aggregated_resources(call).await;
        Self {
            node,
            requests,
            responses: responses.expect("a stream").into_inner(),
        }
    }

    fn request(&self, kind: ResourceType, names: &[&str], ack: Option<&DiscoveryResponse>) {
        let request = DiscoveryRequest {
            node: Some(self.node.clone()),
            type_url: kind.type_url().to_owned(),
            resource_names: names.iter().map(|name| (*name).to_owned()).collect(),
            version_info: ack.map(|response| response.version_info.clone()).unwrap_or_default(),
            response_nonce: ack.map(|response| response.nonce.clone()).unwrap_or_default(),
            ..DiscoveryRequest::default()
        };
        self.requests.send(request).expect("the stream is open");
    }

    async fn response(&mut self) -> DiscoveryResponse {
        self.responses.message().await.expect("no error").expect("not the end")
    }
}
