//! Cloud Map: namespaces, and the services that register in them.

use cfn::{ResourceType, Value, servicediscovery};

use super::TemplateModel;
use super::input::{InputResource, is_namespace};
use super::typed_resources::TypedResource;

/// A private DNS namespace and the names that register in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DnsNamespace<'m> {
    /// The domain, such as `appmesh`.
    pub domain: &'m str,
    /// The names of its Cloud Map services, such as `blue`.
    pub names: Vec<&'m str>,
}

/// A Cloud Map namespace of any kind.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct NamespaceView<'m> {
    /// The namespace.
    pub resource: &'m InputResource<'m>,
    /// Its name; for a private or public DNS namespace, the domain.
    pub name: Option<&'m str>,
    /// Whether it is a private DNS namespace.
    pub has_private_dns: bool,
}

impl<'t> TemplateModel<'t> {
    /// The Cloud Map namespaces of all kinds.
    pub fn namespaces(&self) -> impl Iterator<Item = NamespaceView<'_>> {
        let resources = self.resources.iter().enumerate();
        let namespaces = resources.filter(|(_, resource)| is_namespace(resource));
        namespaces.map(|(position, _)| self.namespace_at(position))
    }

    /// The namespace that a value refers to, if it is in the input.
    #[must_use]
    pub fn namespace(&self, value: &Value<String>) -> Option<NamespaceView<'_>> {
        let position = self.position(value, is_namespace)?;
        Some(self.namespace_at(position))
    }

    /// The Cloud Map services with readable properties.
    pub fn discovery_services(&self) -> impl Iterator<Item = TypedResource<'_, servicediscovery::Service>> {
        self.typed(&self.typed.discovery_services)
    }

    /// The properties of a Cloud Map service, if they are readable.
    #[must_use]
    pub fn discovery_service(&self, resource: &InputResource<'_>) -> Option<&servicediscovery::Service> {
        let mut services = self.discovery_services();
        let found = services.find(|service| service.resource.path == resource.path)?;
        Some(found.value)
    }

    /// The private DNS namespaces and the names that register in them. `None` if the input does not contain all of
    /// them.
    #[must_use]
    pub fn dns_namespaces(&self) -> Option<Vec<DnsNamespace<'_>>> {
        // Records can be added to a namespace's hosted zone without Cloud Map.
        let mut all = self.resources.iter();
        if all.any(|resource| resource.kind().starts_with("AWS::Route53::Record")) {
            return None;
        }
        if !self.typed.are_discovery_services_complete {
            return None;
        }
        let mut registered: Vec<(usize, &str)> = Vec::new();
        for service in self.discovery_services() {
            let namespace = namespace_id(service.value)?;
            let name = service.value.name.as_ref()?.known()?;
            let position = self.position(namespace, is_namespace);
            match namespace {
                Value::Ref(_) | Value::GetAtt { .. } => {}
                Value::Known(_) if position.is_some() => {}
                // It may be any namespace.
                Value::Known(_) | Value::Sub(_) | Value::Function { .. } => return None,
            }
            registered.extend(position.map(|position| (position, name.as_str())));
        }
        let namespaces = self.typed.private_dns_namespaces.iter();
        let namespaces = namespaces.filter_map(|(position, namespace)| {
            let names = registered.iter().filter(|(namespace, _)| namespace == position);
            Some(DnsNamespace {
                domain: namespace.name.known()?,
                names: names.map(|(_, name)| *name).collect(),
            })
        });
        Some(namespaces.collect())
    }

    fn namespace_at(&self, position: usize) -> NamespaceView<'_> {
        let resource = &self.resources[position];
        NamespaceView {
            resource,
            name: self.namespace_name(position),
            has_private_dns: resource.kind() == servicediscovery::PrivateDnsNamespace::KIND,
        }
    }

    fn namespace_name(&self, position: usize) -> Option<&str> {
        self.typed.namespace_names.get(&position)?.known().map(String::as_str)
    }
}

/// The value of a Cloud Map service that refers to its namespace.
#[must_use]
pub fn namespace_id(service: &servicediscovery::Service) -> Option<&Value<String>> {
    let in_dns_config = || service.dns_config.as_ref()?.namespace_id.as_ref();
    service.namespace_id.as_ref().or_else(in_dns_config)
}
