//! The Envoys of tasks: whether the virtual node or gateway that each belongs to is there, and where its tasks are
//! looked for.

use cfn::{ResourceType, Template, Value, closest, servicediscovery};
use mesh_model::app_mesh::virtual_node::ServiceDiscovery;
use mesh_model::app_mesh::{Kind, ResourcePath, Spec, Spelling, VirtualNodeSpec};
use sidecar_contract::Diagnostics;

use super::app_mesh::known_paths;
use crate::env::APPMESH_RESOURCE_ARN;
use crate::mesh_resource::MeshResource;

pub(super) fn check(template: &Template, resources: &[MeshResource<'_>], diagnostics: &mut Diagnostics) {
    check_places(template, resources, diagnostics);
    check_hostnames(template, resources, diagnostics);
}

/// An Envoy that belongs to nothing is told nothing, and its task waits for it in vain.
fn check_places(template: &Template, resources: &[MeshResource<'_>], diagnostics: &mut Diagnostics) {
    let (paths, meshes) = known_paths(resources);
    let tasks = template.resources_of::<cfn::ecs::TaskDefinition>();
    for (id, task) in tasks.filter_map(|(id, task)| Some((id, task.ok()?))) {
        for (number, container) in task.container_definitions.iter().enumerate() {
            for (index, variable) in container.environment.iter().enumerate() {
                let Value::Known(text) = &variable.value else { continue };
                if variable.name != Value::from(APPMESH_RESOURCE_ARN) {
                    continue;
                }
                let place =
                    format!("Resources.{id}.Properties.ContainerDefinitions[{number}].Environment[{index}].Value");
                let Some(path) = ResourcePath::parse(text) else {
                    let message = "allowed are a path such as mesh/MESH/virtualNode/NAME, and an ARN that ends in one";
                    diagnostics.add(place, format!("is `{text}`; {message}"));
                    continue;
                };
                if meshes.contains(path.mesh.as_str()) && !paths.contains(&path) {
                    diagnostics.add(place, format!("belongs to {}, which does not exist", path.in_words()));
                } else if !matches!(path.kind, Kind::VirtualNode | Kind::VirtualGateway) {
                    let message = format!(
                        "belongs to {}; an Envoy is of a virtual node or a gateway",
                        path.in_words()
                    );
                    diagnostics.add(place, message);
                }
            }
        }
    }
}

/// A private DNS namespace of the template, and the names registered in it.
struct Registered {
    domain: String,
    names: Vec<String>,
}

fn check_hostnames(template: &Template, resources: &[MeshResource<'_>], diagnostics: &mut Diagnostics) {
    let Some(namespaces) = registered(template) else { return };
    for resource in resources {
        let (Some(Kind::VirtualNode), Some(document)) = (resource.kind, resource.known()) else {
            continue;
        };
        let Ok(spec) = VirtualNodeSpec::read(document, resource.spelling, "") else {
            continue;
        };
        let Some(ServiceDiscovery::Dns(dns)) = spec.service_discovery else {
            continue;
        };
        let within = namespaces.iter().filter_map(|namespace| {
            let name = dns
                .hostname
                .strip_suffix(namespace.domain.as_str())?
                .strip_suffix('.')?;
            Some((namespace, name))
        });
        // Of a domain and a domain within it, the latter answers.
        let Some((namespace, name)) = within.max_by_key(|(namespace, _)| namespace.domain.len()) else {
            continue;
        };
        if namespace.names.iter().any(|registered| registered == name) {
            continue;
        }
        let field = match resource.spelling {
            Spelling::Api => "serviceDiscovery.dns.hostname",
            Spelling::CloudFormation => "ServiceDiscovery.DNS.Hostname",
        };
        let meant = closest(name, namespace.names.iter().map(String::as_str));
        let question = meant.map_or(String::new(), |meant| {
            format!("; did you mean {meant}.{}?", namespace.domain)
        });
        diagnostics.add(
            format!("{}.{field}", resource.place()),
            format!(
                "is `{}`, but no service registers as `{name}` in the namespace `{}`{question}",
                dns.hostname, namespace.domain
            ),
        );
    }
}

/// The private DNS namespaces and all that registers in them. `None` if there may be more than the template tells.
fn registered(template: &Template) -> Option<Vec<Registered>> {
    // Records can be put into a namespace's zone without Cloud Map.
    if template
        .resources
        .values()
        .any(|other| other.kind.starts_with("AWS::Route53::Record"))
    {
        return None;
    }
    let mut names: Vec<(String, String)> = Vec::new();
    for (_, service) in template.resources_of::<servicediscovery::Service>() {
        let service = service.ok()?;
        let in_dns_config = || service.dns_config.as_ref()?.namespace_id.as_ref();
        let (Value::Ref(namespace)
        | Value::GetAtt {
            logical_id: namespace, ..
        }) = service.namespace_id.as_ref().or_else(in_dns_config)?
        else {
            return None;
        };
        names.push((namespace.clone(), service.name?.known()?.clone()));
    }
    let namespaces = template.resources.iter();
    let namespaces = namespaces.filter(|(_, resource)| resource.kind == servicediscovery::PrivateDnsNamespace::KIND);
    let namespaces = namespaces.filter_map(|(id, resource)| {
        let namespace: servicediscovery::PrivateDnsNamespace = resource.read().ok()?;
        Some(Registered {
            domain: namespace.name.known()?.clone(),
            names: names
                .iter()
                .filter(|(of, _)| of == id)
                .map(|(_, name)| name.clone())
                .collect(),
        })
    });
    Some(namespaces.collect())
}
