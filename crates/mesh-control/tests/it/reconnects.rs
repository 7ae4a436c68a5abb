//! A control plane that is stopped and restarted.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DiscoveryRequest};
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value};
use mesh_control::ResourceType;
use mesh_control::XdsProtocol;
use mesh_control::node::LISTENER_PORTS_KEY;
use mesh_control::{Addresses, MeshState};
use mesh_model::namespace::ServiceConnectService;
use mesh_model::service_connect::AppProtocol;
use tonic::Code;

use crate::harness::{Behaviour, Load, Mesh, ReservedPort, Task, Upstream, endpoint, in_both_protocols, node_id};

in_both_protocols!(
    envoys_outlive_their_control_plane,
    changes_during_a_disconnect_arrive,
    unknown_nodes_are_rejected,
);

/// Envoy's counters of updates.
const UPDATE_COUNTERS: [&str; 4] = [
    "cluster_manager.cds.update_success",
    "cluster.cds_egress_serviceconnect_blue_http_80.update_success",
    "listener_manager.lds.update_success",
    "http.egress.rds.rds_egress.update_success",
];

async fn envoys_outlive_their_control_plane(protocol: XdsProtocol) {
    let reserved = ReservedAddresses::reserve();
    let blue = endpoint("blue", AppProtocol::Http);
    let application = Upstream::start("blue", Behaviour::Name).await;
    let mesh = reserved.start(protocol, std::slice::from_ref(&blue)).await;
    mesh.set_endpoints("blue", &[application.address]);
    let green = Task::start(&mesh, "green").await;
    let load = Load::start(&green, "blue.serviceconnect").await;
    mesh.node("green", |node| node.settled).await;
    let before = green.envoy.stats(&UPDATE_COUNTERS).await;
    assert_eq!(before.len(), UPDATE_COUNTERS.len(), "{before:?}");

    let mesh = reserved.restart(mesh, &green, |_unchanged| ()).await;
    let node = mesh
        .node("green", |node| node.settled && node.routes.accepted == 1)
        .await;
    assert_eq!((node.clusters.accepted, node.endpoints.accepted), (1, 1));
    if protocol == XdsProtocol::Delta {
        assert_eq!(
            green.envoy.stats(&UPDATE_COUNTERS).await,
            before,
            "no resource is pushed again"
        );
    }

    let another = Upstream::start("another", Behaviour::Name).await;
    mesh.set_endpoints("blue", &[another.address]);
    another.wait_for_requests(1).await;
    green.wait_for_endpoints(&blue, &[another.address]).await;
    load.stop_without_failures().await;
    green.assert_no_fetch_timeout().await;
}

async fn changes_during_a_disconnect_arrive(protocol: XdsProtocol) {
    let reserved = ReservedAddresses::reserve();
    let mut blue = endpoint("blue", AppProtocol::Http);
    let application = Upstream::start("blue", Behaviour::Name).await;
    let mesh = reserved.start(protocol, std::slice::from_ref(&blue)).await;
    mesh.set_endpoints("blue", &[application.address]);
    let green = Task::start(&mesh, "green").await;
    let load = Load::start(&green, "blue.serviceconnect").await;

    blue.idle_timeout = Some(Duration::from_secs(60));
    let mesh = reserved
        .restart(mesh, &green, |mesh| mesh.put_service(blue.clone()))
        .await;
    green
        .envoy
        .wait_for_stat_at_least("cluster_manager.cluster_modified", 1)
        .await;
    green.envoy.wait_for_stat("cluster_manager.warming_clusters", 0).await;
    mesh.node("green", |node| node.settled && node.routes.accepted == 1)
        .await;
    green.wait_for_endpoints(&blue, &[application.address]).await;
    load.wait_for_responses(50).await;
    load.stop_without_failures().await;
    green.assert_no_fetch_timeout().await;
}

/// The two addresses of a control plane, reserved while there is none.
pub(crate) struct ReservedAddresses {
    xds: ReservedPort,
    status: ReservedPort,
}

impl ReservedAddresses {
    pub(crate) fn reserve() -> Self {
        Self {
            xds: ReservedPort::pick(),
            status: ReservedPort::pick(),
        }
    }

    fn addresses(&self) -> Addresses {
        Addresses {
            xds: self.xds.address(),
            status: self.status.address(),
        }
    }

    pub(crate) async fn start(&self, protocol: XdsProtocol, services: &[ServiceConnectService]) -> Mesh {
        let mesh = Mesh::start_at(self.addresses(), protocol, MeshState::default()).await;
        mesh.create_namespace(services);
        mesh
    }

    pub(crate) async fn start_with(&self, protocol: XdsProtocol, mesh_state: MeshState) -> Mesh {
        Mesh::start_at(self.addresses(), protocol, mesh_state).await
    }

    /// Stops a control plane, waits until the task's Envoy has disconnected, and starts another one with the same
    /// state, but for a change.
    pub(crate) async fn restart(&self, mesh: Mesh, task: &Task, change: impl FnOnce(&Mesh)) -> Mesh {
        let (protocol, mesh_state) = (mesh.protocol, mesh.mesh_state());
        drop(mesh);
        task.envoy.wait_for_stat("control_plane.connected_state", 0).await;
        let mesh = Mesh::start_at(self.addresses(), protocol, mesh_state).await;
        change(&mesh);
        task.envoy.wait_for_stat("control_plane.connected_state", 1).await;
        mesh
    }
}

async fn unknown_nodes_are_rejected(protocol: XdsProtocol) {
    let mesh = Mesh::start(protocol, &[]).await;
    mesh.add_ecs_service("green");
    let listeners = Value {
        kind: Some(Kind::StructValue(Struct::default())),
    };
    let wired = Struct {
        fields: HashMap::from([(LISTENER_PORTS_KEY.to_owned(), listeners)]),
    };
    for (id, metadata, reason) in [
        (String::new(), &wired, "the node id is empty"),
        ("green".to_owned(), &wired, "unknown form of node id `green`"),
        (
            node_id("red"),
            &wired,
            "service `demo/red` is in no Service Connect namespace",
        ),
        (node_id("green"), &Struct::default(), ": it is missing"),
    ] {
        let node = Node {
            id,
            metadata: Some(metadata.clone()),
            ..Node::default()
        };
        let status = rejection(mesh.control.addresses().xds, protocol, node).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{status}");
        assert!(status.message().contains(reason), "{status}");
    }
}

/// The response of the control plane to an Envoy with this node.
async fn rejection(xds: SocketAddr, protocol: XdsProtocol, node: Node) -> tonic::Status {
    let node = Some(node);
    let type_url = ResourceType::Cluster.type_url().to_owned();
    let mut client = AggregatedDiscoveryServiceClient::connect(format!("http://{xds}"))
        .await
        .expect("the control plane listens");
    // The rejection may come instead of the stream or on it.
    let outcome = match protocol {
        XdsProtocol::Delta => {
            let request = DeltaDiscoveryRequest {
                node,
                type_url,
                ..DeltaDiscoveryRequest::default()
            };
            match client.delta_aggregated_resources(tokio_stream::once(request)).await {
                Ok(stream) => stream.into_inner().message().await.map(drop),
                Err(status) => Err(status),
            }
        }
        XdsProtocol::Sotw => {
            let request = DiscoveryRequest {
                node,
                type_url,
                ..DiscoveryRequest::default()
            };
            match client.stream_aggregated_resources(tokio_stream::once(request)).await {
                Ok(stream) => stream.into_inner().message().await.map(drop),
                Err(status) => Err(status),
            }
        }
    };
    outcome.expect_err("a rejection")
}
