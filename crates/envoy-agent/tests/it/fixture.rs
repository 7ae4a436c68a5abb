//! Control planes that write to a store, agents, and tasks of the same metadata.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use config_store::{SigningKey, Store, Writer};
use mesh_control::node::{MeshwrightMetadata, egress_listener};
use mesh_control::{
    Addresses, Admin, ApiType, Bootstrap, ControlPlane, MeshState, NodeMetadata, XdsProtocol, XdsSecurity,
};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::harness::{Envoy, Mesh, ReservedPort, eventually, node_id};

/// A task of a service, with the addresses of its control plane, and the store with its keys.
pub(crate) struct Site {
    pub(crate) protocol: XdsProtocol,
    service: &'static str,
    shared: Arc<Shared>,
    pub(crate) agent: ReservedPort,
    agent_status: ReservedPort,
    egress: ReservedPort,
    place: Arc<StorePlace>,
}

/// A store, as writers open it and as the agent is given it.
pub(crate) struct StorePlace {
    pub(crate) store: Store,
    /// The option of the agent.
    pub(crate) option: String,
    /// The environment variables of the agent.
    pub(crate) variables: Vec<(&'static str, String)>,
}

/// What the tasks of a test share.
struct Shared {
    folder: TempDir,
    xds: ReservedPort,
    status: ReservedPort,
}

/// A control plane, and what writes its store. Dropping it stops both at once.
pub(crate) struct WritingMesh {
    pub(crate) mesh: Mesh,
    writing: JoinHandle<()>,
}

impl Drop for WritingMesh {
    fn drop(&mut self) {
        self.writing.abort();
    }
}

impl Site {
    pub(crate) fn new(protocol: XdsProtocol) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        SigningKey::generate(&folder.path().join("key.pem"), &folder.path().join("public.pem")).expect("a key pair");
        let path = folder.path().join("store");
        let place = StorePlace {
            store: Store::folder(&path),
            option: path.display().to_string(),
            variables: Vec::new(),
        };
        let shared = Shared {
            folder,
            xds: ReservedPort::pick(),
            status: ReservedPort::pick(),
        };
        Self::of("green", protocol, Arc::new(shared), Arc::new(place))
    }

    /// A task of another service, with the same control plane and store.
    pub(crate) fn beside(&self, service: &'static str) -> Self {
        Self::of(
            service,
            self.protocol,
            Arc::clone(&self.shared),
            Arc::clone(&self.place),
        )
    }

    fn of(service: &'static str, protocol: XdsProtocol, shared: Arc<Shared>, place: Arc<StorePlace>) -> Self {
        Self {
            protocol,
            service,
            shared,
            place,
            agent: ReservedPort::pick(),
            agent_status: ReservedPort::pick(),
            egress: ReservedPort::pick(),
        }
    }

    /// With another store than a folder.
    pub(crate) fn with_store(self, place: StorePlace) -> Self {
        Self {
            place: Arc::new(place),
            ..self
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.shared.folder.path()
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path().join("store")
    }

    /// The egress listener of the task.
    pub(crate) fn egress(&self) -> SocketAddr {
        self.egress.address()
    }

    /// A control plane with this state.
    pub(crate) async fn control_plane(&self, state: MeshState) -> WritingMesh {
        let key = SigningKey::read(&self.path().join("key.pem")).expect("the key");
        let writer = Arc::new(Writer::new(self.place.store.clone(), key));
        let addresses = Addresses {
            xds: self.shared.xds.address(),
            status: self.shared.status.address(),
        };
        let builder = ControlPlane::builder()
            .addresses(addresses)
            .mesh_state(state)
            .accepted_observer(Arc::clone(&writer) as _);
        WritingMesh {
            mesh: Mesh::start_from(builder, self.protocol).await,
            writing: tokio::spawn(writer.run()),
        }
    }

    /// The program, without its options.
    pub(crate) fn agent_command() -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_envoy-agent"));
        command.env_clear().stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Starts an agent for the task.
    pub(crate) async fn start_agent(&self) -> Child {
        let mut command = Self::agent_command();
        command
            .args(["--node-id", &node_id(self.service)])
            .args(["--store", &self.place.option])
            .envs(self.place.variables.iter().map(|(name, value)| (name, value)))
            .arg("--public-key")
            .arg(self.path().join("public.pem"))
            .args(["--control-plane", &self.shared.xds.address().to_string()])
            .args(["--xds", &self.agent.address().to_string()])
            .args(["--status", &self.agent_status.address().to_string()])
            .stderr(Stdio::null());
        let agent = command.spawn().expect("the agent starts");
        eventually("the agent is healthy", async || {
            self.agent_page("healthz").await.map(drop)
        })
        .await;
        agent
    }

    /// A page of the agent's status address.
    pub(crate) async fn agent_page(&self, path: &str) -> Result<String, String> {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let response = client.get(format!("http://{}/{path}", self.agent_status.address()));
        let response = response.send().await.and_then(reqwest::Response::error_for_status);
        let text = response.map_err(|error| error.to_string())?.text().await;
        text.map_err(|error| error.to_string())
    }

    /// Starts the Envoy of the task, each time with the same metadata, and waits until it has a configuration.
    pub(crate) async fn start_envoy(&self) -> Envoy {
        let directory = tempfile::tempdir().expect("a directory");
        Envoy::start_from(directory, |_, admin| self.bootstrap(admin)).await
    }

    /// The same, without waiting for a configuration.
    pub(crate) fn spawn_envoy(&self) -> Envoy {
        let directory = tempfile::tempdir().expect("a directory");
        Envoy::spawn_from(directory, |_, admin| self.bootstrap(admin))
    }

    fn bootstrap(&self, admin: &Path) -> serde_json::Value {
        let metadata = NodeMetadata {
            listener_ports: [(egress_listener(), self.egress.number())].into(),
            extension: MeshwrightMetadata::default(),
        };
        Bootstrap {
            node_id: node_id(self.service),
            metadata,
            xds: self.shared.xds.address().into(),
            xds_security: XdsSecurity::default(),
            failover: Some(self.agent.address()),
            api_type: match self.protocol {
                XdsProtocol::Sotw => ApiType::Grpc,
                XdsProtocol::Delta => ApiType::DeltaGrpc,
            },
            admin: Admin::Socket(admin.to_owned()),
            sds: None,
            dns_servers: Vec::new(),
            reports_calls: false,
        }
        .to_json()
    }

    /// The manifests of all views.
    pub(crate) fn manifests(&self) -> Vec<PathBuf> {
        let files = |path: PathBuf| std::fs::read_dir(path).into_iter().flatten().flatten();
        let views = files(self.store().join("views"));
        views
            .flat_map(|view| files(view.path()))
            .map(|file| file.path())
            .collect()
    }

    /// Waits until there are so many manifests.
    pub(crate) async fn wait_for_manifests(&self, count: usize) {
        eventually("configurations are stored", async || match self.manifests() {
            manifests if manifests.len() == count => Ok(()),
            manifests => Err(format!("{manifests:?}")),
        })
        .await;
    }
}
