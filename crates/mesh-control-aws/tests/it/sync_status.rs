//! The sync status: deploy tools see in Parameter Store when all Envoys have ACKed a change.

use std::net::SocketAddr;

use envoy_types::pb::envoy::config::core::v3::Node;
use envoy_types::pb::envoy::service::discovery::v3::aggregated_discovery_service_client::AggregatedDiscoveryServiceClient;
use envoy_types::pb::envoy::service::discovery::v3::{DeltaDiscoveryRequest, DeltaDiscoveryResponse};
use mesh_control::ResourceType;
use mesh_control_aws::{EndpointHealth, SyncReader, SyncStatus};
use testkit::{Fault, FaultProxy};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::account::Account;
use super::task_set::{BLUE, Poller, ROUTE, SECOND_BLUE, TestMesh, route};
use crate::harness::eventually;

async fn until(sync_reader: &SyncReader, expected: impl Fn(&SyncStatus) -> bool) -> SyncStatus {
    eventually("the expected status", async || {
        let read = sync_reader.read().await.expect("a response");
        if expected(&read) {
            Ok(read)
        } else {
            Err(format!("{read:?}"))
        }
    })
    .await
}

fn settled(replicas: usize, envoys: usize) -> impl Fn(&SyncStatus) -> bool {
    move |read| *read == SyncStatus::Synced { replicas, envoys }
}

#[tokio::test]
async fn a_change_is_in_sync_once_the_envoys_of_all_replicas_have_acked_it() {
    let account = Account::open().await;
    let test_mesh = TestMesh::open(&account).await;
    let sync_reader = SyncReader::new(&account.config, "demo");
    assert_eq!(sync_reader.read().await, Ok(SyncStatus::NoReports));
    let first = Poller::publishing(&account.config, Some("first")).await;
    let task_set = test_mesh.task_set(first.xds()).await;
    task_set.wait_for_response_from("blue").await;
    until(&sync_reader, settled(1, 3)).await;
    let second = Poller::publishing(&account.config, Some("second")).await;
    until(&sync_reader, settled(2, 3)).await;

    account.write(ROUTE, &route(0, 1)).await;
    let read = sync_reader.read().await.expect("a response");
    assert!(matches!(read, SyncStatus::Pending { .. }), "{read:?}");
    until(&sync_reader, settled(2, 3)).await;
    assert_eq!(task_set.get().await, "green", "the status was in sync too early");

    account.write_text(ROUTE, "not JSON").await;
    let rejected = until(&sync_reader, |read| matches!(read, SyncStatus::Rejected { .. })).await;
    assert!(
        format!("{rejected:?}").contains("/meshwright/demo/virtualRouter/shop/route/all: is not valid JSON"),
        "{rejected:?}"
    );
    account.write(ROUTE, &route(1, 0)).await;
    until(&sync_reader, settled(2, 3)).await;

    second.stop().await;
    until(&sync_reader, settled(1, 3)).await;
    first.stop().await;
    assert_eq!(sync_reader.read().await, Ok(SyncStatus::NoReports));
    assert_eq!(account.names_below("/meshwright-status").await, Vec::<String>::new());
}

/// The calls of one read.
async fn calls_of_read(sync_reader: &SyncReader, proxy: &FaultProxy) -> usize {
    let before = proxy.calls().len();
    sync_reader.read().await.expect("a response");
    proxy.calls().len() - before
}

#[tokio::test]
async fn an_unchanged_revision_marker_saves_the_read_of_all_parameters() {
    const MARKER: &str = "/meshwright-revision/demo/shop";
    let account = Account::open().await;
    let _test_mesh = TestMesh::open(&account).await;
    account.write_at(MARKER, "1").await;
    let proxy = FaultProxy::start(account.config.endpoint_url().expect("an endpoint")).await;
    let sync_reader = SyncReader::new(&account.config_at(&proxy.url()), "demo");
    let whole = calls_of_read(&sync_reader, &proxy).await;
    assert!(whole >= 4, "markers, statuses, the mesh and all below it: {whole}");
    for reader in [sync_reader.clone(), sync_reader.clone().ignoring(["envoy".to_owned()])] {
        assert_eq!(calls_of_read(&reader, &proxy).await, 2);
    }
    let _replica = Poller::publishing(&account.config, Some("only")).await;
    until(&sync_reader, settled(1, 0)).await;
    account.write(ROUTE, &route(0, 1)).await;
    account.write_at(MARKER, "2").await;
    assert_eq!(calls_of_read(&sync_reader, &proxy).await, whole);
    assert_eq!(calls_of_read(&sync_reader, &proxy).await, 2);
    until(&sync_reader, settled(1, 0)).await;
    // A role that may not read markers.
    proxy.inject(&["GetParametersByPath", "/meshwright-revision/demo"], Fault::Deny);
    for _ in 0..2 {
        assert_eq!(calls_of_read(&sync_reader, &proxy).await, whole);
    }
    until(&sync_reader, settled(1, 0)).await;
}

#[tokio::test]
async fn endpoint_health_is_the_minimum_of_all_replicas() {
    let account = Account::open().await;
    let test_mesh = TestMesh::open(&account).await;
    let sync_reader = SyncReader::new(&account.config, "demo");
    let read = async |node| sync_reader.healthy(node).await.expect("a response");
    let is = async |node, expected: EndpointHealth| {
        eventually(&format!("{node} is {expected:?}"), async || {
            let read = read(node).await;
            if read == expected {
                Ok(())
            } else {
                Err(format!("{read:?}"))
            }
        })
        .await;
    };
    assert!(matches!(read("blue").await, EndpointHealth::Pending { .. }));
    let _first = Poller::publishing(&account.config, Some("first")).await;
    is("blue", EndpointHealth::AtLeast(1)).await;
    is("green", EndpointHealth::AtLeast(1)).await;
    is("caller", EndpointHealth::Unknown).await;
    let _second = Poller::publishing(&account.config, Some("second")).await;
    test_mesh.blue.register(SECOND_BLUE).await;
    is("blue", EndpointHealth::AtLeast(2)).await;
    // A change of health alone is published, too.
    for (at, left) in [(BLUE, 1), (SECOND_BLUE, 0)] {
        test_mesh.blue.set_unhealthy(at).await;
        is("blue", EndpointHealth::AtLeast(left)).await;
    }
}

#[tokio::test]
async fn stale_statuses_of_killed_replicas_are_removed() {
    let account = Account::open().await;
    let _shop = TestMesh::open(&account).await;
    let left = r#"{"configuration":"x","accepted":null,"envoys":0,"refused":[],"at":"2020-01-01T00:00:00Z"}"#;
    account.write_at("/meshwright-status/demo/killed", left).await;
    let _follower = Poller::publishing(&account.config, Some("new")).await;
    eventually("only the new replica has a status", async || {
        let names = account.names_below("/meshwright-status").await;
        if names == ["/meshwright-status/demo/new"] {
            Ok(())
        } else {
            Err(format!("{names:?}"))
        }
    })
    .await;
}

#[tokio::test]
async fn an_envoy_without_an_ack_is_pending() {
    let account = Account::open().await;
    let _shop = TestMesh::open(&account).await;
    let sync_reader = SyncReader::new(&account.config, "demo");
    let poller = Poller::publishing(&account.config, Some("only")).await;
    poller.wait_until_healthy().await;
    until(&sync_reader, settled(1, 0)).await;
    let silent = envoy_without_acks(poller.xds()).await;
    account.write(ROUTE, &route(0, 1)).await;
    let waits = |read: &SyncStatus| matches!(read, SyncStatus::Pending { reason } if reason.contains("replica only, these have not accepted it yet: mesh/demo/virtualNode/caller"));
    until(&sync_reader, waits).await;
    drop(silent);
    until(&sync_reader, settled(1, 0)).await;
}

/// An Envoy that never sends an ACK: both halves of its stream.
async fn envoy_without_acks(
    xds: SocketAddr,
) -> (mpsc::Sender<DeltaDiscoveryRequest>, Streaming<DeltaDiscoveryResponse>) {
    let request = DeltaDiscoveryRequest {
        node: Some(Node {
            id: "mesh/demo/virtualNode/caller".to_owned(),
            ..Node::default()
        }),
        type_url: ResourceType::Cluster.type_url().to_owned(),
        ..DeltaDiscoveryRequest::default()
    };
    let (sender, requests) = mpsc::channel(1);
    sender.send(request).await.expect("the channel has capacity");
    let client = AggregatedDiscoveryServiceClient::connect(format!("http://{xds}")).await;
    let mut client = client.expect("the control plane listens");
    let stream = client.delta_aggregated_resources(ReceiverStream::new(requests)).await;
    let mut stream = stream.expect("a stream").into_inner();
    stream.message().await.expect("a message").expect("a response");
    (sender, stream)
}
