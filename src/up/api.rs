//! App Mesh's API over the mesh that runs here.
//!
//! The template seeds the API; from then on the meshes belong to the API, and what is changed there reaches the Envoys. A
//! mesh lives in one of the two: of a changed template that describes other meshes than at the start, everything else is
//! applied, and the resources that are not are named. The state is in memory, as the mesh is: it ends with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use app_mesh_api::registry::topology::Topologies;
use app_mesh_api::service::{ImportError, OpenError};
use app_mesh_api::{Caller, MemoryStore, Quotas, Service, Settings};
use mesh_local::{ACCOUNT, Plan, REGION};
use mesh_model::app_mesh::{KeyCasing, ResourcePath, ResourceSpec, Topology};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::serve::api_server::{ApiServer, ApiServerError};
use crate::serve::{access, owned};

/// Why the API is not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error(
        "cannot serve the API at {0}: it has no authentication, so other machines must not reach it; use a loopback \
         address"
    )]
    NotLoopback(SocketAddr),
    #[error(transparent)]
    Server(#[from] ApiServerError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the API cannot serve the template's mesh")]
    Seed(#[from] ImportError),
}

/// The mesh resources of a template that differ from those at the start, by path: they belong to the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnedByApi(Vec<String>);

impl fmt::Display for OwnedByApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(
            f,
            "; not applied: {}, which the API has served since the start (--api): change them there, or restart without --api",
            self.0.join(", ")
        )
    }
}

/// The API of a mesh. It ends when it is dropped.
pub(super) struct Api {
    address: SocketAddr,
    service: Service,
    meshes: watch::Receiver<Arc<Topologies>>,
    /// The meshes of the template, with which the API was seeded.
    template: BTreeMap<String, Topology>,
    server: Server,
}

enum Server {
    /// Connections wait until the mesh is running.
    Bound(Option<ApiServer>),
    Serving(JoinHandle<()>),
}

impl Api {
    /// Binds the address, and gives the plan's meshes to the API.
    pub(super) async fn open(address: SocketAddr, plan: &Plan) -> Result<Self, ApiError> {
        if !address.ip().is_loopback() {
            return Err(ApiError::NotLoopback(address));
        }
        let server = ApiServer::bind(address, None).await?;
        let settings = Settings {
            // The ARNs that the template's references have.
            account: ACCOUNT.to_owned(),
            region: REGION.to_owned(),
            // A mesh that runs without the API runs with it, too.
            quotas: Quotas::unlimited(),
            ..Settings::default()
        };
        let service = Service::open(MemoryStore::default(), settings).await?;
        let resources = plan.meshes.values().flat_map(Topology::specs);
        let documents = resources.map(|(path, spec)| (path, spec.write(KeyCasing::Camel)));
        service.import(&Caller::unrestricted("template"), documents).await?;
        Ok(Self {
            address: server.local_addr(),
            meshes: service.subscribe(),
            service,
            template: plan.meshes.clone(),
            server: Server::Bound(Some(server)),
        })
    }

    /// The address of the API.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves the API from now on.
    pub(super) fn serve(&mut self) {
        // The Envoys have what the template has seeded.
        self.meshes.mark_unchanged();
        if let Server::Bound(server) = &mut self.server
            && let Some(server) = server.take()
        {
            let router = access::protected(app_mesh_api::router(self.service.clone()), None);
            let serving = tokio::spawn(async move {
                // It is stopped by being dropped, with the mesh.
                let (_running, stopped) = watch::channel(false);
                server.serve(router, stopped).await;
            });
            self.server = Server::Serving(serving);
        }
    }

    /// The meshes after the next change. Cancel safe.
    async fn next(&mut self) -> BTreeMap<String, Topology> {
        match self.meshes.changed().await {
            Ok(()) => owned(&self.meshes.borrow_and_update()),
            // The sender is in `service`.
            Err(_) => std::future::pending().await,
        }
    }

    /// The plan of a changed template with the meshes of the API, and what the template would change of them.
    pub(super) fn merge(&self, mut plan: Plan) -> (Plan, OwnedByApi) {
        let changed = changed(&self.template, &plan.meshes);
        plan.meshes = owned(&self.meshes.borrow());
        (plan, OwnedByApi(changed))
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        if let Server::Serving(serving) = &self.server {
            serving.abort();
        }
    }
}

/// The meshes after the next change through the API; pending forever without one.
pub(super) async fn next(api: Option<&mut Api>) -> BTreeMap<String, Topology> {
    match api {
        Some(api) => api.next().await,
        None => std::future::pending().await,
    }
}

/// The paths of added, removed and changed resources.
fn changed(before: &BTreeMap<String, Topology>, after: &BTreeMap<String, Topology>) -> Vec<String> {
    type Specs = BTreeMap<ResourcePath, ResourceSpec>;
    let specs = |meshes: &BTreeMap<String, Topology>| meshes.values().flat_map(Topology::specs).collect::<Specs>();
    let (before, after) = (specs(before), specs(after));
    let paths: BTreeSet<&ResourcePath> = before.keys().chain(after.keys()).collect();
    let is_changed = |path: &&&ResourcePath| before.get(**path) != after.get(**path);
    paths.iter().filter(is_changed).map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use mesh_model::app_mesh::{MeshSpec, VirtualServiceSpec};

    use super::*;

    fn meshes(services: &[(&str, VirtualServiceSpec)]) -> BTreeMap<String, Topology> {
        let mesh = Topology {
            name: "demo".to_owned(),
            mesh: MeshSpec::default(),
            virtual_services: services
                .iter()
                .map(|(name, spec)| ((*name).to_owned(), spec.clone()))
                .collect(),
            ..Topology::default()
        };
        BTreeMap::from([("demo".to_owned(), mesh)])
    }

    #[test]
    fn changed_resources_are_named() {
        let spec = VirtualServiceSpec::default();
        let before = meshes(&[("a", spec.clone()), ("b", spec.clone())]);
        assert_eq!(changed(&before, &before), Vec::<String>::new());
        let after = meshes(&[("b", spec.clone()), ("c", spec)]);
        let expected = ["mesh/demo/virtualService/a", "mesh/demo/virtualService/c"];
        assert_eq!(changed(&before, &after), expected);
        let note = OwnedByApi(changed(&before, &after)).to_string();
        assert!(
            note.starts_with("; not applied: mesh/demo/virtualService/a, mesh/demo/virtualService/c, which"),
            "{note}"
        );
        assert_eq!(OwnedByApi(Vec::new()).to_string(), "");
    }
}
