//! Resolves Service Connect namespaces from the services' configurations.

use std::collections::BTreeMap;

use mesh_infra::cfn::is_part_of;
use mesh_model::namespace::{EcsService, Namespace, PortMapping};
use sidecar_contract::{Diagnostic, Diagnostics};

use super::{DescribedService, report};

/// The namespaces of all services. Errors are reported.
pub(super) fn resolve(services: &[DescribedService], diagnostics: &mut Diagnostics) -> Vec<Namespace> {
    /// A service, the path to its configuration, and its ports.
    type ContainerDraft<'a> = (&'a DescribedService, String, Vec<PortMapping>);
    let mut members: BTreeMap<&str, Vec<ContainerDraft<'_>>> = BTreeMap::new();
    for service in services {
        if let Some(namespace) = service.plan.membership.namespace() {
            let path = format!("{}.ServiceConnectConfiguration", service.path);
            let ports = service.plan.containers.iter().flat_map(|container| &container.ports);
            let ports = ports.map(|port| port.mapping.clone()).collect();
            members.entry(namespace).or_default().push((service, path, ports));
        }
    }
    let mut namespaces = Vec::new();
    for (name, members) in members {
        let members: Vec<EcsService<'_>> = members
            .iter()
            .filter_map(|(service, path, ports)| {
                Some(EcsService {
                    service: &service.plan.name,
                    path,
                    configuration: service.configuration.as_ref()?,
                    ports,
                })
            })
            .collect();
        match Namespace::resolve(name, &members) {
            Ok(namespace) => namespaces.push(namespace),
            Err(found) => {
                for diagnostic in found.iter().filter(|diagnostic| !is_consequence(diagnostic, services)) {
                    report(diagnostics, diagnostic.path.as_str(), diagnostic.message.as_str());
                }
            }
        }
    }
    namespaces
}

/// Whether an unknown port name may be that of an unreadable port mapping.
fn is_consequence(diagnostic: &Diagnostic, services: &[DescribedService]) -> bool {
    let unread = services.iter().filter(|service| !service.are_ports_known);
    diagnostic.path.ends_with(".PortName")
        && unread
            .into_iter()
            .any(|service| is_part_of(&diagnostic.path, &service.path))
}
