//! Backends and the egress filter.

use serde_json::{Value, json};
use testkit::DnsServer;

use super::demo_mesh::{Demo, PORT, by_node, caller, marked, node};
use crate::harness::{Behaviour, Http2Caller, Http2Upstream, MeshNode, Servers, Upstream, eventually};

/// The egress filter of a mesh.
fn filter(kind: &str) -> Value {
    json!({"egressFilter": {"type": kind}})
}

/// A mesh with the services `blue.demo` and `green.demo`, where `caller` has these backends.
async fn mesh(backends: &[&str]) -> (Demo, [Upstream; 2]) {
    let demo = Demo::start(&[
        ("virtualNode/caller", caller(backends)),
        ("virtualNode/blue", node("blue", "http")),
        ("virtualNode/green", node("green", "http")),
        ("virtualService/blue.demo", by_node("blue")),
        ("virtualService/green.demo", by_node("green")),
    ])
    .await;
    let tasks = [
        Upstream::start("blue", Behaviour::Name).await,
        Upstream::start("green", Behaviour::Name).await,
    ];
    demo.set_endpoints("blue", &[tasks[0].address]);
    demo.set_endpoints("green", &[tasks[1].address]);
    (demo, tasks)
}

#[tokio::test]
async fn only_nodes_with_the_backend_can_call_a_virtual_service() {
    let (demo, tasks) = mesh(&["blue.demo"]).await;
    let client = MeshNode::calling(&demo.mesh, "caller").await;
    let rejected = (404, Some("unknown-service"));
    for host in ["blue.demo", "blue.demo:8080", "BLUE.demo"] {
        assert_eq!(client.get(host, "/").await.body, "blue", "{host}");
    }
    for host in ["blue", "blue.demo.", "blue.demo:80", "green.demo", "x.blue.demo"] {
        assert_eq!(marked(&client.get(host, "/").await), rejected, "{host}");
    }

    let load = client.load("blue.demo").await;
    demo.put(&[("virtualNode/caller", caller(&["blue.demo", "green.demo"]))]);
    demo.settled(1).await;
    assert_eq!(client.get("green.demo", "/").await.body, "green");
    load.wait_for_responses(20).await;
    demo.put(&[("virtualNode/caller", caller(&["blue.demo"]))]);
    demo.settled(1).await;
    assert_eq!(marked(&client.get("green.demo", "/").await), rejected);
    load.wait_for_responses(20).await;
    load.stop_without_failures().await;
    assert_eq!(tasks[1].requests(), 1);
}

#[tokio::test]
async fn a_node_without_backends_can_call_only_with_allow_all() {
    let (demo, tasks) = mesh(&[]).await;
    let client = MeshNode::calling(&demo.mesh, "caller").await;
    let outside = tasks[0].address.to_string();
    for (kind, expected) in [
        ("DROP_ALL", (404, Some("unknown-service"))),
        ("ALLOW_ALL", (200, None)),
        ("DROP_ALL", (404, Some("unknown-service"))),
    ] {
        demo.put(&[("mesh", filter(kind))]);
        demo.settled(1).await;
        assert_eq!(marked(&client.get(&outside, "/").await), expected, "{kind}");
    }
}

#[tokio::test]
async fn allow_all_resolves_other_hosts_and_keeps_the_protocol() {
    let (demo, _tasks) = mesh(&["blue.demo"]).await;
    demo.put(&[("mesh", filter("ALLOW_ALL"))]);
    let dns = DnsServer::start().await;
    let (http, http2) = (
        Upstream::start("outside", Behaviour::Echo).await,
        Http2Upstream::start("outside").await,
    );
    dns.set("outside.test", [http.address.ip()]);
    let servers = Servers {
        dns: Some(dns.address),
        ..Servers::default()
    };
    let client = MeshNode::start_with(servers, &demo.mesh, "virtualNode/caller", &[], &[]).await;
    assert_eq!(client.get("blue.demo", "/").await.body, "blue");

    let host = format!("outside.test:{}", http.address.port());
    let response = client.get(&host, "/path?query").await;
    assert_eq!((response.status, response.body), (200, format!("{host}/path?query")));

    let host = format!("outside.test:{}", http2.address.port());
    let caller = Http2Caller::of(&host, client.egress()).await;
    let response = caller.get("/").await;
    assert_eq!(response.body, format!("outside HTTP/2.0 http://{host}/"));

    // A service that is not a backend is treated like any other host; this one has no address.
    let nowhere = client.get("green.demo", "/").await;
    assert_eq!(nowhere.status, 503, "{nowhere:?}");
}

#[tokio::test]
async fn a_changed_egress_filter_loses_no_request_to_a_backend() {
    let (demo, _tasks) = mesh(&["blue.demo"]).await;
    let client = MeshNode::calling(&demo.mesh, "caller").await;
    let load = client.load("blue.demo").await;
    for kind in ["ALLOW_ALL", "DROP_ALL", "ALLOW_ALL", "DROP_ALL"] {
        demo.put(&[("mesh", filter(kind))]);
        demo.settled(1).await;
        load.wait_for_responses(30).await;
    }
    load.stop_without_failures().await;
}

#[tokio::test]
async fn a_service_without_a_provider_gets_503_until_it_has_one() {
    let (demo, _tasks) = mesh(&[]).await;
    demo.put(&[
        ("virtualNode/caller", caller(&["new.demo"])),
        ("virtualService/new.demo", json!({})),
    ]);
    let client = MeshNode::calling(&demo.mesh, "caller").await;
    assert_eq!(
        marked(&client.get("new.demo", "/").await),
        (503, Some("no-healthy-endpoint"))
    );
    demo.put(&[("virtualService/new.demo", by_node("green"))]);
    eventually("the provider arrives", async || {
        let response = client.get(&format!("new.demo:{PORT}"), "/").await;
        match response.body.as_str() {
            "green" => Ok(()),
            other => Err(other.to_owned()),
        }
    })
    .await;
}
