//! Meshes as the translation to Envoy reads them.
//!
//! A mesh of the API may refer to resources that do not exist yet. They are missing here too: translation answers calls
//! to them with 503 or 404, and everything else in the mesh works. A resource with a spec that is not valid is left out.

use std::collections::BTreeMap;
use std::sync::Arc;

use mesh_model::app_mesh::{ResourceSpec, Topology, topology};

use super::{MeshRecords, Registry};

/// Meshes by name.
pub type Topologies = BTreeMap<String, Arc<Topology>>;

impl Registry {
    /// The meshes by name. Those that are the same as in `before` are shared with its topologies.
    #[must_use]
    pub fn topologies(&self, before: Option<(&Registry, &Topologies)>) -> Topologies {
        self.meshes
            .iter()
            .map(|(name, records)| {
                let unchanged = before.and_then(|(registry, topologies)| {
                    let old = registry.meshes.get(name)?;
                    records.is_same(old).then(|| topologies.get(name)).flatten()
                });
                let topology = unchanged.map_or_else(|| Arc::new(records.topology(name)), Arc::clone);
                (name.clone(), topology)
            })
            .collect()
    }
}

impl MeshRecords {
    /// True if both are one value. Two equal ones may be taken for different.
    fn is_same(&self, other: &Self) -> bool {
        let contents = || self.contents.values().zip(other.contents.values());
        Arc::ptr_eq(&self.mesh, &other.mesh)
            && self.contents.size() == other.contents.size()
            && contents().all(|(a, b)| Arc::ptr_eq(a, b))
    }

    fn topology(&self, name: &str) -> Topology {
        let mut mesh = Topology {
            name: name.to_owned(),
            ..Topology::default()
        };
        if let Some(ResourceSpec::Mesh(spec)) = self.mesh.spec() {
            mesh.mesh = spec.clone();
        }
        // Routers before their routes, gateways before theirs: two passes.
        for record in self.contents.values() {
            let name = record.path.name.clone();
            match record.spec() {
                Some(ResourceSpec::VirtualNode(spec)) => drop(mesh.virtual_nodes.insert(name, spec.clone())),
                Some(ResourceSpec::VirtualService(spec)) => drop(mesh.virtual_services.insert(name, spec.clone())),
                Some(ResourceSpec::VirtualRouter(spec)) => {
                    let spec = spec.clone();
                    let routes = BTreeMap::new();
                    let router = topology::VirtualRouter { spec, routes };
                    mesh.virtual_routers.insert(name, router);
                }
                Some(ResourceSpec::VirtualGateway(spec)) => {
                    let spec = spec.clone();
                    let gateway_routes = BTreeMap::new();
                    let gateway = topology::VirtualGateway { spec, gateway_routes };
                    mesh.virtual_gateways.insert(name, gateway);
                }
                Some(ResourceSpec::Mesh(_) | ResourceSpec::Route(_) | ResourceSpec::GatewayRoute(_)) | None => {}
            }
        }
        for record in self.contents.values() {
            let name = record.path.name.clone();
            let parent = record.path.parent.as_deref().unwrap_or_default();
            match record.spec() {
                Some(ResourceSpec::Route(spec)) => {
                    if let Some(router) = mesh.virtual_routers.get_mut(parent) {
                        router.routes.insert(name, spec.clone());
                    }
                }
                Some(ResourceSpec::GatewayRoute(spec)) => {
                    if let Some(gateway) = mesh.virtual_gateways.get_mut(parent) {
                        gateway.gateway_routes.insert(name, spec.clone());
                    }
                }
                _ => {}
            }
        }
        mesh
    }
}
