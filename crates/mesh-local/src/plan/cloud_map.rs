//! Reads Cloud Map namespaces and the services in which tasks register.

use std::collections::BTreeMap;

use mesh_infra::Value;
use mesh_infra::cfn::{ResourceType, closest, ecs, servicediscovery as cloud_map};
use mesh_infra::model::{InputResource, TemplateModel, namespace_id};
use sidecar_contract::{Diagnostics, MeshSuffixes};

use super::parts::{CloudMapService, DnsRecords, RegistryPlan};
use super::reader::Reader;
use super::report;
use super::service::name_in_arn;
use super::values::known;

/// The namespaces and services of Cloud Map.
pub(super) struct CloudMap<'p> {
    model: &'p TemplateModel<'p>,
    /// By path of the resource; `None` for an unreadable one, which was reported.
    services: BTreeMap<&'p str, Option<CloudMapService>>,
}

/// Reads all namespaces and services.
pub(super) fn read<'p>(reader: &mut Reader<'p, '_>) -> CloudMap<'p> {
    let model = reader.model;
    let mut found = CloudMap {
        model,
        services: BTreeMap::new(),
    };
    let mut paths = BTreeMap::new();
    for namespace in model.namespaces() {
        reader.report_resource(namespace.resource);
        if let Some(name) = namespace.name
            && let Some(first) = paths.insert(name, &namespace.resource.path)
        {
            let message = format!("`{name}` is already the name of {first}");
            report_name(namespace.resource, message, reader.diagnostics);
        }
    }
    let mut paths = BTreeMap::new();
    for resource in reader.all_of(cloud_map::Service::KIND) {
        reader.report_resource(resource);
        let service = model.discovery_service(resource);
        let service = service.and_then(|service| found.service(service, resource, reader));
        if let Some(CloudMapService { namespace, service, .. }) = &service {
            let name = (namespace.clone(), service.clone());
            if let Some(first) = paths.insert(name, &resource.path) {
                let message = format!("`{service}` is already the name of {first} in this namespace");
                report_name(resource, message, reader.diagnostics);
            }
        }
        found.services.insert(&resource.path, service);
    }
    found
}

/// The note about a namespace that no given template has.
pub(super) fn unknown_namespace(name: &str) -> String {
    format!("the namespace `{name}` is in none of the given templates, and is taken to exist")
}

fn is_http(service: &cloud_map::Service) -> bool {
    service.kind.as_ref().and_then(known).is_some_and(|kind| kind == "HTTP")
}

fn report_name(resource: &InputResource<'_>, message: String, diagnostics: &mut Diagnostics) {
    report(diagnostics, format!("{}.Name", resource.properties_path()), message);
}

impl CloudMap<'_> {
    /// The name of the namespace that this name, id or ARN refers to.
    pub(super) fn namespace(&self, given: &Value<String>) -> Option<&str> {
        self.model.namespace(given)?.resource.name.as_deref()
    }

    /// The name or id of a namespace that a text may mean instead.
    pub(super) fn similar_name(&self, text: &str) -> Option<&str> {
        let namespaces = self.model.namespaces();
        let names = namespaces.flat_map(|space| space.resource.name.as_deref().into_iter().chain(space.name));
        closest(text, names)
    }

    /// The suffixes that match these names: their DNS namespaces, and the names themselves where they have none.
    pub(super) fn suffixes<'n>(&self, names: impl Iterator<Item = &'n str>) -> MeshSuffixes {
        let suffixes = names.map(|name| {
            let namespaces = self.model.namespaces().filter(|namespace| namespace.has_private_dns);
            let domains = namespaces.filter_map(|namespace| namespace.resource.name.as_deref());
            let around = domains.filter(|domain| MeshSuffixes::new([domain]).contains(name));
            // The longest of nested namespaces.
            around.max_by_key(|domain| domain.len()).unwrap_or(name)
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
        let found = self.model.referenced_as(arn, cloud_map::Service::KIND);
        let arn = known(arn)?;
        let Some(found) = found.and_then(|found| self.services.get(found.path.as_str())) else {
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
            container: registry.container_name.as_ref().and_then(known),
        })
    }

    /// The service that this id or ARN refers to.
    pub(super) fn service_of(&self, given: &Value<String>) -> Option<&CloudMapService> {
        let found = self.model.referenced_as(given, cloud_map::Service::KIND)?;
        self.services.get(found.path.as_str())?.as_ref()
    }

    /// The host names of all services.
    pub(super) fn hostnames(&self) -> impl Iterator<Item = String> {
        self.services.values().flatten().filter_map(CloudMapService::hostname)
    }

    /// The private DNS namespaces.
    pub(super) fn zones(&self) -> impl Iterator<Item = &str> {
        let namespaces = self.model.namespaces().filter(|namespace| namespace.has_private_dns);
        namespaces.filter_map(|namespace| namespace.resource.name.as_deref())
    }

    /// All namespaces, of any kind.
    pub(super) fn all_namespaces(&self) -> impl Iterator<Item = &str> {
        let namespaces = self.model.namespaces();
        namespaces.filter_map(|namespace| namespace.resource.name.as_deref())
    }

    /// All readable services.
    pub(super) fn into_services(self) -> Vec<CloudMapService> {
        self.services.into_values().flatten().collect()
    }

    fn service(
        &self,
        service: &cloud_map::Service,
        resource: &InputResource<'_>,
        reader: &mut Reader<'_, '_>,
    ) -> Option<CloudMapService> {
        let path = resource.properties_path();
        let Some(id) = namespace_id(service) else {
            report(reader.diagnostics, format!("{path}.NamespaceId"), "is missing");
            return None;
        };
        let namespace = self.model.namespace(id);
        let id = known(id)?;
        let Some(namespace) = namespace else {
            let property = match &service.namespace_id {
                Some(_) => "NamespaceId",
                None => "DnsConfig.NamespaceId",
            };
            let path = format!("{path}.{property}");
            let name = name_in_arn(&id);
            if let Some(meant) = self.similar_name(name) {
                let message = format!("`{id}` is not a namespace of this template; did you mean `{meant}`?");
                report(reader.diagnostics, path, message);
                return None;
            }
            reader.assume(path, unknown_namespace(name));
            return Some(CloudMapService {
                namespace: name.to_owned(),
                service: resource.name.clone()?,
                dns: dns_records(service),
            });
        };
        Some(CloudMapService {
            namespace: namespace.resource.name.clone()?,
            service: resource.name.clone()?,
            dns: dns_records(service).filter(|_| namespace.has_private_dns),
        })
    }
}

/// The DNS records of a service, if it has any. One with an unknown type or time to live, which was reported, has none.
fn dns_records(service: &cloud_map::Service) -> Option<DnsRecords> {
    let config = service.dns_config.as_ref().filter(|_| !is_http(service))?;
    let policy = config.routing_policy.as_ref().and_then(known);
    let ttl_of = |kind: &str| {
        let mut records = config.dns_records.iter();
        let record = records.find(|record| record.kind.known().is_some_and(|known| known == kind))?;
        record.ttl.known().copied()
    };
    Some(DnsRecords {
        is_weighted: policy.as_deref() == Some("WEIGHTED"),
        a: ttl_of("A"),
        aaaa: ttl_of("AAAA"),
        srv: ttl_of("SRV"),
        cname: ttl_of("CNAME"),
    })
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
