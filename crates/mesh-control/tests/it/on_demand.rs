//! On-demand discovery: an Envoy of a large namespace has the clusters that its application has called.

use std::time::{Duration, Instant};

use mesh_control::XdsProtocol;
use mesh_model::namespace::ServiceConnectService;
use mesh_model::service_connect::AppProtocol;

use crate::harness::{Behaviour, CallResponse, Mesh, Task, Upstream, endpoint, in_both_protocols};
use crate::reconnects::ReservedAddresses;

in_both_protocols!(a_cluster_is_discovered_at_the_first_call);

/// More services than are served eagerly: `blue`, `red` and others without tasks.
fn large_namespace() -> Vec<ServiceConnectService> {
    let others = (0..120).map(|number| format!("other-{number}"));
    let names = others.chain(["blue".to_owned(), "red".to_owned()]);
    names.map(|name| endpoint(&name, AppProtocol::Http)).collect()
}

/// The number of clusters that the Envoy of this service has.
async fn clusters(mesh: &Mesh, service: &str) -> usize {
    mesh.node(service, |node| node.settled).await.clusters.accepted
}

async fn a_cluster_is_discovered_at_the_first_call(protocol: XdsProtocol) {
    let services = large_namespace();
    let mesh = Mesh::start(protocol, &services).await;
    let blue = Upstream::start("blue", Behaviour::Name).await;
    let red = Upstream::start("red", Behaviour::Name).await;
    mesh.set_endpoints("blue", &[blue.address]);
    mesh.set_endpoints("red", &[red.address]);
    let green = Task::start(&mesh, "green").await;
    let all = services.len();
    let at_first = if protocol == XdsProtocol::Delta { 0 } else { all };
    assert_eq!(clusters(&mesh, "green").await, at_first);

    // A body has to wait as well.
    let started = Instant::now();
    let expected = |name: &str| CallResponse {
        status: 200,
        fault: None,
        body: name.to_owned(),
    };
    let body = "x".repeat(100_000);
    let posted = green
        .request("blue.serviceconnect")
        .body(body)
        .send()
        .await
        .expect("a response");
    assert_eq!(posted.status(), 200);
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "the call waited for a timeout"
    );
    let together = futures_util::future::join_all((0..20).map(|_| green.get("red.serviceconnect"))).await;
    assert_eq!(together, vec![expected("red"); 20]);
    if protocol == XdsProtocol::Delta {
        assert_eq!(clusters(&mesh, "green").await, 2);
    }

    // From now on they are as any other cluster.
    let other = Upstream::start("another blue", Behaviour::Name).await;
    mesh.set_endpoints("blue", &[other.address]);
    green
        .wait_for_endpoints(&endpoint("blue", AppProtocol::Http), &[other.address])
        .await;
    assert_eq!(green.get("blue.serviceconnect").await, expected("another blue"));

    let unknown = green.get("pink.serviceconnect").await;
    assert_eq!(
        (unknown.status, unknown.fault.as_deref()),
        (404, Some("unknown-service"))
    );
    let without_tasks = green.get("other-7.serviceconnect").await;
    assert_eq!(
        (without_tasks.status, without_tasks.fault.as_deref()),
        (503, Some("no-healthy-endpoint"))
    );
}

#[tokio::test]
async fn discovered_clusters_outlive_their_control_plane() {
    let reserved = ReservedAddresses::reserve();
    let mesh = reserved.start(XdsProtocol::Delta, &large_namespace()).await;
    let blue = Upstream::start("blue", Behaviour::Name).await;
    let red = Upstream::start("red", Behaviour::Name).await;
    mesh.set_endpoints("blue", &[blue.address]);
    mesh.set_endpoints("red", &[red.address]);
    let green = Task::start(&mesh, "green").await;
    assert_eq!(green.get("blue.serviceconnect").await.body, "blue");

    let state = mesh.mesh_state();
    drop(mesh);
    green.envoy.wait_for_stat("control_plane.connected_state", 0).await;
    assert_eq!(green.get("blue.serviceconnect").await.body, "blue");
    // The wait for a cluster that is not known yet has an end.
    let undiscovered = green.get("red.serviceconnect").await;
    assert_eq!(
        (undiscovered.status, undiscovered.fault.as_deref()),
        (503, Some("no-healthy-endpoint"))
    );

    let other = Upstream::start("another blue", Behaviour::Name).await;
    let mesh = reserved.start_with(XdsProtocol::Delta, state).await;
    mesh.set_endpoints("blue", &[other.address]);
    green.envoy.wait_for_stat("control_plane.connected_state", 1).await;
    green
        .wait_for_endpoints(&endpoint("blue", AppProtocol::Http), &[other.address])
        .await;
    assert_eq!(green.get("blue.serviceconnect").await.body, "another blue");
    assert_eq!(green.get("red.serviceconnect").await.body, "red");
    assert_eq!(clusters(&mesh, "green").await, 2);

    // The subscription outlives the service.
    mesh.remove_service("red");
    mesh.node("green", |node| node.settled && node.clusters.accepted == 1)
        .await;
    assert_eq!(green.get("red.serviceconnect").await.status, 404);
    mesh.put_service(endpoint("red", AppProtocol::Http));
    mesh.node("green", |node| node.settled && node.clusters.accepted == 2)
        .await;
    assert_eq!(green.get("red.serviceconnect").await.body, "red");
}
