//! From a plan to what the control plane is told: what is true before any task runs, and what becomes true with each.

use std::collections::BTreeMap;

use mesh_control::{MeshState, NodeEndpoint, ServiceIdentity};
use mesh_model::app_mesh::Topology;
use mesh_model::app_mesh::listener::Listener;
use mesh_model::app_mesh::virtual_node::Backend;
use mesh_model::namespace::{Namespace, ServiceConnectService};

use crate::cloud_map::Registration;
use crate::evaluate::REGION;
use crate::plan::{Membership, Plan, RegistryPlan, ServicePlan};
use crate::slot::Slot;

/// What is true of the plan before any task runs.
pub(crate) fn initial_state(plan: &Plan) -> MeshState {
    let members = plan.services.iter().filter_map(|service| {
        let identity = ServiceIdentity {
            cluster: service.cluster.clone(),
            service: service.name.clone(),
        };
        Some((identity, service.membership.namespace()?.to_owned()))
    });
    // Every name is known from the beginning, so that no Envoy ever asks DNS for one: it would ask the machine's.
    let services = plan.cloud_map.iter();
    MeshState {
        namespaces: plan
            .namespaces
            .iter()
            .map(|namespace| (namespace.name.clone(), namespace.clone()))
            .collect(),
        services: members.collect(),
        meshes: plan.meshes.clone(),
        node_endpoints: services
            .clone()
            .map(|service| ((service.namespace.clone(), service.service.clone()), Vec::new()))
            .collect(),
        dns_endpoints: services
            .filter_map(|service| Some((service.hostname()?, Vec::new())))
            .collect(),
        ..MeshState::default()
    }
}

/// Adds what a new plan has and the old one does not: names, members, resources of meshes, and what virtual nodes call.
/// Tasks of virtual nodes listen on the ports of both. What both have stays as it is, routes first of all: nobody is sent
/// to tasks that are not there yet.
pub(crate) fn expand(world: &mut MeshState, plan: &Plan) {
    let new = self::initial_state(plan);
    for (name, namespace) in new.namespaces {
        match world.namespaces.get_mut(&name) {
            None => {
                world.namespaces.insert(name, namespace);
            }
            Some(known) => add_endpoints(&mut known.services, namespace.services),
        }
    }
    world.extra_listeners = listeners_of_others(&world.meshes, &new.meshes);
    for (name, mesh) in new.meshes {
        match world.meshes.get_mut(&name) {
            None => {
                world.meshes.insert(name, mesh);
            }
            Some(known) => add_resources(known, mesh),
        }
    }
    add_new(&mut world.services, new.services);
    add_new(&mut world.node_endpoints, new.node_endpoints);
    add_new(&mut world.dns_endpoints, new.dns_endpoints);
}

/// Makes everything what a plan says, and leaves it the tasks that are registered. Those of both plans can still be called:
/// they go on listening where they did.
pub(crate) fn switch(world: &mut MeshState, plan: &Plan) {
    let before = std::mem::take(&mut world.meshes);
    contract(world, plan);
    world.extra_listeners = listeners_of_others(&world.meshes, &before);
}

/// The listeners of the virtual nodes in `others` on ports that those in `meshes` do not have.
fn listeners_of_others(
    meshes: &BTreeMap<String, Topology>,
    others: &BTreeMap<String, Topology>,
) -> BTreeMap<(String, String), Vec<Listener>> {
    let mut also = BTreeMap::new();
    for (mesh, topology) in meshes {
        for (name, node) in &topology.virtual_nodes {
            let other = others.get(mesh).and_then(|other| other.virtual_nodes.get(name));
            let is_new = |listener: &&Listener| {
                let port = listener.port_mapping.port;
                node.listeners.iter().all(|known| known.port_mapping.port != port)
            };
            let others = other.into_iter().flat_map(|other| &other.listeners);
            let others: Vec<Listener> = others.filter(is_new).cloned().collect();
            if !others.is_empty() {
                also.insert((mesh.clone(), name.clone()), others);
            }
        }
    }
    also
}

/// Makes everything what a plan says, and leaves it the tasks that are registered.
pub(crate) fn contract(world: &mut MeshState, plan: &Plan) {
    let new = self::initial_state(plan);
    keep_only(&mut world.node_endpoints, new.node_endpoints);
    keep_only(&mut world.dns_endpoints, new.dns_endpoints);
    world.namespaces = new.namespaces;
    world.services = new.services;
    world.meshes = new.meshes;
    world.extra_listeners = BTreeMap::new();
}

fn add_endpoints(known: &mut Vec<ServiceConnectService>, wanted: Vec<ServiceConnectService>) {
    for endpoint in wanted {
        let same = |known: &ServiceConnectService| (&known.dns_name, known.port) == (&endpoint.dns_name, endpoint.port);
        if !known.iter().any(same) {
            known.push(endpoint);
        }
    }
}

fn add_resources(known: &mut Topology, wanted: Topology) {
    for (name, node) in wanted.virtual_nodes {
        match known.virtual_nodes.get_mut(&name) {
            None => {
                known.virtual_nodes.insert(name, node);
            }
            Some(known) => add_backends(&mut known.backends, node.backends),
        }
    }
    add_new(&mut known.virtual_routers, wanted.virtual_routers);
    add_new(&mut known.virtual_services, wanted.virtual_services);
    add_new(&mut known.virtual_gateways, wanted.virtual_gateways);
}

fn add_backends(known: &mut Vec<Backend>, wanted: Vec<Backend>) {
    for backend in wanted {
        let Backend::VirtualService(called) = &backend;
        let is_same = |known: &Backend| {
            let Backend::VirtualService(known) = known;
            known.virtual_service_name == called.virtual_service_name
        };
        if !known.iter().any(is_same) {
            known.push(backend);
        }
    }
}

fn keep_only<K: Ord, V>(known: &mut BTreeMap<K, V>, wanted: BTreeMap<K, V>) {
    known.retain(|name, _| wanted.contains_key(name));
    add_new(known, wanted);
}

fn add_new<K: Ord, V>(known: &mut BTreeMap<K, V>, wanted: BTreeMap<K, V>) {
    for (name, value) in wanted {
        known.entry(name).or_insert(value);
    }
}

/// Everything under which a task is registered while it is well.
pub(crate) fn registrations(slot: &Slot, plan: &ServicePlan, namespaces: &[Namespace]) -> Vec<Registration> {
    let namespace = namespaces
        .iter()
        .find(|namespace| plan.membership.namespace() == Some(&namespace.name));
    let endpoints = namespace.into_iter().flat_map(|namespace| {
        namespace
            .services_of(&plan.name)
            .map(move |endpoint| (namespace, endpoint))
    });
    let endpoints = endpoints.filter_map(|(namespace, endpoint)| {
        Some(Registration::Endpoint {
            namespace: namespace.name.clone(),
            discovery_name: endpoint.discovery_name.clone(),
            address: slot.ingress(&endpoint.port_name)?,
        })
    });
    let service = plan.registry.as_ref().map(|registry| Registration::Service {
        service: registry.service.clone(),
        instance: node_instance(slot, plan, registry),
    });
    endpoints.chain(service).collect()
}

/// A task as ECS registers it. Source of the attributes: ECS developer guide, "Service discovery" (read 2026-11-23).
fn node_instance(slot: &Slot, plan: &ServicePlan, registry: &RegistryPlan) -> NodeEndpoint {
    let address = slot.address();
    let attributes = [
        ("AWS_INSTANCE_IPV4", Some(address.to_string())),
        ("AWS_INSTANCE_PORT", registry.port.map(|port| port.to_string())),
        ("AVAILABILITY_ZONE", Some(format!("{REGION}-a"))),
        ("REGION", Some(REGION.to_owned())),
        ("ECS_SERVICE_NAME", Some(plan.name.clone())),
        ("ECS_CLUSTER_NAME", Some(plan.cluster.clone())),
        ("ECS_TASK_DEFINITION_FAMILY", Some(plan.family.clone())),
    ];
    NodeEndpoint {
        id: slot.name.clone(),
        addresses: vec![address],
        attributes: attributes
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
            .collect(),
        ingress: match &plan.membership {
            Membership::Mesh(member) => member
                .listeners
                .keys()
                .filter_map(|port| Some((*port, slot.ingress(&port.to_string())?)))
                .collect(),
            // Whoever finds it in Cloud Map calls its applications: Service Connect's Envoys are called by those alone
            // who take part.
            Membership::None | Membership::Namespace(_) => slot.apps().collect::<BTreeMap<_, _>>(),
        },
    }
}

#[cfg(test)]
mod tests;
