//! Resolves Service Connect namespaces from the services' configurations.

use std::collections::BTreeMap;

use mesh_infra::cfn::is_part_of;
use mesh_model::namespace::{EcsService, Namespace, PortMapping};
use sidecar_contract::{Diagnostic, Diagnostics};

use super::reader::Reader;
use super::{DescribedService, report};

/// Gives services whose discovery name is the default, the name of their port, another one where a service of the
/// namespace has that name already. ECS would refuse the second of them in one namespace; here both run, with a note.
pub(super) fn separate_default_names(services: &mut [DescribedService], reader: &mut Reader<'_, '_>) {
    let mut owners: BTreeMap<(String, String), String> = BTreeMap::new();
    for has_default in [false, true] {
        for service in services.iter_mut() {
            let DescribedService {
                plan,
                path,
                configuration,
                ..
            } = service;
            let (Some(namespace), Some(configuration)) = (plan.membership.namespace(), configuration) else {
                continue;
            };
            let offered = configuration.services.iter_mut().enumerate();
            for (index, offered) in offered.filter(|(_, offered)| offered.discovery_name.is_none() == has_default) {
                let name = offered
                    .discovery_name
                    .clone()
                    .unwrap_or_else(|| offered.port_name.clone());
                let key = (namespace.to_owned(), name.clone());
                let Some(owner) = owners.get(&key).filter(|_| has_default) else {
                    owners.insert(key, plan.name.clone());
                    continue;
                };
                let own = format!("{name}-{}", plan.name.to_ascii_lowercase());
                let own: String = own.chars().take(64).collect();
                let note = format!(
                    "the discovery name `{name}`, by default that of the port, is that of service `{owner}` already, which \
                     ECS refuses; `{own}` stands in: set DiscoveryName"
                );
                reader.assume(
                    format!("{path}.ServiceConnectConfiguration.Services[{index}].DiscoveryName"),
                    note,
                );
                offered.discovery_name = Some(own);
            }
        }
    }
}

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
