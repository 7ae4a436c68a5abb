//! Mesh state of a plan for the control plane: its initial value, its changes between plans, and task registrations.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use mesh_control::{MeshState, NodeEndpoint, ServiceIdentity, Target};
use mesh_model::app_mesh::Topology;
use mesh_model::app_mesh::listener::Listener;
use mesh_model::app_mesh::virtual_node::Backend;
use mesh_model::load_balancer::LoadBalancer;
use mesh_model::namespace::{Namespace, ServiceConnectService};

use crate::cloud_map::Registration;
use crate::evaluate::REGION;
use crate::plan::{FixedInstance, FixedInstanceName, Membership, Plan, RegistryPlan, ServicePlan, TargetPlan};
use crate::slot::Slot;

/// Prefix of the ids of instances that no task registers. Those of tasks are names of services.
pub(crate) const FIXED: &str = "fixed:";

/// The mesh state of a plan before any task runs.
pub(crate) fn initial_state(plan: &Plan) -> MeshState {
    let memberships = plan.services.iter().filter_map(|service| {
        let identity = ServiceIdentity {
            cluster: service.cluster.clone(),
            service: service.name.clone(),
        };
        Some((identity, service.membership.namespace()?.to_owned()))
    });
    // All names are known from the start, so that no Envoy resolves one with the machine's DNS.
    let services = plan.cloud_map.iter();
    let host_names = plan.load_balancers.values().flat_map(LoadBalancer::host_names);
    let mut state = MeshState {
        namespaces: plan
            .namespaces
            .iter()
            .map(|namespace| (namespace.name.clone(), namespace.clone()))
            .collect(),
        services: memberships.collect(),
        meshes: plan.meshes.clone(),
        node_endpoints: services
            .clone()
            .map(|service| ((service.namespace.clone(), service.service.clone()), Vec::new()))
            .collect(),
        dns_endpoints: services
            .filter_map(|service| Some((service.hostname()?, Vec::new())))
            .chain(host_names.map(|name| (name.clone(), Vec::new())))
            .collect(),
        header_limits: plan.header_limits,
        load_balancers: plan.load_balancers.clone(),
        targets: plan
            .target_groups
            .keys()
            .map(|name| (name.clone(), Vec::new()))
            .collect(),
        target_groups: plan.target_groups.clone(),
        ..MeshState::default()
    };
    add_fixed_instances(&mut state, plan);
    state
}

/// The instances of a plan that no task registers.
fn fixed_instances(plan: &Plan) -> impl Iterator<Item = (&FixedInstance, NodeEndpoint)> {
    plan.fixed_instances.iter().map(|instance| {
        let endpoint = NodeEndpoint {
            id: format!("{FIXED}{}", instance.id),
            addresses: instance.addresses.clone(),
            attributes: instance.attributes.clone(),
            ingress: BTreeMap::new(),
        };
        (instance, endpoint)
    })
}

fn add_fixed_instances(state: &mut MeshState, plan: &Plan) {
    for (instance, endpoint) in fixed_instances(plan) {
        let hostname = match &instance.at {
            FixedInstanceName::Host(name) => Some(name.clone()),
            FixedInstanceName::CloudMap(service) => {
                let key = (service.namespace.clone(), service.service.clone());
                add_endpoint(state.node_endpoints.entry(key).or_default(), endpoint.clone());
                service.hostname()
            }
        };
        if let Some(hostname) = hostname {
            add_endpoint(state.dns_endpoints.entry(hostname).or_default(), endpoint);
        }
    }
}

fn add_endpoint(known: &mut Vec<NodeEndpoint>, endpoint: NodeEndpoint) {
    if !known.contains(&endpoint) {
        known.push(endpoint);
        known.sort();
    }
}

fn remove_fixed_instances(state: &mut MeshState) {
    let endpoints = state
        .node_endpoints
        .values_mut()
        .chain(state.dns_endpoints.values_mut());
    for known in endpoints {
        known.retain(|endpoint| !endpoint.id.starts_with(FIXED));
    }
}

/// Expand: adds the names, services, resources and backends of a new plan to the current state. Virtual nodes listen on
/// the ports of both plans. Existing resources, routes above all, stay as they are: no request is sent to tasks that
/// are not registered yet.
pub(crate) fn expand(state: &mut MeshState, plan: &Plan) {
    let new = self::initial_state(plan);
    for (name, namespace) in new.namespaces {
        match state.namespaces.get_mut(&name) {
            None => {
                state.namespaces.insert(name, namespace);
            }
            Some(known) => add_endpoints(&mut known.services, namespace.services),
        }
    }
    state.extra_listeners = listeners_of_others(&state.meshes, &new.meshes);
    for (name, mesh) in new.meshes {
        match state.meshes.get_mut(&name) {
            None => {
                state.meshes.insert(name, mesh);
            }
            Some(known) => add_resources(known, mesh),
        }
    }
    add_new(&mut state.services, new.services);
    add_new(&mut state.node_endpoints, new.node_endpoints);
    add_new(&mut state.dns_endpoints, new.dns_endpoints);
    add_fixed_instances(state, plan);
    add_new(&mut state.load_balancers, new.load_balancers);
    add_new(&mut state.target_groups, new.target_groups);
    add_new(&mut state.targets, new.targets);
}

/// Switch: changes all resources to the new plan. Registered tasks of both plans stay reachable: virtual nodes keep the
/// listeners of the old plan.
pub(crate) fn switch(state: &mut MeshState, plan: &Plan) {
    let before = std::mem::take(&mut state.meshes);
    contract(state, plan);
    state.extra_listeners = listeners_of_others(&state.meshes, &before);
}

/// Replaces the meshes of a plan whose services stay. Virtual nodes keep the listeners that they had, for callers that
/// have not received the change.
pub(crate) fn replace_meshes(state: &mut MeshState, meshes: BTreeMap<String, Topology>) {
    state.extra_listeners = listeners_of_others(&meshes, &state.meshes);
    state.meshes = meshes;
}

/// Removes the listeners that [`replace_meshes`] has kept.
pub(crate) fn end_replacement(state: &mut MeshState) {
    state.extra_listeners = BTreeMap::new();
}

/// The listeners of the virtual nodes in `others` on ports that are missing in `meshes`.
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

/// Contract: removes everything that is not in the plan, except registered tasks.
pub(crate) fn contract(state: &mut MeshState, plan: &Plan) {
    let new = self::initial_state(plan);
    keep_only(&mut state.node_endpoints, new.node_endpoints);
    keep_only(&mut state.dns_endpoints, new.dns_endpoints);
    remove_fixed_instances(state);
    add_fixed_instances(state, plan);
    keep_only(&mut state.targets, new.targets);
    state.load_balancers = new.load_balancers;
    state.target_groups = new.target_groups;
    state.namespaces = new.namespaces;
    state.services = new.services;
    state.meshes = new.meshes;
    state.header_limits = new.header_limits;
    state.extra_listeners = BTreeMap::new();
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

/// The Cloud Map entries of a healthy task.
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
    let targets = plan.targets.iter().filter_map(|target| {
        Some(Registration::Target {
            target_group: target.target_group.clone(),
            target: self::target(slot, plan, target)?,
        })
    });
    endpoints
        .chain(service)
        .chain(targets)
        .chain(host_names(slot, plan))
        .collect()
}

/// A port of a task as a target: that of its Envoy, where it has a listener for the port.
fn target(slot: &Slot, plan: &ServicePlan, target: &TargetPlan) -> Option<Target> {
    let address = |port: u16| {
        let ingress = match &plan.membership {
            Membership::Mesh(_) => slot.ingress(&port.to_string()),
            Membership::Namespace(_) | Membership::None | Membership::LoadBalancer(_) => None,
        };
        ingress.or_else(|| {
            slot.apps()
                .find(|(known, _)| *known == port)
                .map(|(_, address)| address)
        })
    };
    Some(Target {
        id: slot.name.clone(),
        address: address(target.container_port)?,
        // A port without a mapping is not known in the shared network, where each mapping has a port of its own.
        health_check_port: target.health_check_port.and_then(address).map(|address| address.port()),
        is_draining: false,
    })
}

/// The host names of a load balancer.
fn host_names(slot: &Slot, plan: &ServicePlan) -> Vec<Registration> {
    let Membership::LoadBalancer(node) = &plan.membership else {
        return Vec::new();
    };
    let instance = NodeEndpoint {
        id: slot.name.clone(),
        addresses: vec![slot.address()],
        attributes: BTreeMap::new(),
        ingress: ingress_by_port(slot, node.listeners.keys()),
    };
    let registration = |hostname: &String| Registration::HostName {
        hostname: hostname.clone(),
        instance: instance.clone(),
    };
    node.host_names.iter().map(registration).collect()
}

fn ingress_by_port<'p>(slot: &Slot, ports: impl Iterator<Item = &'p u16>) -> BTreeMap<u16, SocketAddr> {
    ports
        .filter_map(|port| Some((*port, slot.ingress(&port.to_string())?)))
        .collect()
}

/// A task as registered by ECS. Source of the attributes: ECS developer guide, "Service discovery" (read 2026-11-23).
fn node_instance(slot: &Slot, plan: &ServicePlan, registry: &RegistryPlan) -> NodeEndpoint {
    let address = slot.address();
    let attributes = [
        ("AWS_INSTANCE_IPV4", Some(address.to_string())),
        (
            "AWS_INSTANCE_PORT",
            slot.registered_port(registry).map(|port| port.to_string()),
        ),
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
            Membership::Mesh(node) => ingress_by_port(slot, node.listeners.keys()),
            // Cloud Map clients call its applications; the Envoys of Service Connect are called only from within the
            // namespace.
            Membership::None | Membership::Namespace(_) | Membership::LoadBalancer(_) => {
                slot.apps().collect::<BTreeMap<_, _>>()
            }
        },
    }
}

#[cfg(test)]
mod tests;
