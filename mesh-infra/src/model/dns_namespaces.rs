//! Private DNS namespaces of Cloud Map, and the names that services register in them.

use cfn::{Template, Value, servicediscovery};

use super::typed_resources::TypedResources;

/// A private DNS namespace and the names that register in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsNamespace<'m> {
    /// The domain, such as `appmesh`.
    pub domain: &'m str,
    /// The names of its Cloud Map services, such as `blue`.
    pub names: Vec<&'m str>,
}

/// All private DNS namespaces. `None` if there may be more names than those of the template.
pub(super) fn read<'m>(template: &Template, resources: &'m TypedResources<'_>) -> Option<Vec<DnsNamespace<'m>>> {
    // Records can be added to a namespace's hosted zone without Cloud Map.
    let mut all = template.resources.values();
    if all.any(|resource| resource.kind.starts_with("AWS::Route53::Record")) {
        return None;
    }
    let mut registered: Vec<(&str, &str)> = Vec::new();
    for service in resources.discovery_services.as_ref()?.values() {
        registered.push((namespace_id(service)?, service.name.as_ref()?.known()?));
    }
    let namespaces = resources.private_dns_namespaces.iter();
    let namespaces = namespaces.filter_map(|(id, namespace)| {
        let names = registered.iter().filter(|(namespace, _)| namespace == id);
        Some(DnsNamespace {
            domain: namespace.name.known()?,
            names: names.map(|(_, name)| *name).collect(),
        })
    });
    Some(namespaces.collect())
}

/// The logical id of the namespace that a Cloud Map service is in.
fn namespace_id(service: &servicediscovery::Service) -> Option<&str> {
    let in_dns_config = || service.dns_config.as_ref()?.namespace_id.as_ref();
    match service.namespace_id.as_ref().or_else(in_dns_config)? {
        Value::Ref(id) | Value::GetAtt { logical_id: id, .. } => Some(id),
        _ => None,
    }
}
