//! Virtual nodes whose endpoints are not read here: those with Cloud Map discovery.
//!
//! Envoys resolve DNS names themselves. The instances of a Cloud Map service are in an AWS account, so without one such a
//! virtual node has no endpoints, and calls to it get a 503: each is listed on the status page.

use std::sync::Arc;

use app_mesh_api::registry::topology::Topologies;
use mesh_control::{ReadinessSource, SourceStatus};
use mesh_model::app_mesh::virtual_node::ServiceDiscovery;
use tokio::sync::watch;

/// The source `cloud-map` of the status page: one that is not read.
#[derive(Debug)]
pub(crate) struct UnreadDiscovery {
    meshes: watch::Receiver<Arc<Topologies>>,
}

impl UnreadDiscovery {
    pub(crate) fn new(meshes: watch::Receiver<Arc<Topologies>>) -> Self {
        Self { meshes }
    }
}

impl ReadinessSource for UnreadDiscovery {
    fn sources(&self) -> Vec<SourceStatus> {
        let notes = notes(&self.meshes.borrow());
        if notes.is_empty() {
            return Vec::new();
        }
        vec![SourceStatus {
            name: "cloud-map".to_owned(),
            last_success_seconds_ago: None,
            failing_for_seconds: None,
            error: None,
            notes,
        }]
    }

    fn is_ready(&self) -> Result<(), String> {
        Ok(())
    }
}

/// One line for each virtual node without endpoints.
fn notes(meshes: &Topologies) -> Vec<String> {
    let mut notes = Vec::new();
    for (mesh, topology) in meshes {
        for (name, node) in &topology.virtual_nodes {
            if let Some(ServiceDiscovery::AwsCloudMap(discovery)) = &node.service_discovery {
                let (service, namespace) = (&discovery.service_name, &discovery.namespace_name);
                notes.push(format!(
                    "mesh/{mesh}/virtualNode/{name} has no endpoints: Cloud Map is not read here, so the instances of \
                     {service}.{namespace} are not known; calls to it get a 503. Nodes with DNS discovery are resolved by \
                     Envoy"
                ));
            }
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use mesh_model::app_mesh::{Assembly, KeyCasing, ResourcePath};
    use serde_json::json;

    use super::*;

    #[test]
    fn nodes_with_cloud_map_discovery_are_listed() {
        let mut assembly = Assembly::new();
        let discovery = json!({"awsCloudMap": {"namespaceName": "shop.local", "serviceName": "blue"}});
        for (path, document) in [
            ("mesh/demo", json!({})),
            ("mesh/demo/virtualNode/caller", json!({})),
            ("mesh/demo/virtualNode/blue", json!({"serviceDiscovery": discovery})),
            (
                "mesh/demo/virtualNode/green",
                json!({"serviceDiscovery": {"dns": {"hostname": "green.shop.local"}}}),
            ),
        ] {
            let resource = ResourcePath::parse(path).expect("a path");
            assembly.add(resource, &document, KeyCasing::Camel, path);
        }
        let meshes = assembly.finish().expect("a valid mesh").into_iter();
        let meshes: Topologies = meshes.map(|(name, mesh)| (name, Arc::new(mesh))).collect();
        let found = notes(&meshes);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("mesh/demo/virtualNode/blue has no endpoints"),
            "{found:?}"
        );
        assert!(found[0].contains("blue.shop.local"), "{found:?}");
        let (_sender, receiver) = watch::channel(Arc::new(meshes));
        assert_eq!(UnreadDiscovery::new(receiver).sources()[0].notes, found);
    }
}
