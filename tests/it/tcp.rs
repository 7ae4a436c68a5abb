//! A TCP service behind real Envoys, called through the egress address in the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::time::Duration;

use mesh_client::ClientBuilder;
use rustix::process::Signal;
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::run::{Run, TIMEOUT};
use crate::template::{changed, container, service_connect_service};
use crate::workdir::Workdir;

/// A database that sends its name to every client.
const DATABASE: &str = r#"
import os, socketserver
class Database(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"db")
class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
Server(("127.0.0.1", int(os.environ["SERVICE_PORT"])), Database).serve_forever()
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tcp_service_is_reached_at_the_configured_egress() {
    let workdir = Workdir::new();
    let program = workdir.file("db.py", DATABASE);
    let file = changed(&workdir, |template| {
        let blue = container(template, "Blue");
        blue["Image"] = json!("team/db");
        let blue = blue.as_object_mut().expect("an object");
        blue.remove("HealthCheck");
        // The default protocol is TCP.
        let port = blue["PortMappings"][0].as_object_mut().expect("an object");
        port.remove("AppProtocol");
        let service = service_connect_service(template, "Blue");
        service["DiscoveryName"] = json!("db");
        service["ClientAliases"] = json!([{"Port": 5432}]);
    });
    let (file, image) = (
        file.display().to_string(),
        format!("team/db=python3 {}", program.display()),
    );
    let run = Run::up(
        &workdir,
        workdir.meshwright(&["up", "--template", &file, "--image", &image]),
    )
    .await;

    // A client in green's environment.
    let variables = environment(run.pid("green/1: container app started"));
    let egress = variables.get("MESHWRIGHT_TCP_EGRESS").expect("the variable");
    let text = egress.to_string_lossy();
    assert!(text.starts_with("db.serviceconnect:5432=127.0.0.1:"), "{text}");
    let builder = ClientBuilder::from_variables(|name| variables.get(name).cloned());
    let green = builder.expect("a complete environment").build().expect("a client");
    green.ready(Duration::from_secs(10)).await.expect("its Envoy is ready");
    let address = green
        .tcp_address("db.serviceconnect", 5432)
        .await
        .expect("a known service");
    let mut name = String::new();
    let mut connection = TcpStream::connect(address).await.expect("its Envoy listens");
    let reading = tokio::time::timeout(TIMEOUT, connection.read_to_string(&mut name)).await;
    reading.expect("a response in time").expect("a readable response");
    assert_eq!(name, "db");
    let unknown = green
        .tcp_address("db.serviceconnect", 5433)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        unknown.contains("it has listeners for db.serviceconnect:5432"),
        "{unknown}"
    );

    drop(connection);
    run.signal(Signal::INT);
    assert_eq!(run.end().await.code, Some(130));
    workdir.assert_nothing_left();
}

/// The variables of a process.
fn environment(pid: i32) -> BTreeMap<String, OsString> {
    let all = std::fs::read(format!("/proc/{pid}/environ")).expect("it runs");
    let variables = all.split(|byte| *byte == 0).filter_map(|variable| {
        let end = variable.iter().position(|byte| *byte == b'=')?;
        let name = String::from_utf8(variable[..end].to_vec()).ok()?;
        Some((name, OsString::from_vec(variable[end + 1..].to_vec())))
    });
    variables.collect()
}
