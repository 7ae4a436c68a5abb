//! From a plan to what the control plane is told: what is true before any task runs, and what becomes true with each.

use std::collections::BTreeMap;

use mesh_control::{NodeInstance, ServiceIdentity, World};
use mesh_model::namespace::Namespace;

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
