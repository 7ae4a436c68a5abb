//! Changes under load lose no request.

use std::time::{Duration, Instant};

use mesh_control::XdsProtocol;
use mesh_model::namespace::ServiceConnectService;
use mesh_model::service_connect::AppProtocol;

use crate::harness::{Behaviour, Load, Mesh, Task, Upstream, endpoint, in_both_protocols};

in_both_protocols!(
    tasks_are_added_and_removed,
    a_cluster_changes,
    a_service_is_removed_and_added,
    a_running_task_can_call_a_new_service,
);

/// The number of repetitions: an error in one of five is found nearly always.
const ROUNDS: u64 = 20;

async fn tasks_are_added_and_removed(protocol: XdsProtocol) {
    let blue = endpoint("blue", AppProtocol::Http);
    let mesh = Mesh::start(protocol, std::slice::from_ref(&blue)).await;
    let mut old = Upstream::start("old", Behaviour::Name).await;
    mesh.set_endpoints("blue", &[old.address]);
    let green = Task::start(&mesh, "green").await;
    let load = Load::start(&green, "blue.serviceconnect").await;

    let mut delays = Vec::new();
    for _ in 0..ROUNDS {
        let new = Upstream::start("new", Behaviour::Name).await;
        let start = Instant::now();
        mesh.set_endpoints("blue", &[old.address, new.address]);
        new.wait_for_requests(1).await;
        delays.push(start.elapsed());
        load.wait_for_responses(20).await;

        mesh.set_endpoints("blue", &[new.address]);
        green.wait_for_endpoints(&blue, &[new.address]).await;
        load.wait_for_responses(20).await;
        let last = old.requests();
        load.wait_for_responses(50).await;
        assert_eq!(old.requests(), last, "a removed task is still called");
        old = new;
    }
    delays.sort();
    println!(
        "from `update` to the new task's first request, {protocol:?}: median {:?}, longest {:?}",
        delays[delays.len() / 2],
        delays[delays.len() - 1]
    );
    green.assert_no_fetch_timeout().await;
    println!("{} requests without a failure", load.stop_without_failures().await);
}

async fn a_cluster_changes(protocol: XdsProtocol) {
    let mut blue = endpoint("blue", AppProtocol::Http);
    let mesh = Mesh::start(protocol, std::slice::from_ref(&blue)).await;
    let application = Upstream::start("blue", Behaviour::Name).await;
    mesh.set_endpoints("blue", &[application.address]);
    let green = Task::start(&mesh, "green").await;
    let load = Load::start(&green, "blue.serviceconnect").await;

    for round in 1..=ROUNDS {
        blue.idle_timeout = Some(Duration::from_secs(60 + round));
        mesh.put_service(blue.clone());
        // The changed cluster is warming, beside the old one, until it has its endpoints.
        green
            .envoy
            .wait_for_stat_at_least("cluster_manager.cluster_modified", round)
            .await;
        green.envoy.wait_for_stat("cluster_manager.warming_clusters", 0).await;
        load.wait_for_responses(50).await;
    }
    green.wait_for_endpoints(&blue, &[application.address]).await;
    green.assert_no_fetch_timeout().await;
    println!("{} requests without a failure", load.stop_without_failures().await);
}

async fn a_service_is_removed_and_added(protocol: XdsProtocol) {
    let [blue, red] = ["blue", "red"].map(|name| endpoint(name, AppProtocol::Http));
    let mesh = Mesh::start(protocol, &[blue.clone(), red.clone()]).await;
    let application = Upstream::start("blue", Behaviour::Name).await;
    let other = Upstream::start("red", Behaviour::Name).await;
    mesh.set_endpoints("blue", &[application.address]);
    mesh.set_endpoints("red", &[other.address]);
    let green = Task::start(&mesh, "green").await;
    let load = Load::start(&green, "blue.serviceconnect").await;

    for round in 1..=ROUNDS {
        assert_eq!(green.get("red.serviceconnect").await.body, "red");
        mesh.remove_service("red");
        green
            .envoy
            .wait_for_stat_at_least("cluster_manager.cluster_removed", round)
            .await;
        let gone = green.get("red.serviceconnect").await;
        assert_eq!(gone.fault.as_deref(), Some("unknown-service"), "{gone:?}");
        load.wait_for_responses(20).await;

        mesh.put_service(red.clone());
        answers_with(&green, &red, "red").await;
        load.wait_for_responses(20).await;
    }
    green.assert_no_fetch_timeout().await;
    println!("{} requests without a failure", load.stop_without_failures().await);
}

/// A running task can call a new service; Service Connect itself requires a redeployment.
async fn a_running_task_can_call_a_new_service(protocol: XdsProtocol) {
    let mesh = Mesh::start(protocol, &[]).await;
    let green = Task::start(&mesh, "green").await;
    let application = Upstream::start("blue", Behaviour::Name).await;
    let blue = endpoint("blue", AppProtocol::Http);
    mesh.set_endpoints("blue", &[application.address]);
    mesh.put_service(blue.clone());
    answers_with(&green, &blue, "blue").await;
    green.assert_no_fetch_timeout().await;
}

/// Waits until a service is known, which must be the moment from which calls succeed.
async fn answers_with(task: &Task, endpoint: &ServiceConnectService, body: &str) {
    let response = crate::harness::eventually("the endpoint is known", async || {
        let response = task.get(&endpoint.dns_name).await;
        if response.fault.as_deref() == Some("unknown-service") {
            Err(format!("{response:?}"))
        } else {
            Ok(response)
        }
    })
    .await;
    assert_eq!(response.body, body, "{response:?}");
}
