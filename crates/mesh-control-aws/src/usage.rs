//! The Cloud Map services that connected Envoys use: those of the virtual nodes to which they can route. Pure.

use std::collections::BTreeSet;

use mesh_control::Identity;
use mesh_model::app_mesh::virtual_node::Backend;
use mesh_model::app_mesh::virtual_service::VirtualServiceProvider;
use mesh_model::app_mesh::{GatewayRouteSpec, Kind, ResourcePath, Topology};

use crate::discovery::{RequiredServices, Service};

/// The services of a mesh that Envoys with these node ids use.
pub(crate) fn used_services(mesh: &Topology, node_ids: &BTreeSet<String>) -> BTreeSet<Service> {
    let paths = node_ids.iter().filter_map(|id| match Identity::parse(id) {
        Ok(Identity::MeshNode(path)) if path.mesh == mesh.name => Some(path),
        _ => None,
    });
    let called: BTreeSet<&str> = paths.flat_map(|path| virtual_services(mesh, &path)).collect();
    let nodes: BTreeSet<&str> = called
        .into_iter()
        .flat_map(|service| virtual_nodes(mesh, service))
        .collect();
    let nodes = nodes.into_iter().filter_map(|name| mesh.virtual_nodes.get(name));
    let required = RequiredServices::of_nodes(nodes);
    required.all().into_iter().cloned().collect()
}

/// The virtual services that a virtual node or virtual gateway calls.
fn virtual_services<'m>(mesh: &'m Topology, caller: &ResourcePath) -> Vec<&'m str> {
    match caller.kind {
        Kind::VirtualNode => {
            let node = mesh.virtual_nodes.get(&caller.name);
            let backends = node.into_iter().flat_map(|node| &node.backends);
            let name = |Backend::VirtualService(backend): &'m Backend| backend.virtual_service_name.as_str();
            backends.map(name).collect()
        }
        Kind::VirtualGateway => {
            let gateway = mesh.virtual_gateways.get(&caller.name);
            let routes = gateway.into_iter().flat_map(|gateway| gateway.gateway_routes.values());
            let targets = routes.filter_map(GatewayRouteSpec::target);
            targets
                .map(|target| target.virtual_service.virtual_service_name.as_str())
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The virtual nodes behind a virtual service, whatever their weights, and those that get mirrored requests.
fn virtual_nodes<'m>(mesh: &'m Topology, service: &str) -> Vec<&'m str> {
    let service = mesh.virtual_services.get(service);
    match service.and_then(|service| service.provider.as_ref()) {
        Some(VirtualServiceProvider::VirtualNode(node)) => vec![node.virtual_node_name.as_str()],
        Some(VirtualServiceProvider::VirtualRouter(router)) => {
            let router = mesh.virtual_routers.get(&router.virtual_router_name);
            let routes = router.into_iter().flat_map(|router| router.routes.values());
            let nodes = routes.flat_map(|route| {
                let targets = route.targets().map(|target| &target.virtual_node);
                targets.chain(route.mirrors().map(|mirror| &mirror.virtual_node))
            });
            nodes.map(String::as_str).collect()
        }
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use mesh_model::app_mesh::topology::VirtualRouter;
    use serde_json::json;

    use super::*;

    #[test]
    fn nodes_that_get_mirrored_requests_are_used() {
        let provider = json!({"provider": {"virtualRouter": {"virtualRouterName": "split"}}});
        let route = json!({"httpRoute": {
            "match": {"prefix": "/"},
            "action": {"weightedTargets": [{"virtualNode": "blue", "weight": 100}]},
            "mirrors": [{"virtualNode": "green", "percentage": 10}],
        }});
        let router = VirtualRouter {
            routes: [("sides".to_owned(), serde_json::from_value(route).expect("a route"))].into(),
            ..VirtualRouter::default()
        };
        let mesh = Topology {
            virtual_services: [("split".to_owned(), serde_json::from_value(provider).expect("a service"))].into(),
            virtual_routers: [("split".to_owned(), router)].into(),
            ..Topology::default()
        };
        assert_eq!(virtual_nodes(&mesh, "split"), ["blue", "green"]);
    }
}
