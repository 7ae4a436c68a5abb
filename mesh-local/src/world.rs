//! From a plan to what the control plane is told: what is true before any task runs, and what becomes true with each.

use std::collections::BTreeMap;

use mesh_control::{NodeInstance, ServiceIdentity, World};
use mesh_model::namespace::{Endpoint, Namespace};

use crate::cloud_map::Registration;
use crate::evaluate::REGION;
use crate::plan::{Membership, Plan, RegistryPlan, ServicePlan};
use crate::slot::Slot;

/// What is true of the plan before any task runs.
pub(crate) fn world(plan: &Plan) -> World {
    let members = plan.services.iter().filter_map(|service| {
        let identity = ServiceIdentity {
            cluster: service.cluster.clone(),
            service: service.name.clone(),
        };
        Some((identity, service.membership.namespace()?.to_owned()))
    });
    // Every name is known from the beginning, so that no Envoy ever asks DNS for one: it would ask the machine's.
    let services = plan.cloud_map.iter();
    World {
        namespaces: plan
            .namespaces
            .iter()
            .map(|namespace| (namespace.name.clone(), namespace.clone()))
            .collect(),
        members: members.collect(),
        meshes: plan.meshes.clone(),
        registered: services
            .clone()
            .map(|service| ((service.namespace.clone(), service.service.clone()), Vec::new()))
            .collect(),
        hosts: services
            .filter_map(|service| Some((service.hostname()?, Vec::new())))
            .collect(),
        ..World::default()
    }
}

/// Adds what a new plan has and the old one does not: names, members, and resources of meshes. What both have stays as it
/// is, routes first of all.
pub(crate) fn widen(world: &mut World, plan: &Plan) {
    let new = self::world(plan);
    for (name, namespace) in new.namespaces {
        let endpoints = &mut world
            .namespaces
            .entry(name)
            .or_insert_with(|| Namespace {
                endpoints: Vec::new(),
                ..namespace.clone()
            })
            .endpoints;
        let is_new = |endpoint: &Endpoint| {
            let same = |known: &Endpoint| (&known.dns_name, known.port) == (&endpoint.dns_name, endpoint.port);
            !endpoints.iter().any(same)
        };
        let added: Vec<Endpoint> = namespace.endpoints.into_iter().filter(is_new).collect();
        endpoints.extend(added);
    }
    for (name, mesh) in new.meshes {
        match world.meshes.get_mut(&name) {
            None => {
                world.meshes.insert(name, mesh);
            }
            Some(known) => {
                add_new(&mut known.virtual_nodes, mesh.virtual_nodes);
                add_new(&mut known.virtual_routers, mesh.virtual_routers);
                add_new(&mut known.virtual_services, mesh.virtual_services);
                add_new(&mut known.virtual_gateways, mesh.virtual_gateways);
            }
        }
    }
    add_new(&mut world.members, new.members);
    add_new(&mut world.registered, new.registered);
    add_new(&mut world.hosts, new.hosts);
}

/// Makes everything what a plan says, and leaves it the tasks that are registered.
pub(crate) fn narrow(world: &mut World, plan: &Plan) {
    let new = self::world(plan);
    keep_only(&mut world.registered, new.registered);
    keep_only(&mut world.hosts, new.hosts);
    world.namespaces = new.namespaces;
    world.members = new.members;
    world.meshes = new.meshes;
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
            .offered_by(&plan.name)
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
fn node_instance(slot: &Slot, plan: &ServicePlan, registry: &RegistryPlan) -> NodeInstance {
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
    NodeInstance {
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
