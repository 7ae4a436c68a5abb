//! A real Envoy as the sidecar: it comes late, dies under load, and comes back.

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

/// A place for an Envoy whose egress listener leads to an application, with a port that stays ours while it is gone.
struct Place {
    folder: TempDir,
    egress: SocketAddr,
    _held: TcpSocket,
}

/// An Envoy that runs. Killed with its value.
struct Envoy(Child);

impl Drop for Envoy {
    fn drop(&mut self) {
        // It may have been killed already.
        let _gone = self.0.kill();
        self.0.wait().expect("it is ours to wait for");
    }
}

impl Place {
    fn beside(application: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("it takes the option");
        socket.set_reuseport(true).expect("it takes the option");
        socket
            .bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .expect("a port is free");
        let place = Self {
            folder: tempfile::tempdir().expect("a folder"),
            egress: socket.local_addr().expect("it is bound"),
            _held: socket,
        };
        let text = place.bootstrap(application).to_string();
        std::fs::write(place.folder.path().join("envoy.json"), text).expect("it can be written");
        place
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
            "admin": {"address": {"pipe": {"path": self.folder.path().join("admin.sock")}}},
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
        let log = File::create(self.folder.path().join("envoy.log")).expect("a file");
        let mut command = program.command();
        command
            .arg("--config-path")
            .arg(self.folder.path().join("envoy.json"))
            .args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"])
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a file"))
            .stderr(log);
        Envoy(command.spawn().expect("it starts"))
    }

    /// A client that judges by Envoy's own page whether it takes calls.
    fn client(&self) -> Client {
        let page = format!("http://unix:{}:/ready", self.folder.path().join("admin.sock").display());
        Client::builder()
            .egress(self.egress)
            .suffixes(MeshSuffixes::from_list("appmesh"))
            .sidecar(Sidecar::health_page(&page).expect("it is a page"))
            .build()
            .expect("the configuration is complete")
    }

    /// That this is what a call says whose sidecar is gone.
    #[track_caller]
    fn assert_says_so(&self, error: &Error) {
        assert!(error.is_sidecar_unreachable(), "{error:?}");
        let expected = format!(
            "the sidecar at {} is not reachable, so `blue.appmesh` was not called",
            self.egress
        );
        assert_eq!(error.to_string(), expected);
    }
}

/// Installs an Envoy if there is none, where that holds up nobody.
async fn start(place: &Arc<Place>) -> Envoy {
    let place = Arc::clone(place);
    let started = tokio::task::spawn_blocking(move || place.start());
    started.await.expect("it starts")
}

async fn application() -> (SocketAddr, JoinSet<()>) {
    serve(Router::new().route("/", get(async || "blue"))).await
}

async fn call(mesh: &Client) -> Result<String, Error> {
    mesh.get(URL).send().await?.text().await
}

#[tokio::test]
async fn an_envoy_that_starts_late_is_waited_for() {
    let (blue, _blue) = application().await;
    let place = Arc::new(Place::beside(blue));
    let mesh = place.client();
    place.assert_says_so(&call(&mesh).await.unwrap_err());
    let not_ready = mesh.ready(Duration::from_millis(50)).await.unwrap_err();
    assert!(not_ready.waited_for().contains("admin.sock:/ready"), "{not_ready}");

    let waiting = tokio::spawn({
        let mesh = mesh.clone();
        async move { mesh.ready(Duration::from_secs(60)).await }
    });
    let _envoy = start(&place).await;
    assert_eq!(waiting.await.expect("it does not panic"), Ok(()));
    assert_eq!(call(&mesh).await.unwrap(), "blue");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_an_envoy_that_dies_under_load_say_so_and_recover_with_it() {
    let (blue, _blue) = application().await;
    let place = Arc::new(Place::beside(blue));
    let mesh = place.client();
    let envoy = start(&place).await;
    with_timeout(mesh.ready(Duration::from_secs(60))).await.unwrap();

    let (answered, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (mesh, answered, stop) = (mesh.clone(), Arc::clone(&answered), Arc::clone(&stop));
        callers.spawn(async move {
            let mut errors = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                match call(&mesh).await {
                    Ok(_) => {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(error) => {
                        errors.push(error);
                        // Nobody who calls in earnest calls a dead sidecar as fast as can be.
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                }
            }
            errors
        });
    }
    let many_more = async || {
        let before = answered.load(Ordering::Relaxed);
        wait_until("the condition holds", async || {
            answered.load(Ordering::Relaxed) > before + 200
        })
        .await;
    };
    many_more().await;
    drop(envoy);
    place.assert_says_so(&call(&mesh).await.unwrap_err());
    let _again = start(&place).await;
    with_timeout(mesh.ready(Duration::from_secs(60))).await.unwrap();
    assert_eq!(call(&mesh).await.unwrap(), "blue", "it recovers at once");
    many_more().await;
    stop.store(true, Ordering::Relaxed);

    let errors: Vec<Error> = callers.join_all().await.into_iter().flatten().collect();
    let gone = errors.iter().filter(|error| error.is_sidecar_unreachable()).count();
    assert!(gone > 0, "some calls came while it was gone: {errors:?}");
    for error in &errors {
        match error.is_sidecar_unreachable() {
            true => place.assert_says_so(error),
            // Those that were under way when it died.
            false => assert!(error.is_interrupted() || error.is_body(), "{error:?}"),
        }
    }
}
