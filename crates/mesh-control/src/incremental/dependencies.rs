//! The objects that a part of a configuration depends on.
//!
//! They are read from the model, not recorded by translation: a superset is enough, and the test that compares
//! incremental with whole translations finds what is missing.

use std::collections::BTreeSet;

use mesh_model::app_mesh::virtual_node::{Backend, ServiceDiscovery};
use mesh_model::app_mesh::virtual_service::VirtualServiceProvider;
use mesh_model::app_mesh::{Kind, ResourcePath, RouteSpec, Topology, VirtualNodeSpec};
use mesh_model::load_balancer::LoadBalancer;

use super::object::Object;
use crate::configuration::Part;
use crate::mesh_state::MeshState;
use crate::translate::EndpointSource;

/// The objects of a part other than endpoints.
pub(super) fn of_part(part: &Part, state: &MeshState) -> BTreeSet<Object> {
    let mut objects = match part {
        Part::Egress { namespace, .. } => [Object::Namespace(namespace.clone())].into(),
        Part::Ingress { namespace, service, .. } => [Object::ServicesOf {
            namespace: namespace.clone(),
            service: service.clone(),
        }]
        .into(),
        Part::MeshNode { path, .. } => of_mesh_node(path, state),
        Part::LoadBalancer { name, .. } => of_load_balancer(name, state),
    };
    objects.extend([Object::HeaderLimits, Object::Certificates]);
    objects
}

/// The object with the endpoints of a cluster.
pub(super) fn of_endpoints(source: &EndpointSource, state: &MeshState) -> Option<Object> {
    match source {
        EndpointSource::Service {
            namespace,
            discovery_name,
        } => Some(Object::Endpoints {
            namespace: namespace.clone(),
            discovery_name: discovery_name.clone(),
        }),
        EndpointSource::VirtualNode { mesh, node, .. } => {
            let spec = state.meshes.get(mesh)?.virtual_nodes.get(node)?;
            match spec.service_discovery.as_ref()? {
                ServiceDiscovery::Dns(dns) => Some(Object::DnsEndpoints(dns.hostname.clone())),
                ServiceDiscovery::AwsCloudMap(cloud_map) => Some(Object::NodeEndpoints {
                    namespace: cloud_map.namespace_name.clone(),
                    service: cloud_map.service_name.clone(),
                }),
            }
        }
        EndpointSource::TargetGroup(name) => Some(Object::Targets(name.clone())),
    }
}

fn of_load_balancer(name: &str, state: &MeshState) -> BTreeSet<Object> {
    let load_balancer = state.load_balancers.get(name);
    let target_groups = load_balancer.into_iter().flat_map(LoadBalancer::target_groups);
    let target_groups = target_groups.map(|target_group| Object::TargetGroup(target_group.to_owned()));
    target_groups.chain([Object::LoadBalancer(name.to_owned())]).collect()
}

fn of_mesh_node(path: &ResourcePath, state: &MeshState) -> BTreeSet<Object> {
    let mut found = Found {
        mesh: &path.mesh,
        objects: BTreeSet::new(),
    };
    found.objects.insert(Object::Mesh(path.mesh.clone()));
    let topology = state.meshes.get(&path.mesh);
    match path.kind {
        Kind::VirtualNode => {
            found.objects.insert(Object::ExtraListeners {
                mesh: path.mesh.clone(),
                node: path.name.clone(),
            });
            found.objects.insert(Object::VirtualNode {
                mesh: path.mesh.clone(),
                name: path.name.clone(),
            });
            found.add_upstream(&path.name, topology);
            let spec = topology.and_then(|topology| topology.virtual_nodes.get(&path.name));
            for Backend::VirtualService(backend) in spec.into_iter().flat_map(|spec| &spec.backends) {
                found.add_virtual_service(&backend.virtual_service_name, topology);
            }
        }
        // It has the routes of every virtual service.
        _ => {
            found.objects.insert(Object::AnyOfMesh(path.mesh.clone()));
            for spec in topology
                .into_iter()
                .flat_map(|topology| topology.virtual_nodes.values())
            {
                found.add_host_name(spec);
            }
        }
    }
    found.objects
}

struct Found<'a> {
    mesh: &'a str,
    objects: BTreeSet<Object>,
}

impl Found<'_> {
    fn add_virtual_service(&mut self, name: &str, topology: Option<&Topology>) {
        self.objects.insert(Object::VirtualService {
            mesh: self.mesh.to_owned(),
            name: name.to_owned(),
        });
        let service = topology.and_then(|topology| topology.virtual_services.get(name));
        match service.and_then(|service| service.provider.as_ref()) {
            Some(VirtualServiceProvider::VirtualNode(provider)) => {
                self.add_upstream(&provider.virtual_node_name, topology);
            }
            Some(VirtualServiceProvider::VirtualRouter(provider)) => {
                self.add_virtual_router(&provider.virtual_router_name, topology);
            }
            None => {}
        }
    }

    fn add_virtual_router(&mut self, name: &str, topology: Option<&Topology>) {
        self.objects.insert(Object::VirtualRouter {
            mesh: self.mesh.to_owned(),
            name: name.to_owned(),
        });
        let router = topology.and_then(|topology| topology.virtual_routers.get(name));
        for route in router.into_iter().flat_map(|router| router.routes.values()) {
            for target in targets(route) {
                self.add_upstream(target, topology);
            }
        }
    }

    fn add_upstream(&mut self, name: &str, topology: Option<&Topology>) {
        self.objects.insert(Object::Upstream {
            mesh: self.mesh.to_owned(),
            node: name.to_owned(),
        });
        if let Some(spec) = topology.and_then(|topology| topology.virtual_nodes.get(name)) {
            self.add_host_name(spec);
        }
    }

    fn add_host_name(&mut self, spec: &VirtualNodeSpec) {
        if let Some(ServiceDiscovery::Dns(dns)) = &spec.service_discovery {
            self.objects.insert(Object::HostName(dns.hostname.clone()));
        }
    }
}

/// The virtual nodes of a route: its targets and its mirrors.
fn targets(route: &RouteSpec) -> impl Iterator<Item = &str> {
    let http = route.http_route.iter().chain(&route.http2_route);
    let actions = http
        .clone()
        .map(|route| &route.action)
        .chain(route.grpc_route.iter().map(|route| &route.action))
        .chain(route.tcp_route.iter().map(|route| &route.action));
    let weighted = actions.flat_map(|action| &action.weighted_targets);
    let mirrors = http.flat_map(|route| &route.mirrors);
    weighted
        .map(|target| target.virtual_node.as_str())
        .chain(mirrors.map(|mirror| mirror.virtual_node.as_str()))
}
