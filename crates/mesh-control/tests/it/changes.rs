//! What changes while requests are under way costs none of them.

use std::time::{Duration, Instant};

use mesh_control::XdsProtocol;
use mesh_model::namespace::ServiceConnectService;
use mesh_model::service_connect::AppProtocol;

use crate::harness::{Load, Manner, Mesh, Task, Upstream, endpoint, in_both_protocols};

in_both_protocols!(
    tasks_come_and_go,
    a_cluster_changes,
    an_endpoint_goes_and_comes_back,
    a_new_endpoint_is_called_at_once,
);

/// How often each change is made: what goes wrong one time in five is found out nearly always.
const ROUNDS: u64 = 20;

async fn tasks_come_and_go(protocol: XdsProtocol) {
    let blue = endpoint("blue", AppProtocol::Http);
    let mesh = Mesh::start(protocol, std::slice::from_ref(&blue)).await;
    let mut old = Upstream::start("old", Manner::Name).await;
    mesh.serve("blue", &[old.address]);
    let green = Task::start(&mesh, "green").await;
    let load = Load::start(&green, "blue.serviceconnect").await;

    let mut delays = Vec::new();
    for _ in 0..ROUNDS {
        let new = Upstream::start("new", Manner::Name).await;
        let told = Instant::now();
        mesh.serve("blue", &[old.address, new.address]);
        new.has_been_asked(1).await;
        delays.push(told.elapsed());
        load.another(20).await;

        mesh.serve("blue", &[new.address]);
        green.sees(&blue, &[new.address]).await;
        load.another(20).await;
        let last = old.requests();
        load.another(50).await;
        assert_eq!(old.requests(), last, "a task that is gone is still called");
        old = new;
    }
    delays.sort();
    println!(
        "from `update` to the new task's first request, {protocol:?}: median {:?}, longest {:?}",
        delays[delays.len() / 2],
        delays[delays.len() - 1]
    );
    green.was_never_kept_waiting().await;
    println!("{} requests without a failure", load.stop_without_failures().await);
}

async fn a_cluster_changes(protocol: XdsProtocol) {
    let mut blue = endpoint("blue", AppProtocol::Http);
    let mesh = Mesh::start(protocol, std::slice::from_ref(&blue)).await;
    let application = Upstream::start("blue", Manner::Name).await;
    mesh.serve("blue", &[application.address]);
    let green = Task::start(&mesh, "green").await;
    let load = Load::start(&green, "blue.serviceconnect").await;

    for round in 1..=ROUNDS {
        blue.idle_timeout = Some(Duration::from_secs(60 + round));
        mesh.offer(blue.clone());
        // The changed cluster is warming, beside the old one, until it has its endpoints.
        green
            .envoy
            .stat_reaches("cluster_manager.cluster_modified", round)
            .await;
        green.envoy.stat_is("cluster_manager.warming_clusters", 0).await;
        load.another(50).await;
    }
    green.sees(&blue, &[application.address]).await;
    green.was_never_kept_waiting().await;
    println!("{} requests without a failure", load.stop_without_failures().await);
}

async fn an_endpoint_goes_and_comes_back(protocol: XdsProtocol) {
    let [blue, red] = ["blue", "red"].map(|name| endpoint(name, AppProtocol::Http));
    let mesh = Mesh::start(protocol, &[blue.clone(), red.clone()]).await;
    let application = Upstream::start("blue", Manner::Name).await;
    let other = Upstream::start("red", Manner::Name).await;
    mesh.serve("blue", &[application.address]);
    mesh.serve("red", &[other.address]);
    let green = Task::start(&mesh, "green").await;
    let load = Load::start(&green, "blue.serviceconnect").await;

    for round in 1..=ROUNDS {
        assert_eq!(green.get("red.serviceconnect").await.body, "red");
        mesh.withdraw("red");
        green.envoy.stat_reaches("cluster_manager.cluster_removed", round).await;
        let gone = green.get("red.serviceconnect").await;
        assert_eq!(gone.fault.as_deref(), Some("unknown-service"), "{gone:?}");
        load.another(20).await;

        mesh.offer(red.clone());
        answers_with(&green, &red, "red").await;
        load.another(20).await;
    }
    green.was_never_kept_waiting().await;
    println!("{} requests without a failure", load.stop_without_failures().await);
}

/// What Service Connect makes its users redeploy for: a running task calls an endpoint that is new.
async fn a_new_endpoint_is_called_at_once(protocol: XdsProtocol) {
    let mesh = Mesh::start(protocol, &[]).await;
    let green = Task::start(&mesh, "green").await;
    let application = Upstream::start("blue", Manner::Name).await;
    let blue = endpoint("blue", AppProtocol::Http);
    mesh.serve("blue", &[application.address]);
    mesh.offer(blue.clone());
    answers_with(&green, &blue, "blue").await;
    green.was_never_kept_waiting().await;
}

/// Waits until an endpoint is known, which must be the moment from which it answers.
async fn answers_with(task: &Task, endpoint: &ServiceConnectService, body: &str) {
    let answer = crate::harness::eventually("the endpoint is known", async || {
        let answer = task.get(&endpoint.dns_name).await;
        if answer.fault.as_deref() == Some("unknown-service") {
            Err(format!("{answer:?}"))
        } else {
            Ok(answer)
        }
    })
    .await;
    assert_eq!(answer.body, body, "{answer:?}");
}
