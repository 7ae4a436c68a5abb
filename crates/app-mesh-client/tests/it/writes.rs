//! What a write does, and what it says.

use std::collections::BTreeMap;

use app_mesh_client::{ApiClient, Extra, WriteError};
use app_mesh_migrate::{MeshDocument, Meshes};
use mesh_model::app_mesh::{KeyCasing, ResourcePath, ResourceSpec};
use serde_json::{Value as Json, json};

use crate::server;

fn meshes(resources: &[(&str, Json)]) -> Meshes {
    let mut meshes = Meshes::default();
    for (path, spec) in resources {
        let path = ResourcePath::parse(path).expect("a path");
        let spec = ResourceSpec::read(path.kind, spec, KeyCasing::Camel, "").expect("a spec");
        meshes.resources.insert(path, MeshDocument::new(spec, BTreeMap::new()));
    }
    meshes
}

fn listeners(ports: &[u16]) -> Json {
    let listeners = ports
        .iter()
        .map(|port| json!({"portMapping": {"port": port, "protocol": "http"}}));
    json!({"listeners": listeners.collect::<Vec<_>>()})
}

fn node(ports: &[u16]) -> Json {
    let mut node = listeners(ports);
    node["serviceDiscovery"] = json!({"dns": {"hostname": "n.m"}});
    node
}

/// A router with a route to a node.
fn split(ports: &[u16], target: Json, route_match: Json) -> Meshes {
    meshes(&[
        ("mesh/m", json!({})),
        ("mesh/m/virtualNode/n", node(ports)),
        ("mesh/m/virtualRouter/v", listeners(ports)),
        (
            "mesh/m/virtualRouter/v/route/r",
            json!({"httpRoute": {"match": route_match, "action": {"weightedTargets": [target]}}}),
        ),
    ])
}

async fn write(client: &ApiClient, meshes: &Meshes, extra: Extra) -> Vec<String> {
    let mut lines = Vec::new();
    let written = client
        .write(meshes, extra, |path, outcome| lines.push(format!("{outcome} {path}")))
        .await;
    written.unwrap_or_else(|error| panic!("{error}"));
    lines
}

#[tokio::test]
async fn each_resource_is_reported_once_it_is_done() {
    let client = server::start(false).await;
    let one = split(&[80], json!({"virtualNode": "n", "weight": 1}), json!({"prefix": "/"}));
    let all = [
        "created mesh/m",
        "created mesh/m/virtualNode/n",
        "created mesh/m/virtualRouter/v",
        "created mesh/m/virtualRouter/v/route/r",
    ];
    assert_eq!(write(&client, &one, Extra::Keep).await, all);

    // Each listener's change requires one of the route, and the reverse.
    let target = json!({"virtualNode": "n", "weight": 1, "port": 81});
    let two = split(&[80, 81], target, json!({"prefix": "/", "port": 80}));
    let changed = write(&client, &two, Extra::Keep).await;
    assert_eq!(changed[0], "unchanged mesh/m");
    assert_eq!(changed.len(), 4, "{changed:?}");

    let mesh = meshes(&[("mesh/m", json!({}))]);
    let kept = write(&client, &mesh, Extra::Keep).await;
    assert_eq!(
        kept.iter().filter(|line| line.starts_with("kept ")).count(),
        3,
        "{kept:?}"
    );
    let deleted = write(&client, &mesh, Extra::Delete).await;
    assert_eq!(
        deleted[1..],
        [
            "deleted mesh/m/virtualRouter/v/route/r",
            "deleted mesh/m/virtualRouter/v",
            "deleted mesh/m/virtualNode/n"
        ]
    );
}

#[tokio::test]
async fn what_the_server_rejects_is_reported_with_the_resource() {
    let client = server::start(false).await;
    let target = json!({"virtualNode": "n", "weight": 1});
    let ambiguous = split(&[80, 81], target, json!({"prefix": "/", "port": 80}));
    let error = client
        .write(&ambiguous, Extra::Keep, |_, _| {})
        .await
        .expect_err("no port of the target");
    let WriteError::Rejected(errors) = &error else {
        panic!("{error}")
    };
    assert_eq!(errors.len(), 1, "{error}");
    let message = error.to_string();
    assert!(
        message.starts_with("cannot create mesh/m/virtualRouter/v/route/r at http://127"),
        "{message}"
    );
    assert!(message.contains("BadRequestException: "), "{message}");
}

#[tokio::test]
async fn a_server_with_key_pairs_is_written_at_its_rate() {
    let client = server::start(true).await;
    let mut resources = vec![("mesh/m".to_owned(), json!({}))];
    resources.extend((0..20).map(|number| (format!("mesh/m/virtualNode/n{number}"), node(&[80]))));
    let resources: Vec<(&str, Json)> = resources
        .iter()
        .map(|(path, spec)| (path.as_str(), spec.clone()))
        .collect();
    let written = meshes(&resources);
    assert_eq!(write(&client, &written, Extra::Keep).await.len(), 21);
    let read = client.read(&[]).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.meshes.resources, written.resources);

    let stranger = ApiClient::new(&server::config("A", "another-secret"), client.url());
    let error = stranger.read(&[]).await.expect_err("another secret").to_string();
    assert!(error.contains("cannot list the meshes at http://127"), "{error}");
    assert!(error.contains("SignatureException"), "{error}");
}

#[tokio::test]
async fn a_missing_mesh_and_a_missing_server_are_reported() {
    let client = server::start(false).await;
    write(&client, &meshes(&[("mesh/m", json!({}))]), Extra::Keep).await;
    let error = client
        .read(&["n".to_owned()])
        .await
        .expect_err("no such mesh")
        .to_string();
    assert_eq!(error, format!("there is no mesh `n` at {}; it has m", client.url()));
    let url = format!("http://{}", testkit::closed_port());
    let nowhere = ApiClient::new(&server::config("A", server::SECRET), &url);
    let error = nowhere.read(&[]).await.expect_err("no server").to_string();
    assert!(error.contains(&format!("cannot list the meshes at {url}: ")), "{error}");
}
