//! A server of the API on loopback, and Python programs that call it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;
use std::thread::JoinHandle;

use app_mesh_api::{Caller, Operation, Service, Settings, Store, router};
use mesh_model::app_mesh::{Kind, ResourcePath};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// A server on a free port of loopback, on a thread of its own. Stopped on drop.
pub(crate) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn with_store(store: impl Store, settings: Settings) -> Self {
        let (started, address) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let service = Service::open(store, settings).await.expect("an empty store");
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
                started
                    .send(listener.local_addr().expect("an address"))
                    .expect("the test waits");
                let serve = axum::serve(listener, router(service));
                let serve = serve.with_graceful_shutdown(async {
                    // An error is the drop of the server, too.
                    let _stopped = stopped.await;
                });
                serve.await.expect("the server runs");
            });
        });
        Self {
            address: address.recv().expect("the server starts"),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the server panicked");
        }
    }
}

/// Runs `tests/it/python/NAME` with AWS's clients configured for these servers, and returns its output.
#[track_caller]
pub(crate) fn python(name: &str, environment: &[(&str, &str)]) -> String {
    let file: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/it/python", name].iter().collect();
    let home = tempfile::tempdir().expect("a temporary directory");
    let mut command: Command = testkit::python_tools().program(&file);
    // Settings of the developer.
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("AWS_") {
            command.env_remove(variable);
        }
    }
    let output = command
        .env("HOME", home.path())
        .env("AWS_CONFIG_FILE", home.path().join("config"))
        .env("AWS_SHARED_CREDENTIALS_FILE", home.path().join("credentials"))
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("NO_PROXY", "127.0.0.1")
        .envs(environment.iter().copied())
        .current_dir(home.path())
        .output()
        .expect("Python starts");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{name}: {}\n{stdout}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    stdout
}

pub(crate) fn caller() -> Caller {
    Caller::unrestricted("test")
}

pub(crate) fn mesh() -> ResourcePath {
    ResourcePath::of_mesh("demo")
}

pub(crate) fn node_path(name: &str) -> ResourcePath {
    ResourcePath::new("demo", Kind::VirtualNode, name)
}

pub(crate) fn node_spec(hostname: &str) -> Value {
    json!({"listeners": [{"portMapping": {"port": 80, "protocol": "http"}}],
        "serviceDiscovery": {"dns": {"hostname": hostname}}})
}

pub(crate) fn create(path: ResourcePath, spec: Value) -> Operation {
    Operation::Create {
        path,
        spec: Some(spec),
        tags: std::collections::BTreeMap::new(),
        client_token: None,
    }
}

pub(crate) fn update(path: ResourcePath, spec: Value) -> Operation {
    Operation::Update {
        path,
        spec: Some(spec),
        client_token: None,
    }
}
