//! The status page and the log.

use std::time::Duration;

use mesh_control::XdsProtocol;
use mesh_model::service_connect::AppProtocol;
use serde_json::{Value, json};

use crate::harness::{Behaviour, Mesh, Task, Upstream, endpoint, in_both_protocols, node_id};

in_both_protocols!(the_status_page_has_every_node, a_settled_change_is_in_effect);

async fn the_status_page_has_every_node(protocol: XdsProtocol) {
    let blue_endpoint = endpoint("blue", AppProtocol::Http);
    let mesh = Mesh::start(protocol, &[blue_endpoint.clone(), endpoint("db", AppProtocol::Tcp)]).await;
    assert_eq!(page(&mesh, "/healthz").await, "ok\n");
    let none = json!({"nodes": 0, "settled": 0, "rejecting": 0, "with_notes": 0});
    assert_eq!(status(&mesh).await, json!({"summary": none, "nodes": []}));

    let application = Upstream::start("blue", Behaviour::Name).await;
    let blue = Task::with_application(&mesh, &blue_endpoint, application.address).await;
    mesh.node("blue", |node| node.settled).await;
    let counts = |accepted: usize| json!({"accepted": accepted, "pending": 0, "rejected": []});
    let mut expected = json!({
        "id": node_id("blue"),
        "task": "blue/1",
        "variant": match protocol {
            XdsProtocol::Delta => "delta",
            XdsProtocol::Sotw => "state-of-the-world",
        },
        "revision": 2,
        "settled": true,
        "notes": [
            "TCP endpoint db.serviceconnect:9000 cannot be called: the node metadata have no port for \
             `egress-db.serviceconnect-9000`",
        ],
        // Its application, and the two services it may call.
        "clusters": counts(3),
        "endpoints": counts(2),
        "listeners": counts(2),
        "routes": counts(2),
    });
    let one = json!({"nodes": 1, "settled": 1, "rejecting": 0, "with_notes": 1, "oldest_revision": 2});
    assert_eq!(status(&mesh).await, json!({"summary": one, "nodes": [expected]}));

    // Nodes are sorted by task, and removed when they disconnect.
    let _green = Task::start(&mesh, "green").await;
    mesh.node("green", |node| node.settled).await;
    mesh.control.settled(2).await;
    // A new service changes the mesh state for blue as well.
    expected["revision"] = json!(3);
    let both = status(&mesh).await;
    assert_eq!(
        (&both["nodes"][0], &both["nodes"][1]["task"]),
        (&expected, &json!("green/1"))
    );
    drop(blue);
    mesh.wait_for_nodes(1).await;
    assert_eq!(status(&mesh).await["nodes"][0]["task"], "green/1");
}

/// Once all have settled, `settled` returns at once.
async fn a_settled_change_is_in_effect(protocol: XdsProtocol) {
    let mesh = Mesh::start(protocol, &[endpoint("blue", AppProtocol::Http)]).await;
    let green = Task::start(&mesh, "green").await;
    for name in ["one", "two", "three"] {
        let application = Upstream::start(name, Behaviour::Name).await;
        mesh.set_endpoints("blue", &[application.address]);
        let settled = tokio::time::timeout(Duration::from_secs(20), mesh.control.settled(1));
        settled.await.expect("the Envoy settles");
        let response = green.get("blue.serviceconnect").await;
        assert_eq!((response.status, response.body.as_str()), (200, name));
    }
}

async fn status(mesh: &Mesh) -> Value {
    serde_json::from_str(&page(mesh, "/status").await).expect("a JSON document")
}

async fn page(mesh: &Mesh, path: &str) -> String {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let address = mesh.control.addresses().status;
    let response = client
        .get(format!("http://{address}{path}"))
        .send()
        .await
        .expect("a response");
    assert!(response.status().is_success());
    response.text().await.expect("a text")
}
