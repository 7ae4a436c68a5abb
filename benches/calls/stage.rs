//! What the calls are made to: a mesh of two services on real Envoys, and a collector that takes spans and forgets them.

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

/// What the Service Connect example synthesises.
const TEMPLATE: &str = include_str!("../../tests/golden/serviceconnect.template.json");

/// As `main`'s first argument: be the demo service, and leave a note of where the sidecar's egress listener is.
const SERVICE: &str = "__service";

/// The name under which a hosts file has the service, for a client that takes no address.
pub(crate) const DIRECT_NAME: &str = "blue.direct";
/// The name that the sidecar knows.
pub(crate) const MESH_NAME: &str = "blue.serviceconnect";

/// Where everything is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Places {
    /// The service itself.
    pub(crate) application: SocketAddr,
    /// The Envoy in front of it.
    pub(crate) ingress: SocketAddr,
    /// The egress listener of another task's Envoy.
    pub(crate) egress: SocketAddr,
    pub(crate) collector: SocketAddr,
    pub(crate) hosts_file: PathBuf,
}

/// A mesh that runs.
pub(crate) struct Stage {
    runtime: Runtime,
    mesh: LocalMesh,
    places: Places,
    _folder: TempDir,
}

/// The demo service, if this process was started as that.
pub(crate) fn be_child() -> Option<ExitCode> {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != SERVICE {
        return None;
    }
    let folder = PathBuf::from(arguments.next()?);
    // A service that is called by none that the calls begin at has nothing to note.
    if let (Ok(name), Ok(egress)) = (std::env::var("SERVICE_NAME"), std::env::var(EGRESS))
        && let Err(error) = std::fs::write(folder.join(name), egress)
    {
        eprintln!(
            "error: cannot note the egress listener in {}: {error}",
            folder.display()
        );
        return Some(ExitCode::FAILURE);
    }
    Some(demo_service::main_for_runner(arguments))
}

impl Stage {
    pub(crate) fn set() -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let template = Template::from_json(TEMPLATE)?;
        let stack = StackInput {
            name: "serviceconnect",
            template: &template,
            parameters: &BTreeMap::new(),
        };
        let images = self_exec::known_images().with(self_exec::DEMO_SERVICE_IMAGE, service(folder.path())?);
        let plan = Plan::new(&[stack], &images)?;
        let runtime = Runtime::new()?;
        let mut mesh = runtime.block_on(LocalMesh::start(plan, Network::Shared, self_exec::launcher(), |_| {}))?;
        runtime.block_on(mesh.ready())?;
        let application = {
            let mut blue = mesh.tasks().filter(|task| task.task.starts_with("blue/"));
            let listening = blue.find_map(|task| task.applications.first().copied());
            listening.ok_or("blue listens nowhere")?
        };
        let hosts_file = folder.path().join("hosts");
        std::fs::write(&hosts_file, format!("{} {DIRECT_NAME}\n", application.ip()))?;
        let places = Places {
            application,
            ingress: mesh.address_of("blue", None).ok_or("blue has no Envoy")?,
            egress: std::fs::read_to_string(folder.path().join("green"))?.parse()?,
            collector: runtime.block_on(collector())?,
            hosts_file,
        };
        Ok(Self {
            runtime,
            mesh,
            places,
            _folder: folder,
        })
    }

    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    pub(crate) fn clear(self) {
        self.runtime.block_on(self.mesh.shutdown());
    }
}

fn service(notes: &Path) -> Result<Image, Box<dyn Error>> {
    let command: [OsString; 3] = [std::env::current_exe()?.into(), SERVICE.into(), notes.into()];
    Ok(Image::new(command.clone())
        .with_program("demo-service", command)
        .with_bind_variable("SERVICE_BIND"))
}

/// Ends with the runtime.
async fn collector() -> std::io::Result<SocketAddr> {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let forgets = Router::new().fallback(async |_: Bytes| ());
    tokio::spawn(async move { axum::serve(listener, forgets).await });
    Ok(address)
}
