//! Retries and outlier detection.

use mesh_control::XdsProtocol;
use mesh_model::service_connect::AppProtocol;

use crate::harness::{
    Behaviour, Mesh, ReservedPort, Task, TcpUpstream, Upstream, egress_cluster, endpoint, eventually, in_both_protocols,
};

in_both_protocols!(
    a_503_is_retried_on_another_host,
    each_attempt_avoids_previous_hosts,
    a_500_is_not_retried,
    a_broken_connection_is_retried_for_idempotent_methods,
    responses_eject_no_host,
    a_host_that_keeps_failing_is_ejected,
    the_only_host_is_never_ejected,
);

async fn a_503_is_retried_on_another_host(protocol: XdsProtocol) {
    let mesh = Mesh::start(protocol, &[endpoint("blue", AppProtocol::Http)]).await;
    let broken = Upstream::start("broken", Behaviour::Status(503)).await;
    let sound = Upstream::start("sound", Behaviour::Name).await;
    mesh.set_endpoints("blue", &[broken.address, sound.address]);
    let green = Task::start(&mesh, "green").await;
    for _ in 0..4 {
        let response = green.get("blue.serviceconnect").await;
        assert_eq!((response.status, response.body.as_str()), (200, "sound"));
    }
    assert_eq!(sound.requests(), 4);
    assert!(broken.requests() > 0, "the broken task received requests");
}

async fn each_attempt_avoids_previous_hosts(protocol: XdsProtocol) {
    let mesh = Mesh::start(protocol, &[endpoint("blue", AppProtocol::Http)]).await;
    let mut tasks = Vec::new();
    for _ in 0..3 {
        tasks.push(Upstream::start("broken", Behaviour::Status(503)).await);
    }
    let addresses: Vec<_> = tasks.iter().map(|task| task.address).collect();
    mesh.set_endpoints("blue", &addresses);
    let green = Task::start(&mesh, "green").await;
    let response = green.get("blue.serviceconnect").await;
    assert_eq!((response.status, response.fault), (503, None));
    let attempts: Vec<usize> = tasks.iter().map(Upstream::requests).collect();
    assert_eq!(attempts, [1, 1, 1], "one call and two retries, each with another task");
}

async fn a_500_is_not_retried(protocol: XdsProtocol) {
    let mesh = Mesh::start(protocol, &[endpoint("blue", AppProtocol::Http)]).await;
    let one = Upstream::start("one", Behaviour::Status(500)).await;
    let two = Upstream::start("two", Behaviour::Status(500)).await;
    mesh.set_endpoints("blue", &[one.address, two.address]);
    let green = Task::start(&mesh, "green").await;
    assert_eq!(green.post("blue.serviceconnect").await.status, 500);
    assert_eq!(one.requests() + two.requests(), 1);
    assert_eq!(green.get("blue.serviceconnect").await.status, 500);
    assert_eq!(one.requests() + two.requests(), 2);
}

async fn a_broken_connection_is_retried_for_idempotent_methods(protocol: XdsProtocol) {
    let mesh = Mesh::start(protocol, &[endpoint("blue", AppProtocol::Http)]).await;
    let [one, two] = [TcpUpstream::hanging_up().await, TcpUpstream::hanging_up().await];
    mesh.set_endpoints("blue", &[one.address, two.address]);
    let green = Task::start(&mesh, "green").await;
    let response = green.post("blue.serviceconnect").await;
    assert_eq!((response.status, response.fault.as_deref()), (503, Some("unreachable")));
    assert_eq!(one.connections() + two.connections(), 1, "a POST is made once");
    let response = green.get("blue.serviceconnect").await;
    assert_eq!((response.status, response.fault.as_deref()), (503, Some("unreachable")));
    assert_eq!(one.connections() + two.connections(), 4, "a GET is retried twice");
}

/// A 503 may be the application's own. It is retried elsewhere, and its host stays.
async fn responses_eject_no_host(protocol: XdsProtocol) {
    let blue = endpoint("blue", AppProtocol::Http);
    let mesh = Mesh::start(protocol, std::slice::from_ref(&blue)).await;
    let busy = Upstream::start("busy", Behaviour::Status(503)).await;
    let sound = Upstream::start("sound", Behaviour::Name).await;
    mesh.set_endpoints("blue", &[busy.address, sound.address]);
    let green = Task::start(&mesh, "green").await;
    for _ in 0..20 {
        assert_eq!(green.get("blue.serviceconnect").await.body, "sound");
    }
    assert!(busy.requests() >= 9, "it received {} requests", busy.requests());
    let health = green.envoy.health_of(&egress_cluster(&blue)).await;
    assert_eq!(health[&busy.address], "healthy");
}

async fn a_host_that_keeps_failing_is_ejected(protocol: XdsProtocol) {
    let blue = endpoint("blue", AppProtocol::Http);
    let mesh = Mesh::start(protocol, std::slice::from_ref(&blue)).await;
    let gone = ReservedPort::pick();
    let sound = Upstream::start("sound", Behaviour::Name).await;
    mesh.set_endpoints("blue", &[gone.address(), sound.address]);
    let green = Task::start(&mesh, "green").await;
    let health = eventually("the stopped task is ejected", async || {
        assert_eq!(green.get("blue.serviceconnect").await.body, "sound");
        let health = green.envoy.health_of(&egress_cluster(&blue)).await;
        let left_alone = health[&gone.address()] == "/failed_outlier_check";
        if left_alone {
            Ok(health)
        } else {
            Err(format!("{health:?}"))
        }
    })
    .await;
    assert_eq!(health[&sound.address], "healthy");
}

/// With a single host, its errors are better than no responses.
async fn the_only_host_is_never_ejected(protocol: XdsProtocol) {
    let blue = endpoint("blue", AppProtocol::Http);
    let mesh = Mesh::start(protocol, std::slice::from_ref(&blue)).await;
    let gone = ReservedPort::pick();
    mesh.set_endpoints("blue", &[gone.address()]);
    let green = Task::start(&mesh, "green").await;
    for _ in 0..10 {
        let response = green.get("blue.serviceconnect").await;
        assert_eq!((response.status, response.fault.as_deref()), (503, Some("unreachable")));
    }
    let health = green.envoy.health_of(&egress_cluster(&blue)).await;
    assert_eq!(health[&gone.address()], "healthy");
}
