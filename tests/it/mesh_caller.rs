//! What a mesh of the API needs in a test: the Envoy of the virtual node `caller`, upstreams, and the AWS CLI.

use std::fs::File;
use std::net::SocketAddr;
use std::process::{Child, Stdio};

use testkit::eventually;

use crate::workdir::Workdir;

/// Waits until the Envoy of `caller` forwards a call to this upstream.
pub(crate) async fn wait_for_body(url: &str, expected: &str) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    eventually(&format!("{expected} responds"), async || {
        for _ in 0..10 {
            let response = client.get(url).header("host", "shop.demo").send().await;
            let text = response.map_err(|error| format!("{error:?}"))?.text().await;
            let text = text.map_err(|error| format!("{error:?}"))?;
            if text != expected {
                return Err(text);
            }
        }
        Ok(())
    })
    .await;
}

/// An HTTP server that responds with its name. It ends when it is dropped.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    serving: tokio::task::JoinHandle<()>,
}

impl Upstream {
    pub(crate) async fn start(name: &'static str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let router = axum::Router::new().fallback(async move || name);
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the server runs");
        });
        Self { address, serving }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The Envoy of the virtual node `caller`. Killed on drop.
pub(crate) struct Envoy {
    child: Child,
    pub(crate) egress: SocketAddr,
    /// Keeps the port.
    _reserved: socket2::Socket,
}

impl Envoy {
    pub(crate) fn start(workdir: &Workdir, xds: SocketAddr) -> Self {
        let (reserved, egress) = reserve();
        let metadata = mesh_control::NodeMetadata {
            listener_ports: [("egress".to_owned(), egress.port())].into(),
            extension: mesh_control::node::MeshwrightMetadata::default(),
        };
        let bootstrap = mesh_control::Bootstrap {
            node_id: "mesh/demo/virtualNode/caller".to_owned(),
            metadata,
            xds: xds.into(),
            api_type: mesh_control::ApiType::Grpc,
            admin: mesh_control::Admin::Socket(workdir.path("admin.sock")),
            sds: None,
            dns_servers: Vec::new(),
            xds_security: mesh_control::XdsSecurity::default(),
            failover: None,
            reports_calls: false,
        };
        let file = workdir.file("envoy.json", &bootstrap.to_json().to_string());
        let log = File::create(workdir.path("envoy.log")).expect("the log");
        let child = testkit::envoy()
            .command()
            .arg("--config-path")
            .arg(file)
            .args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log"))
            .stderr(log)
            .spawn()
            .expect("Envoy starts");
        Self {
            child,
            egress,
            _reserved: reserved,
        }
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        // It may have exited.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// A port that no other test gets: bound, but not listened on. Envoy may listen there, as both set `SO_REUSEPORT`.
fn reserve() -> (socket2::Socket, SocketAddr) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("SO_REUSEADDR");
    socket.set_reuse_port(true).expect("SO_REUSEPORT");
    let any_port = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any_port.into()).expect("a free port");
    let address = socket.local_addr().expect("bound").as_socket().expect("an IP address");
    (socket, address)
}

/// The AWS CLI with the secret of `MESHOPERATOR`, for a region: `(succeeds, output)`.
pub(crate) async fn aws_cli(endpoint: &str, (region, secret): (&str, &str), arguments: &[&str]) -> (bool, String) {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let [endpoint, region, secret] = [endpoint, region, secret].map(str::to_owned);
    let call = move || {
        let home = tempfile::tempdir().expect("a temporary directory");
        let output = testkit::python_tools()
            .script("aws")
            .arg("appmesh")
            .args(arguments)
            .env("HOME", home.path())
            .env("AWS_ENDPOINT_URL_APP_MESH", endpoint)
            .env("AWS_ACCESS_KEY_ID", "MESHOPERATOR")
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .env("AWS_DEFAULT_REGION", region)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("NO_PROXY", "127.0.0.1")
            .output()
            .expect("the AWS CLI starts");
        let printed = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&printed).into_owned())
    };
    tokio::task::spawn_blocking(call).await.expect("no panic")
}
