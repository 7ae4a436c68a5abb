//! NACK isolation: a rejected resource affects no other, and is reported.

mod log;
mod node_source;
mod resources;

use std::net::SocketAddr;

use mesh_control::Snapshot;
use mesh_control::XdsProtocol;

use crate::harness::{Behaviour, ReservedPort, Upstream, in_both_protocols};
use node_source::Plane;
use resources::{
    cluster, endpoints, listener, malformed_cluster, malformed_endpoints, nonsensical_cluster, nonsensical_listener,
    nonsensical_routes, routes,
};

in_both_protocols!(
    an_invalid_cluster_is_nacked,
    a_malformed_cluster_is_nacked,
    malformed_endpoints_are_nacked,
    an_invalid_listener_is_nacked,
    invalid_routes_are_nacked,
    several_nacks_at_once_are_isolated,
    a_nacked_change_keeps_the_previous_version,
    a_nack_affects_no_other_node,
);

async fn an_invalid_cluster_is_nacked(protocol: XdsProtocol) {
    let message = "cluster provided LB specified but cluster 'bad' did not provide one";
    affects_no_other(protocol, message, |good, _| {
        good.with_cluster(&nonsensical_cluster("bad"))
    })
    .await;
}

async fn a_malformed_cluster_is_nacked(protocol: XdsProtocol) {
    let message = "Expected positive duration";
    affects_no_other(protocol, message, |good, _| {
        good.with_cluster(&malformed_cluster("bad"))
    })
    .await;
}

async fn malformed_endpoints_are_nacked(protocol: XdsProtocol) {
    let message = "Proto constraint validation failed (ClusterLoadAssignmentValidationError";
    affects_no_other(protocol, message, |good, at| {
        good.with_endpoints(&malformed_endpoints("bad", at))
    })
    .await;
}

async fn an_invalid_listener_is_nacked(protocol: XdsProtocol) {
    let message = "no filter chains specified";
    affects_no_other(protocol, message, |good, at| {
        good.with_listener(&nonsensical_listener("bad", at))
    })
    .await;
}

async fn invalid_routes_are_nacked(protocol: XdsProtocol) {
    let message = "Only a single wildcard domain is permitted in route bad";
    affects_no_other(protocol, message, |good, _| {
        good.with_routes(&nonsensical_routes("bad", "bad"))
    })
    .await;
}

/// Sets a snapshot with three services, one of which `spoil` makes invalid: the others must respond, Envoy's `message`
/// must be reported, and the third must respond once it is valid again.
async fn affects_no_other(protocol: XdsProtocol, message: &str, spoil: impl FnOnce(Snapshot, SocketAddr) -> Snapshot) {
    let plane = Plane::start(protocol).await;
    // Some sort before the invalid one, some after it.
    let ports = ["a", "bad", "z"].map(|name| (name, ReservedPort::pick()));
    let application = Upstream::start("hello", Behaviour::Name).await;
    let good = ports.iter().fold(Snapshot::new(), |snapshot, (name, port)| {
        service(snapshot, name, port, &application)
    });
    // A unique name, to find the log's lines about it.
    let node = format!("node {}", ports[1].1.number());
    plane.put(&node, spoil(good.clone(), ports[1].1.address()));
    let _envoy = plane.envoy(&node).await;

    let rejected = plane.rejected(&node, &["bad"]).await;
    assert!(rejected[0].message.contains(message), "{rejected:#?}");
    let logged = plane.log.warnings_with(&node);
    let certain = |warning: &String| {
        let parts = ["NACK", message, r#"resources="bad""#];
        parts.iter().all(|part| warning.contains(part))
    };
    assert!(logged.iter().any(certain), "{logged:#?}");
    for other in [0, 2] {
        assert_eq!(get(&ports[other].1).await, "hello");
    }

    plane.put(&node, good);
    plane.rejected(&node, &[]).await;
    for (_, port) in &ports {
        assert_eq!(get(port).await, "hello");
    }
}

async fn several_nacks_at_once_are_isolated(protocol: XdsProtocol) {
    let (plane, port) = (Plane::start(protocol).await, ReservedPort::pick());
    let application = Upstream::start("hello", Behaviour::Name).await;
    let good = service(Snapshot::new(), "m", &port, &application);
    let bad = ["a", "b", "y", "z"].into_iter().fold(good.clone(), |snapshot, name| {
        snapshot.with_endpoints(&endpoints(name, application.address))
    });
    let bad = bad
        .with_cluster(&nonsensical_cluster("a"))
        .with_cluster(&malformed_cluster("b"))
        .with_cluster(&nonsensical_cluster("y"))
        .with_cluster(&malformed_cluster("z"));
    plane.put("node", bad.clone());
    let _envoy = plane.envoy("node").await;
    plane.rejected("node", &["a", "b", "y", "z"]).await;
    assert_eq!(get(&port).await, "hello");

    // Each is pushed again when it changes, and removed when it is gone.
    plane.put("node", bad.with_cluster(&cluster("a")).with_cluster(&cluster("z")));
    plane.rejected("node", &["b", "y"]).await;
    plane.put("node", good);
    plane.rejected("node", &[]).await;
    assert_eq!(get(&port).await, "hello");
}

async fn a_nacked_change_keeps_the_previous_version(protocol: XdsProtocol) {
    let (plane, port) = (Plane::start(protocol).await, ReservedPort::pick());
    let application = Upstream::start("hello", Behaviour::Name).await;
    let good = service(Snapshot::new(), "it", &port, &application);
    plane.put("node", good.clone());
    let _envoy = plane.envoy("node").await;
    plane.rejected("node", &[]).await;
    let address = port.address();
    for bad in [
        good.clone().with_cluster(&nonsensical_cluster("it")),
        good.clone().with_cluster(&malformed_cluster("it")),
        good.clone().with_endpoints(&malformed_endpoints("it", address)),
        good.clone().with_listener(&nonsensical_listener("it", address)),
        good.clone().with_routes(&nonsensical_routes("it", "it")),
    ] {
        plane.put("node", bad);
        plane.rejected("node", &["it"]).await;
        assert_eq!(get(&port).await, "hello");
        // A reverted change clears the rejection, although there is nothing to push.
        plane.put("node", good.clone());
        plane.rejected("node", &[]).await;
        assert_eq!(get(&port).await, "hello");
    }
}

async fn a_nack_affects_no_other_node(protocol: XdsProtocol) {
    let (plane, ports) = (Plane::start(protocol).await, [(); 2].map(|()| ReservedPort::pick()));
    let application = Upstream::start("hello", Behaviour::Name).await;
    let one = service(Snapshot::new(), "one", &ports[0], &application);
    plane.put("bad", one.with_cluster(&nonsensical_cluster("one")));
    plane.put("good", service(Snapshot::new(), "two", &ports[1], &application));
    let _bad = plane.envoy("bad").await;
    plane.rejected("bad", &["one"]).await;
    let _good = plane.envoy("good").await;
    plane.rejected("good", &[]).await;
    assert_eq!(get(&ports[1]).await, "hello");
    plane.rejected("bad", &["one"]).await;
}

/// A listener, and everything behind it, with one name.
fn service(snapshot: Snapshot, name: &str, at: &ReservedPort, application: &Upstream) -> Snapshot {
    snapshot
        .with_cluster(&cluster(name))
        .with_endpoints(&endpoints(name, application.address))
        .with_listener(&listener(name, at.address()))
        .with_routes(&routes(name, name))
}

async fn get(at: &ReservedPort) -> String {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let response = client.get(format!("http://{}/", at.address())).send().await;
    response.expect("a response").text().await.expect("a text")
}
