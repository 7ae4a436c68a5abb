//! Configured access logs.

use std::fs;
use std::path::{Path, PathBuf};

use mesh_control::node::tcp_egress_listener;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::demo_mesh::{Demo, PORT, by_node, caller, node, node_with_protocol};
use super::tcp::responding_application;
use crate::harness::{Behaviour, MeshNode, TcpUpstream, Upstream, eventually};

/// The logging settings.
fn logging(path: &Path, format: &Value) -> Value {
    let mut file = json!({"path": path});
    if !format.is_null() {
        file["format"] = format.clone();
    }
    json!({"accessLog": {"file": file}})
}

/// The lines in a file, once there are this many.
async fn lines(path: &Path, count: usize) -> Vec<String> {
    eventually("the lines are written", async || {
        let written = fs::read_to_string(path).unwrap_or_default();
        let lines: Vec<String> = written.lines().map(str::to_owned).collect();
        if lines.len() >= count && written.ends_with('\n') {
            Ok(lines)
        } else {
            Err(written)
        }
    })
    .await
}

/// A new file.
fn file() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("access.log");
    (directory, path)
}

/// A virtual node that calls itself as `shop.demo`, with access logs of both sides.
async fn writing(format: &Value) -> (Demo, MeshNode, Upstream, TempDir, PathBuf) {
    let (directory, path) = file();
    let mut both = node("blue", "http");
    both["backends"] = caller(&["shop.demo"])["backends"].clone();
    both["logging"] = logging(&path, format);
    let demo = Demo::start(&[
        ("virtualNode/blue", both),
        ("virtualService/shop.demo", by_node("blue")),
    ])
    .await;
    let application = Upstream::start("blue", Behaviour::StatusInPath).await;
    let client = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
    demo.set_endpoints("blue", &[client.ingress(PORT)]);
    client
        .wait_for_tasks("cds_egress_demo_blue_http_8080", &[client.ingress(PORT)])
        .await;
    (demo, client, application, directory, path)
}

#[tokio::test]
async fn a_text_format_logs_a_line_per_request_on_each_side() {
    for end in ["", "\n"] {
        let text = format!("%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %ROUTE_NAME% %UPSTREAM_CLUSTER%{end}");
        let (_demo, client, _application, _directory, path) = writing(&json!({"text": text})).await;
        client.get("shop.demo", "/x/418").await;
        let mut lines = lines(&path, 2).await;
        lines.sort();
        let [egress, ingress] = lines.as_slice() else {
            panic!("{lines:?}");
        };
        assert_eq!(egress, "GET /x/418 418 - cds_egress_demo_blue_http_8080");
        assert_eq!(ingress, "GET /x/418 418 - cds_ingress_demo_blue_http_8080");
    }
}

#[tokio::test]
async fn a_json_format_logs_an_object_per_request_sorted_by_key() {
    let entries = json!([
        {"key": "verb", "value": "%REQ(:METHOD)%"},
        {"key": "code", "value": "%RESPONSE_CODE%"},
        {"key": "a", "value": "%REQ(X-SAID)% and more"},
    ]);
    let (_demo, client, _application, _directory, path) = writing(&json!({"json": entries})).await;
    let request = client.request(client.egress(), "shop.demo", "/");
    client.response(request.header("x-said", "\"quoted\"")).await;
    for line in lines(&path, 2).await {
        assert_eq!(line, r#"{"a":"\"quoted\" and more","code":200,"verb":"GET"}"#);
        serde_json::from_str::<Value>(&line).expect("valid JSON");
    }
}

#[tokio::test]
async fn the_default_format_is_envoys() {
    let (_demo, client, _application, _directory, path) = writing(&Value::Null).await;
    client.get("shop.demo", "/x").await;
    for line in lines(&path, 2).await {
        assert!(line.contains(r#""GET /x HTTP/1.1" 200 -"#), "{line}");
    }
}

#[tokio::test]
async fn dev_stdout_is_envoys_standard_output() {
    let text = json!({"text": "said to %REQ(:AUTHORITY)%"});
    let mut document = node("blue", "http");
    document["logging"] = logging(Path::new("/dev/stdout"), &text);
    let demo = Demo::start(&[("virtualNode/blue", document)]).await;
    let application = Upstream::start("blue", Behaviour::Name).await;
    let blue = MeshNode::serving(&demo.mesh, "blue", &[(PORT, application.address)]).await;
    blue.get_at(PORT, "blue.demo", "/").await;
    let log = blue.envoy.directory().join("envoy.log");
    let lines = lines(&log, 1).await;
    assert!(lines.contains(&"said to blue.demo".to_owned()), "{lines:?}");
}

#[tokio::test]
async fn tcp_connections_are_logged_at_their_end() {
    let (_directory, path) = file();
    let mut both = node_with_protocol("blue", "tcp", &json!({}));
    both["backends"] = caller(&["ledger.demo"])["backends"].clone();
    both["logging"] = logging(&path, &json!({"text": "%UPSTREAM_CLUSTER% %BYTES_SENT%"}));
    let demo = Demo::start(&[
        ("virtualNode/blue", both),
        ("virtualService/ledger.demo", by_node("blue")),
    ])
    .await;
    let application = TcpUpstream::start("ledger").await;
    let egress = tcp_egress_listener("ledger.demo", PORT);
    let ingress = mesh_control::node::ingress_listener(&PORT.to_string());
    let listeners = [egress.clone(), ingress];
    let applications = [(PORT, application.address)];
    let blue = MeshNode::start(&demo.mesh, "virtualNode/blue", &listeners, &applications).await;
    demo.set_endpoints("blue", &[blue.ingress(PORT)]);
    blue.wait_for_tasks("cds_egress_demo_blue_tcp_8080", &[blue.ingress(PORT)])
        .await;
    assert_eq!(responding_application(blue.listener(&egress)).await, "ledger");
    let mut lines = lines(&path, 2).await;
    lines.sort();
    assert_eq!(
        lines,
        ["cds_egress_demo_blue_tcp_8080 6", "cds_ingress_demo_blue_tcp_8080 6"]
    );
}

#[tokio::test]
async fn a_gateway_logs_each_request_once_before_rewrites() {
    let (_directory, path) = file();
    let target = json!({"virtualService": {"virtualServiceName": "shop.demo"}});
    let demo = Demo::start(&[
        ("virtualNode/shop", node("shop", "http")),
        ("virtualService/shop.demo", by_node("shop")),
        (
            "virtualGateway/door",
            json!({
                "listeners": [{"portMapping": {"port": 8088, "protocol": "http"}}],
                "logging": logging(&path, &json!({"text": "%REQ(:AUTHORITY)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %RESPONSE_CODE%"})),
            }),
        ),
        (
            "virtualGateway/door/gatewayRoute/shop",
            json!({"httpRoute": {"match": {"prefix": "/shop"}, "action": {"target": target}}}),
        ),
    ])
    .await;
    let shop = Upstream::start("shop", Behaviour::Name).await;
    demo.set_endpoints("shop", &[shop.address]);
    let gateway = MeshNode::gateway(&demo.mesh, "door", &[8088]).await;
    for path in ["/shop/1", "/other"] {
        gateway.get_at(8088, "example.com", path).await;
    }
    assert_eq!(
        lines(&path, 2).await,
        ["shop.demo /shop/1 200", "example.com /other 404"]
    );
}
