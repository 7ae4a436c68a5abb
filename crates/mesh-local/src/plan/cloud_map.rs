//! Reads Cloud Map namespaces and the services in which tasks register.

use std::collections::BTreeMap;

use mesh_infra::cfn::{ResourceType, ecs, servicediscovery as cloud_map};
use sidecar_contract::{Diagnostics, MeshSuffixes};

use super::parts::{CloudMapService, RegistryPlan};
use super::reader::Reader;
use super::report;
use super::values::known;
use crate::evaluate::Resource;

/// The namespaces and services of Cloud Map.
pub(super) struct CloudMap {
    /// By name, id and ARN.
    namespaces: BTreeMap<String, Namespace>,
    /// By ARN; `None` for an unreadable one, which was reported.
    services: BTreeMap<String, Option<CloudMapService>>,
}

#[derive(Clone)]
struct Namespace {
    name: String,
    has_dns: bool,
}

/// Reads all namespaces and services.
pub(super) fn read(reader: &mut Reader<'_, '_>) -> CloudMap {
    let mut found = CloudMap {
        namespaces: BTreeMap::new(),
        services: BTreeMap::new(),
    };
    let mut paths = BTreeMap::new();
    for resource in reader.all_of(cloud_map::HttpNamespace::KIND) {
        if let Some(namespace) = reader.read::<cloud_map::HttpNamespace>(resource) {
            found.add_namespace(resource, known(&namespace.name), false, &mut paths, reader);
        }
    }
    for resource in reader.all_of(cloud_map::PrivateDnsNamespace::KIND) {
        if let Some(namespace) = reader.read::<cloud_map::PrivateDnsNamespace>(resource) {
            found.add_namespace(resource, known(&namespace.name), true, &mut paths, reader);
        }
    }
    let mut paths = BTreeMap::new();
    for resource in reader.all_of(cloud_map::Service::KIND) {
        let service = reader
            .read::<cloud_map::Service>(resource)
            .and_then(|service| found.service(&service, resource, reader));
        if let Some(CloudMapService { namespace, service, .. }) = &service {
            let name = (namespace.clone(), service.clone());
            if let Some(first) = paths.insert(name, resource.path()) {
                let message = format!("`{service}` is already the name of {first} in this namespace");
                report(
                    reader.diagnostics,
                    format!("{}.Properties.Name", resource.path()),
                    message,
                );
            }
        }
        found.services.insert(reader.attribute(resource, "Arn"), service);
    }
    found
}

impl CloudMap {
    /// The name of the namespace with this name, id or ARN.
    pub(super) fn namespace(&self, given: &str) -> Option<&str> {
        self.namespaces.get(given).map(|namespace| namespace.name.as_str())
    }

    /// The names of all namespaces, for error messages.
    pub(super) fn names(&self) -> String {
        let mut names: Vec<&str> = self.namespaces.values().map(|space| space.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        listed(&names)
    }

    /// The suffixes that match these names: their DNS namespaces, and the names themselves where they have none.
    pub(super) fn suffixes<'n>(&self, names: impl Iterator<Item = &'n str>) -> MeshSuffixes {
        let suffixes = names.map(|name| {
            let namespaces = self.namespaces.values().filter(|namespace| namespace.has_dns);
            let around = namespaces.filter(|namespace| MeshSuffixes::new([&namespace.name]).contains(name));
            // The longest of nested namespaces.
            around
                .map(|namespace| namespace.name.as_str())
                .max_by_key(|name| name.len())
                .unwrap_or(name)
        });
        MeshSuffixes::new(suffixes)
    }

    /// The service registry of an ECS service, if any. `first_port` is its first container port.
    pub(super) fn registry(
        &self,
        service: &ecs::Service,
        first_port: Option<u16>,
        path: &str,
        diagnostics: &mut Diagnostics,
    ) -> Option<RegistryPlan> {
        let path = format!("{path}.ServiceRegistries");
        let registries = &service.service_registries;
        if registries.len() > 1 {
            let arns = registries.iter().filter_map(|registry| registry.registry_arn.as_ref());
            let arns: Vec<String> = arns.map(ToString::to_string).collect();
            diagnostics.add(
                path.as_str(),
                format!("has {} entries: {}; ECS allows one", registries.len(), arns.join(", ")),
            );
        }
        let registry = registries.first()?;
        let path = format!("{path}[0].RegistryArn");
        let Some(arn) = &registry.registry_arn else {
            report(diagnostics, path, "is missing");
            return None;
        };
        let arn = known(arn)?;
        let Some(found) = self.services.get(&arn) else {
            let hostnames = self.services.values().flatten();
            let hostnames = hostnames.map(|known| format!("{} in {}", known.service, known.namespace));
            let hostnames: Vec<String> = hostnames.collect();
            let has = listed(&hostnames.iter().map(String::as_str).collect::<Vec<_>>());
            diagnostics.add(
                path,
                format!("`{arn}` is not a Cloud Map service of this template; known: {has}"),
            );
            return None;
        };
        let port = registry.container_port.as_ref().or(registry.port.as_ref());
        let port = port.and_then(|port| u16::try_from(*port.known()?).ok());
        Some(RegistryPlan {
            service: found.clone()?,
            port: port.or(first_port),
        })
    }

    /// All readable services.
    pub(super) fn into_services(self) -> Vec<CloudMapService> {
        self.services.into_values().flatten().collect()
    }

    fn add_namespace(
        &mut self,
        resource: Resource<'_>,
        name: Option<String>,
        has_dns: bool,
        paths: &mut BTreeMap<String, String>,
        reader: &mut Reader<'_, '_>,
    ) {
        if let Some(name) = &name
            && let Some(first) = paths.insert(name.clone(), resource.path())
        {
            let message = format!("`{name}` is already the name of {first}");
            report(
                reader.diagnostics,
                format!("{}.Properties.Name", resource.path()),
                message,
            );
        }
        let namespace = Namespace {
            name: name.unwrap_or_else(|| format!("unknown-{}", resource.id)),
            has_dns,
        };
        let keys = [
            namespace.name.clone(),
            reader.physical_id(resource),
            reader.attribute(resource, "Arn"),
        ];
        self.namespaces
            .extend(keys.into_iter().map(|key| (key, namespace.clone())));
    }

    fn service(
        &self,
        service: &cloud_map::Service,
        resource: Resource<'_>,
        reader: &mut Reader<'_, '_>,
    ) -> Option<CloudMapService> {
        let path = format!("{}.Properties", resource.path());
        let in_dns_config = || service.dns_config.as_ref()?.namespace_id.as_ref();
        let Some(id) = service.namespace_id.as_ref().or_else(in_dns_config) else {
            report(reader.diagnostics, format!("{path}.NamespaceId"), "is missing");
            return None;
        };
        let id = known(id)?;
        let Some(namespace) = self.namespaces.get(&id) else {
            let property = match &service.namespace_id {
                Some(_) => "NamespaceId",
                None => "DnsConfig.NamespaceId",
            };
            let message = format!("`{id}` is not a namespace of this template; known: {}", self.names());
            report(reader.diagnostics, format!("{path}.{property}"), message);
            return None;
        };
        let is_http = service.kind.as_ref().and_then(known).is_some_and(|kind| kind == "HTTP");
        Some(CloudMapService {
            namespace: namespace.name.clone(),
            service: reader.attribute(resource, "Name"),
            has_dns: namespace.has_dns && service.dns_config.is_some() && !is_http,
        })
    }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
