//! A real Envoy as the sidecar: it starts late, dies under load, and is restarted.

use std::fs::File;
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use mesh_client::{Client, Error, Sidecar};
use serde_json::json;
use sidecar_contract::MeshSuffixes;
use tempfile::TempDir;
use testkit::{wait_until, with_timeout};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

use crate::servers::serve;

const URL: &str = "http://blue.appmesh/";

/// The configuration of an Envoy with an egress listener for an application. Keeps the port while Envoy is not running.
struct EnvoyConfig {
    dir: TempDir,
    egress: SocketAddr,
    _held: TcpSocket,
}

/// A running Envoy. Killed on drop.
struct Envoy(Child);

impl Drop for Envoy {
    fn drop(&mut self) {
        // It may be dead already.
        let _gone = self.0.kill();
        self.0.wait().expect("a child process");
    }
}

impl EnvoyConfig {
    fn new(application: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("it takes the option");
        socket.set_reuseport(true).expect("it takes the option");
        socket
            .bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .expect("a port is free");
        let config = Self {
            dir: tempfile::tempdir().expect("a directory"),
            egress: socket.local_addr().expect("it is bound"),
            _held: socket,
        };
        let text = config.bootstrap(application).to_string();
        std::fs::write(config.dir.path().join("envoy.json"), text).expect("it can be written");
        config
    }

    fn bootstrap(&self, application: SocketAddr) -> serde_json::Value {
        let socket = |at: SocketAddr| json!({"socket_address": {"address": at.ip(), "port_value": at.port()}});
        let endpoint = json!({"endpoint": {"address": socket(application)}});
        let manager = json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "egress",
            "route_config": {"virtual_hosts": [{
                "name": "blue", "domains": ["blue.appmesh"],
                "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "blue"}}],
            }]},
            "http_filters": [{
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
            }],
        });
        json!({
            "admin": {"address": {"pipe": {"path": self.dir.path().join("admin.sock")}}},
            "static_resources": {
                "clusters": [{
                    "name": "blue",
                    "load_assignment": {"cluster_name": "blue", "endpoints": [{"lb_endpoints": [endpoint]}]},
                }],
                "listeners": [{
                    "name": "egress", "address": socket(self.egress),
                    "filter_chains": [{"filters": [{
                        "name": "envoy.filters.network.http_connection_manager", "typed_config": manager,
                    }]}],
                }],
            },
        })
    }

    fn start(&self) -> Envoy {
        let program = testkit::envoy();
        let log = File::create(self.dir.path().join("envoy.log")).expect("a file");
        let mut command = program.command();
        command
            .arg("--config-path")
            .arg(self.dir.path().join("envoy.json"))
            .args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log);
        Envoy(command.spawn().expect("Envoy starts"))
    }

    /// A client that checks the readiness by Envoy's `/ready`.
    fn client(&self) -> Client {
        let page = format!("http://unix:{}:/ready", self.dir.path().join("admin.sock").display());
        Client::builder()
            .egress(self.egress)
            .suffixes(MeshSuffixes::from_list("appmesh"))
            .sidecar(Sidecar::health_page(&page).expect("a valid URL"))
            .build()
            .expect("the configuration is complete")
    }

    /// Asserts that `error` reports an unreachable sidecar.
    #[track_caller]
    fn assert_unreachable(&self, error: &Error) {
        assert!(error.is_sidecar_unreachable(), "{error:?}");
        let expected = format!(
            "the sidecar at {} is not reachable, so `blue.appmesh` was not called",
            self.egress
        );
        assert_eq!(error.to_string(), expected);
    }
}

/// Starts Envoy, and installs it if necessary, on a blocking thread.
async fn start(config: &Arc<EnvoyConfig>) -> Envoy {
    let config = Arc::clone(config);
    let started = tokio::task::spawn_blocking(move || config.start());
    started.await.expect("Envoy starts")
}

async fn application() -> (SocketAddr, JoinSet<()>) {
    serve(Router::new().route("/", get(async || "blue"))).await
}

async fn call(mesh: &Client) -> Result<String, Error> {
    mesh.get(URL).send().await?.text().await
}

#[tokio::test]
async fn ready_waits_for_an_envoy_that_starts_late() {
    let (blue, _blue) = application().await;
    let config = Arc::new(EnvoyConfig::new(blue));
    let mesh = config.client();
    config.assert_unreachable(&call(&mesh).await.unwrap_err());
    let not_ready = mesh.ready(Duration::from_millis(50)).await.unwrap_err();
    assert!(not_ready.waited_for().contains("admin.sock:/ready"), "{not_ready}");

    let waiting = tokio::spawn({
        let mesh = mesh.clone();
        async move { mesh.ready(Duration::from_secs(60)).await }
    });
    let _envoy = start(&config).await;
    assert_eq!(waiting.await.expect("the task does not panic"), Ok(()));
    assert_eq!(call(&mesh).await.unwrap(), "blue");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_fail_while_envoy_is_down_and_recover_with_it() {
    let (blue, _blue) = application().await;
    let config = Arc::new(EnvoyConfig::new(blue));
    let mesh = config.client();
    let envoy = start(&config).await;
    with_timeout(mesh.ready(Duration::from_secs(60))).await.unwrap();

    let (responses, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (mesh, responses, stop) = (mesh.clone(), Arc::clone(&responses), Arc::clone(&stop));
        callers.spawn(async move {
            let mut errors = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                match call(&mesh).await {
                    Ok(_) => {
                        responses.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(error) => {
                        errors.push(error);
                        // A realistic rate while the sidecar is down.
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                }
            }
            errors
        });
    }
    let wait_for_calls = async || {
        let before = responses.load(Ordering::Relaxed);
        wait_until("200 more responses", async || {
            responses.load(Ordering::Relaxed) > before + 200
        })
        .await;
    };
    wait_for_calls().await;
    drop(envoy);
    config.assert_unreachable(&call(&mesh).await.unwrap_err());
    let _again = start(&config).await;
    with_timeout(mesh.ready(Duration::from_secs(60))).await.unwrap();
    assert_eq!(call(&mesh).await.unwrap(), "blue", "it recovers immediately");
    wait_for_calls().await;
    stop.store(true, Ordering::Relaxed);

    let errors: Vec<Error> = callers.join_all().await.into_iter().flatten().collect();
    let unreachable = errors.iter().filter(|error| error.is_sidecar_unreachable()).count();
    assert!(unreachable > 0, "some calls failed while it was down: {errors:?}");
    for error in &errors {
        match error.is_sidecar_unreachable() {
            true => config.assert_unreachable(error),
            // Calls in flight when it died.
            false => assert!(error.is_interrupted() || error.is_body(), "{error:?}"),
        }
    }
}
