//! The Envoys of tasks: whether their virtual node or gateway exists, and whether its DNS name is registered.

use cfn::{Value, closest};
use mesh_model::app_mesh::virtual_node::ServiceDiscovery;
use mesh_model::app_mesh::{KeyCasing, Kind, ResourcePath, ResourceSpec};
use sidecar_contract::Diagnostics;

use crate::model::{TemplateModel, envoy_resource_arns};

pub(super) fn check(model: &TemplateModel<'_>, diagnostics: &mut Diagnostics) {
    check_resource_arns(model, diagnostics);
    check_hostnames(model, diagnostics);
}

/// An Envoy of a missing resource gets no configuration, and its task never becomes healthy.
fn check_resource_arns(model: &TemplateModel<'_>, diagnostics: &mut Diagnostics) {
    for task in model.task_definitions() {
        let properties = task.resource.properties_path();
        for arn in envoy_resource_arns(task.value) {
            let Value::Known(text) = arn.value else { continue };
            let path = format!(
                "{properties}.ContainerDefinitions[{}].Environment[{}].Value",
                arn.container, arn.variable
            );
            let Some(resource) = ResourcePath::parse(text) else {
                let message = "allowed are a path such as mesh/MESH/virtualNode/NAME, and an ARN that ends in one";
                diagnostics.add(path, format!("is `{text}`; {message}"));
                continue;
            };
            if model.lacks(&resource) {
                let message = format!("refers to {}, which does not exist", resource.description());
                diagnostics.add(path, message);
            } else if !matches!(resource.kind, Kind::VirtualNode | Kind::VirtualGateway) {
                let message = format!(
                    "refers to {}; an Envoy belongs to a virtual node or a virtual gateway",
                    resource.description()
                );
                diagnostics.add(path, message);
            }
        }
    }
}

/// A virtual node whose DNS name no service registers has no endpoints.
fn check_hostnames(model: &TemplateModel<'_>, diagnostics: &mut Diagnostics) {
    let Some(namespaces) = model.dns_namespaces() else {
        return;
    };
    for resource in model.mesh_resources() {
        let Some(ResourceSpec::VirtualNode(node)) = resource.known_spec() else {
            continue;
        };
        let Some(ServiceDiscovery::Dns(dns)) = &node.service_discovery else {
            continue;
        };
        let containing = namespaces.iter().filter_map(|namespace| {
            let name = dns.hostname.strip_suffix(namespace.domain)?.strip_suffix('.')?;
            Some((namespace, name))
        });
        // The resolver uses the most specific domain.
        let Some((namespace, name)) = containing.max_by_key(|(namespace, _)| namespace.domain.len()) else {
            continue;
        };
        if namespace.names.contains(&name) {
            continue;
        }
        let field = match resource.spelling {
            KeyCasing::Camel => "serviceDiscovery.dns.hostname",
            KeyCasing::Pascal => "ServiceDiscovery.DNS.Hostname",
        };
        let similar = closest(name, namespace.names.iter().copied());
        let suggestion = similar.map_or(String::new(), |similar| {
            format!("; did you mean {similar}.{}?", namespace.domain)
        });
        diagnostics.add(
            format!("{}.{field}", resource.document_path()),
            format!(
                "is `{}`, but no service registers as `{name}` in the namespace `{}`{suggestion}",
                dns.hostname, namespace.domain
            ),
        );
    }
}
