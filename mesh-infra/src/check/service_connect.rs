//! Service Connect namespaces: whether the services of each fit together.

use cfn::{ResourceType, Value, ecs, servicediscovery};
use indexmap::IndexMap;
use mesh_model::namespace::{EcsService, Namespace, PortMapping};
use mesh_model::service_connect::{AppProtocol, ServiceConnectConfiguration};
use sidecar_contract::Diagnostics;

use crate::model::{Identity, ServiceView, TemplateModel};

/// A service with a known configuration and known ports.
struct ResolvedService {
    logical_id: String,
    path: String,
    configuration: ServiceConnectConfiguration,
    ports: Vec<PortMapping>,
}

/// A namespace and a condition; services with both in common certainly exist in one namespace.
type GroupKey = (Identity, Option<String>);

pub(super) fn check(model: &TemplateModel<'_>, diagnostics: &mut Diagnostics) {
    let mut groups: IndexMap<GroupKey, Vec<ResolvedService>> = IndexMap::new();
    for service in model.services() {
        let Some(configuration) = service.service_connect() else {
            continue;
        };
        let path = format!("{}.ServiceConnectConfiguration", service.resource.properties_path());
        check_namespace_reference(model, configuration, &path, diagnostics);
        let Some(namespace) = service.namespace_identity() else {
            diagnostics.add(
                format!("{path}.Namespace"),
                "is missing, and the cluster has no ServiceConnectDefaults",
            );
            continue;
        };
        if let Some(resolved) = resolve_service(&service, configuration, path, diagnostics) {
            let condition = service.resource.declared.condition.clone();
            groups.entry((namespace, condition)).or_default().push(resolved);
        }
    }
    for ((namespace, _), services) in &groups {
        check_namespace(namespace, services, diagnostics);
    }
}

/// `Ref` of a namespace is its id, which Service Connect does not accept.
fn check_namespace_reference(
    model: &TemplateModel<'_>,
    configuration: &ecs::ServiceConnectConfiguration,
    path: &str,
    diagnostics: &mut Diagnostics,
) {
    let Some(namespace @ Value::Ref(_)) = configuration.namespace() else {
        return;
    };
    if let Some(resource) = model.referenced(&namespace)
        && resource.kind() == servicediscovery::HttpNamespace::KIND
    {
        let id = resource.logical_id;
        diagnostics.add(
            format!("{path}.Namespace"),
            format!("is the id of `{id}`; Service Connect needs a name or an ARN, such as Fn::GetAtt {id}.Arn"),
        );
    }
}

/// The service for the model. `None` if part of it is unresolved or not in the template.
fn resolve_service(
    service: &ServiceView<'_>,
    configuration: &ecs::ServiceConnectConfiguration,
    path: String,
    diagnostics: &mut Diagnostics,
) -> Option<ResolvedService> {
    let configuration = match configuration.to_model() {
        Ok(configuration) => configuration,
        Err(error) if error.is_unresolved() => return None,
        Err(error) => {
            diagnostics.extend([error.into_diagnostic(&path)]);
            return None;
        }
    };
    let containers = &service.task_definition?.value.container_definitions;
    let mappings = containers.iter().flat_map(|container| &container.port_mappings);
    Some(ResolvedService {
        logical_id: service.logical_id().to_owned(),
        path,
        configuration,
        ports: mappings.map(port_mapping).collect::<Option<_>>()?,
    })
}

fn port_mapping(mapping: &ecs::PortMapping) -> Option<PortMapping> {
    let name = match &mapping.name {
        None => None,
        Some(Value::Known(name)) => Some(name.clone()),
        Some(_) => return None,
    };
    let protocol = match &mapping.app_protocol {
        None => AppProtocol::Tcp,
        // The check of the task definition reports an unknown protocol.
        Some(Value::Known(protocol)) => AppProtocol::from_app_protocol(protocol).unwrap_or_default(),
        Some(_) => return None,
    };
    Some(PortMapping {
        name,
        container_port: u16::try_from(*mapping.container_port.as_ref()?.known()?).ok()?,
        protocol,
    })
}

fn check_namespace(namespace: &Identity, services: &[ResolvedService], diagnostics: &mut Diagnostics) {
    let members: Vec<_> = services
        .iter()
        .map(|service| EcsService {
            service: &service.logical_id,
            path: &service.path,
            configuration: &service.configuration,
            ports: &service.ports,
        })
        .collect();
    // Names with the namespace's name in them are checked for their characters; an ARN or `${…}` has others.
    let is_name = namespace.is_named && !namespace.label.starts_with("arn:");
    let name = if is_name { &namespace.label } else { "namespace" };
    if let Err(errors) = Namespace::resolve(name, &members) {
        diagnostics.extend(errors);
    }
}
