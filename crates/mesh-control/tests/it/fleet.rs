//! Real Envoys among simulated ones: changes reach a fleet while requests pass the real ones.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value};
use futures_util::future::join_all;
use mesh_control::node::{LISTENER_PORTS_KEY, egress_listener};
use mesh_control::{ResourceType, XdsProtocol};
use mesh_model::service_connect::AppProtocol;
use prost::Message as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

use crate::harness::{Behaviour, Load, Mesh, Task, Upstream, egress_cluster, endpoint, node_id};

/// Real tasks that call, and real tasks that are called.
const CALLERS: usize = 10;
const CALLED: usize = 10;
/// Envoys that are simulated: they subscribe to clusters, listeners and endpoints, and ACK everything.
const SIMULATED: usize = 980;
/// Simulated Envoys on one connection; the control plane allows 16 streams.
const PER_CONNECTION: usize = 14;
/// Services in the namespace, all of which every node may call.
const SERVICES: usize = 60;
const CHANGES: usize = 30;
/// The longest time for one change to reach all nodes, in a build without optimisation on a busy machine.
const SETTLED: Duration = Duration::from_secs(30);

/// A simulated Envoy. `endpoints` receives the number of endpoints of `cluster` that it knows.
async fn simulate(channel: Channel, node: Node, cluster: Arc<str>, endpoints: watch::Sender<usize>) {
    let mut client = AggregatedDiscoveryServiceClient::new(channel);
    let (requests, receiver) = mpsc::channel(16);
    let first = [ResourceType::Cluster, ResourceType::Listener];
    for (index, kind) in first.into_iter().enumerate() {
        let request = DeltaDiscoveryRequest {
            node: (index == 0).then(|| node.clone()),
            type_url: kind.type_url().to_owned(),
            ..DeltaDiscoveryRequest::default()
        };
        requests.send(request).await.expect("the receiver is here");
    }
    let stream = client.delta_aggregated_resources(ReceiverStream::new(receiver)).await;
    let mut stream = stream.expect("the control plane accepts the node").into_inner();
    while let Some(response) = stream.message().await.expect("the stream stays open") {
        if response.type_url == ResourceType::Endpoint.type_url() {
            endpoints.send_if_modified(|known| note_endpoints(&response, &cluster, known));
        }
        let new_clusters = (response.type_url == ResourceType::Cluster.type_url()).then(|| {
            let names = response.resources.iter().map(|resource| resource.name.clone());
            DeltaDiscoveryRequest {
                type_url: ResourceType::Endpoint.type_url().to_owned(),
                resource_names_subscribe: names.collect(),
                ..DeltaDiscoveryRequest::default()
            }
        });
        let ack = DeltaDiscoveryRequest {
            type_url: response.type_url,
            response_nonce: response.nonce,
            ..DeltaDiscoveryRequest::default()
        };
        for request in [ack].into_iter().chain(new_clusters) {
            if requests.send(request).await.is_err() {
                return;
            }
        }
    }
}

fn note_endpoints(response: &DeltaDiscoveryResponse, cluster: &str, known: &mut usize) -> bool {
    let assignment = response.resources.iter().find(|resource| resource.name == cluster);
    let Some(resource) = assignment.and_then(|assignment| assignment.resource.as_ref()) else {
        return false;
    };
    let assignment = ClusterLoadAssignment::decode(resource.value.as_slice()).expect("an assignment");
    *known = assignment
        .endpoints
        .iter()
        .map(|locality| locality.lb_endpoints.len())
        .sum();
    true
}

/// The node of a task with an egress listener.
fn node(service: &str, port: u32) -> Node {
    let number = Value {
        kind: Some(Kind::NumberValue(port.into())),
    };
    let ports = Value {
        kind: Some(Kind::StructValue(Struct {
            fields: HashMap::from([(egress_listener(), number)]),
        })),
    };
    Node {
        id: node_id(service),
        metadata: Some(Struct {
            fields: HashMap::from([(LISTENER_PORTS_KEY.to_owned(), ports)]),
        }),
        ..Node::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_pass_real_envoys_among_simulated_ones() {
    let names: Vec<String> = (0..SERVICES - 1).map(|number| format!("service-{number}")).collect();
    let blue = endpoint("blue", AppProtocol::Http);
    let mut endpoints: Vec<_> = names.iter().map(|name| endpoint(name, AppProtocol::Http)).collect();
    endpoints.push(blue.clone());
    let mesh = Mesh::start(XdsProtocol::Delta, &endpoints).await;
    for name in &names {
        mesh.add_ecs_service(name);
    }
    let application = Upstream::start("blue", Behaviour::Name).await;
    let called = (0..CALLED).map(|_| Task::with_application(&mesh, &blue, application.address));
    let called = join_all(called).await;
    let addresses: Vec<SocketAddr> = called.iter().map(|task| task.ingress(&blue)).collect();
    mesh.set_endpoints("blue", &addresses);
    let callers = join_all((0..CALLERS).map(|number| Task::start(&mesh, &names[number]))).await;

    let cluster: Arc<str> = egress_cluster(&blue).into();
    let mut simulated = JoinSet::new();
    let mut known = Vec::new();
    let xds = format!("http://{}", mesh.control.addresses().xds);
    for first in (0..SIMULATED).step_by(PER_CONNECTION) {
        let channel = Channel::from_shared(xds.clone()).expect("a URL").connect().await;
        let channel = channel.expect("the control plane listens");
        for number in first..(first + PER_CONNECTION).min(SIMULATED) {
            let (sender, receiver) = watch::channel(0);
            known.push(receiver);
            let node = node(&names[number % names.len()], 20_000);
            simulated.spawn(simulate(channel.clone(), node, Arc::clone(&cluster), sender));
        }
    }
    mesh.wait_for_nodes(CALLERS + CALLED + SIMULATED).await;

    let loads = join_all(
        callers
            .iter()
            .take(2)
            .map(|caller| Load::start(caller, "blue.serviceconnect")),
    )
    .await;
    // One of the real tasks is always left out, another one each time.
    for change in 0..CHANGES {
        let mut left = addresses.clone();
        left.remove(change % left.len());
        mesh.set_endpoints("blue", &left);
        let settled = tokio::time::timeout(SETTLED, mesh.control.settled(0)).await;
        assert!(settled.is_ok(), "change {change}: {:?}", mesh.control.unsettled());
    }
    mesh.set_endpoints("blue", &addresses[..1]);
    for known in &mut known {
        let seen = tokio::time::timeout(SETTLED, known.wait_for(|endpoints| *endpoints == 1)).await;
        assert!(
            matches!(seen, Ok(Ok(_))),
            "a simulated Envoy does not know the last change"
        );
    }
    for caller in &callers {
        caller.wait_for_endpoints(&blue, &addresses[..1]).await;
    }
    let mut requests = 0;
    for load in loads {
        requests += load.stop_without_failures().await;
    }
    println!("{requests} requests during {CHANGES} changes, none failed");
    assert!(requests > 100, "{requests}");
    assert!(simulated.try_join_next().is_none(), "a stream has ended");
}
