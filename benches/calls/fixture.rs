//! The environment of the calls: a mesh of two services with real Envoys, and a collector that discards spans.

use std::collections::BTreeMap;
use std::error::Error;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use axum::Router;
use axum::body::Bytes;
use mesh_infra::Template;
use mesh_local::{Image, LocalMesh, Network, Plan, StackInput};
use meshwright::self_exec;
use serde::{Deserialize, Serialize};
use sidecar_contract::environment::EGRESS;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Template of the Service Connect example.
const TEMPLATE: &str = include_str!("../../tests/golden/serviceconnect.template.json");

/// First argument of a demo service process, which writes the address of its sidecar's egress listener to a file.
const SERVICE: &str = "__service";

/// Name of the service in a hosts file, for a client that accepts no address.
pub(crate) const DIRECT_NAME: &str = "blue.direct";
/// Name of the service in the mesh.
pub(crate) const MESH_NAME: &str = "blue.serviceconnect";

/// Addresses of the fixture's parts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Addresses {
    /// The service itself.
    pub(crate) application: SocketAddr,
    /// The ingress listener of its Envoy.
    pub(crate) ingress: SocketAddr,
    /// The egress listener of another task's Envoy.
    pub(crate) egress: SocketAddr,
    pub(crate) collector: SocketAddr,
    pub(crate) hosts_file: PathBuf,
}

/// A running mesh.
pub(crate) struct Fixture {
    runtime: Runtime,
    mesh: LocalMesh,
    addresses: Addresses,
    _folder: TempDir,
}

/// Runs the demo service if this process was started as one.
pub(crate) fn run_child() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != SERVICE {
        return None;
    }
    let folder = PathBuf::from(arguments.next()?);
    // A service without an egress listener has nothing to write.
    if let (Ok(name), Ok(egress)) = (std::env::var("SERVICE_NAME"), std::env::var(EGRESS))
        && let Err(error) = std::fs::write(folder.join(name), egress)
    {
        eprintln!(
            "error: cannot write the egress listener's address to {}: {error}",
            folder.display()
        );
        return Some(ExitCode::FAILURE);
    }
    Some(demo_service::main_for_runner(arguments))
}

impl Fixture {
    pub(crate) fn start() -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let template = Template::from_json(TEMPLATE)?;
        let stack = StackInput {
            name: "serviceconnect",
            template: &template,
            parameters: &BTreeMap::new(),
        };
        let images = self_exec::known_images().with(self_exec::DEMO_SERVICE_IMAGE, demo_service_image(folder.path())?);
        let plan = Plan::new(&[stack], &images)?;
        let runtime = Runtime::new()?;
        let mut mesh = runtime.block_on(LocalMesh::start(plan, Network::Shared, self_exec::launcher(), |_| {}))?;
        runtime.block_on(mesh.ready())?;
        let application = {
            let mut blue = mesh.tasks().filter(|task| task.task.starts_with("blue/"));
            let listening = blue.find_map(|task| task.applications.first().copied());
            listening.ok_or("blue has no listening application")?
        };
        let hosts_file = folder.path().join("hosts");
        std::fs::write(&hosts_file, format!("{} {DIRECT_NAME}\n", application.ip()))?;
        let addresses = Addresses {
            application,
            ingress: mesh.address_of("blue", None).ok_or("blue has no Envoy")?,
            egress: std::fs::read_to_string(folder.path().join("green"))?.parse()?,
            collector: runtime.block_on(start_collector())?,
            hosts_file,
        };
        Ok(Self {
            runtime,
            mesh,
            addresses,
            _folder: folder,
        })
    }

    pub(crate) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    pub(crate) fn shutdown(self) {
        self.runtime.block_on(self.mesh.shutdown());
    }
}

fn demo_service_image(folder: &Path) -> Result<Image, Box<dyn Error>> {
    let command: [OsString; 3] = [std::env::current_exe()?.into(), SERVICE.into(), folder.into()];
    Ok(Image::new(command.clone())
        .with_program("demo-service", command)
        .with_bind_variable("SERVICE_BIND"))
}

/// Starts a collector, which stops with the runtime.
async fn start_collector() -> std::io::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let discard = Router::new().fallback(async |_: Bytes| ());
    tokio::spawn(async move { axum::serve(listener, discard).await });
    Ok(address)
}
