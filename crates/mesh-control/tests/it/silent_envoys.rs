//! Envoys that stop responding.

use std::time::Duration;

use mesh_control::{ControlPlane, XdsProtocol};
use mesh_model::service_connect::AppProtocol;

use crate::harness::{Behaviour, Load, Mesh, Task, Upstream, endpoint, eventually, in_both_protocols, node_id};

in_both_protocols!(a_stopped_envoy_is_not_waited_for);

async fn a_stopped_envoy_is_not_waited_for(protocol: XdsProtocol) {
    // Long enough for an Envoy on a busy machine.
    let [interval, timeout] = [1, 4].map(Duration::from_secs);
    let mesh = Mesh::start_from(ControlPlane::builder().xds_keepalive(interval, timeout), protocol).await;
    let blue = endpoint("blue", AppProtocol::Http);
    mesh.create_namespace(std::slice::from_ref(&blue));
    let application = Upstream::start("blue", Behaviour::Name).await;
    mesh.set_endpoints("blue", &[application.address]);
    let green = Task::start(&mesh, "green").await;
    let red = Task::start(&mesh, "red").await;
    mesh.wait_for_nodes(2).await;
    mesh.control.settled(2).await;
    let load = Load::start(&green, "blue.serviceconnect").await;

    red.envoy.signal("STOP");
    let another = Upstream::start("another", Behaviour::Name).await;
    mesh.set_endpoints("blue", &[another.address]);
    green.wait_for_endpoints(&blue, &[another.address]).await;
    // Green has acknowledged it, red has not.
    eventually("only the stopped Envoy is waited for", async || {
        let unsettled = mesh.control.unsettled();
        match unsettled.as_slice() {
            [one] if one.starts_with(&node_id("red")) => Ok(()),
            _ => Err(format!("{unsettled:?}")),
        }
    })
    .await;

    // Its streams are closed after five seconds.
    let settled = tokio::time::timeout(Duration::from_secs(60), mesh.control.settled(1)).await;
    settled.expect("a stopped Envoy is waited for");
    mesh.wait_for_nodes(1).await;
    eventually("no Envoy is waited for", async || {
        match mesh.control.unsettled().as_slice() {
            [] => Ok(()),
            unsettled => Err(format!("{unsettled:?}")),
        }
    })
    .await;

    // An Envoy that continues connects again, and receives what it missed.
    red.envoy.signal("CONT");
    mesh.wait_for_nodes(2).await;
    mesh.control.settled(2).await;
    red.wait_for_endpoints(&blue, &[another.address]).await;
    println!("{} requests without a failure", load.stop_without_failures().await);
}
