//! The number of healthy instances of virtual nodes, for deploy tools that move weight.

use std::collections::BTreeMap;

use mesh_model::app_mesh::VirtualNodeSpec;
use mesh_model::app_mesh::virtual_node::ServiceDiscovery;

use super::State;
use crate::discovery::{Discovery, Service};
use mesh_control::NodeEndpoint;

impl State {
    /// The number of healthy instances of each virtual node of a served mesh, except those that are resolved by DNS.
    pub(crate) fn healthy(&self, mesh: &str) -> BTreeMap<String, usize> {
        let served = self.meshes.get(mesh).and_then(|mesh| mesh.served.as_ref());
        let nodes = served.into_iter().flat_map(|view| &view.topology.virtual_nodes);
        nodes
            .filter_map(|(name, node)| Some((name.clone(), self.healthy_of(node)?)))
            .collect()
    }

    fn healthy_of(&self, node: &VirtualNodeSpec) -> Option<usize> {
        let found = |service: &Service| self.services.get(service)?.found.as_ref();
        match node.service_discovery.as_ref()? {
            ServiceDiscovery::AwsCloudMap(cloud_map) => {
                let is_meant = |instance: &&NodeEndpoint| {
                    let mut required = cloud_map.attributes.iter();
                    required.all(|required| instance.attributes.get(&required.key) == Some(&required.value))
                };
                Some(found(&Service::of(cloud_map))?.healthy().filter(is_meant).count())
            }
            ServiceDiscovery::Dns(dns) => {
                let found = found(&Service::of_host(&dns.hostname)?).filter(|found| Discovery::is_for_host(found))?;
                Some(found.healthy().count())
            }
        }
    }
}
