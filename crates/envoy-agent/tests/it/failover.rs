//! Control planes that go away and come back.

use std::time::{Duration, Instant};

use mesh_control::{MeshState, XdsProtocol};
use mesh_model::service_connect::AppProtocol;

use crate::fixture::Site;
use crate::harness::{Behaviour, Load, Upstream, endpoint, eventually};

/// The longest time until an Envoy is back at its control plane.
const RETURN: Duration = Duration::from_secs(5);

#[tokio::test]
async fn an_envoy_starts_from_the_store_and_returns_delta() {
    an_envoy_starts_from_the_store_and_returns(XdsProtocol::Delta).await;
}

#[tokio::test]
async fn an_envoy_starts_from_the_store_and_returns_sotw() {
    an_envoy_starts_from_the_store_and_returns(XdsProtocol::Sotw).await;
}

async fn an_envoy_starts_from_the_store_and_returns(protocol: XdsProtocol) {
    let site = Site::new(protocol);
    let blue = Upstream::start("blue", Behaviour::Name).await;
    let control = site.control_plane(MeshState::default()).await;
    control.mesh.create_namespace(&[endpoint("blue", AppProtocol::Http)]);
    control.mesh.add_ecs_service("green");
    control.mesh.set_endpoints("blue", &[blue.address]);
    let first = site.start_envoy().await;
    site.wait_for_manifests(1).await;
    let load = Load::on(site.egress(), "blue.serviceconnect").await;

    // The control plane goes away under load; an Envoy that runs is not concerned.
    let state = control.mesh.mesh_state();
    drop(control);
    let _agent = site.start_agent().await;
    first.wait_for_stat("control_plane.connected_state", 0).await;
    load.wait_for_responses(50).await;
    load.stop_without_failures().await;

    // An Envoy that starts meanwhile has the configuration that the first one had accepted.
    drop(first);
    let started = Instant::now();
    let second = site.start_envoy().await;
    println!("{protocol:?}: ready from the store after {:?}", started.elapsed());
    let load = Load::on(site.egress(), "blue.serviceconnect").await;
    let status = site.agent_page("status").await.expect("the status");
    assert!(status.contains("stored configuration, accepted"), "{status}");

    // The control plane comes back with other endpoints.
    let other = Upstream::start("another blue", Behaviour::Name).await;
    let returned = Instant::now();
    let control = site.control_plane(state).await;
    control.mesh.set_endpoints("blue", &[other.address]);
    control.mesh.wait_for_nodes(1).await;
    let until_return = returned.elapsed();
    println!("{protocol:?}: back at the control plane after {until_return:?}");
    assert!(until_return < RETURN, "{until_return:?}");
    other.wait_for_requests(20).await;
    load.stop_without_failures().await;
    assert_eq!(second.stat("cluster_manager.cluster_removed").await, 0);
    eventually("the agent has no stream", async || {
        let status = site.agent_page("status").await?;
        if status.contains("\"id\"") { Err(status) } else { Ok(()) }
    })
    .await;
}
