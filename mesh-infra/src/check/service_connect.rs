//! The namespaces of Service Connect: which services meet in each, and whether they agree.

use cfn::{ResourceType, Template, Value, ecs, servicediscovery};
use indexmap::IndexMap;
use mesh_model::namespace::{Member, Namespace, PortMapping};
use mesh_model::service_connect::{AppProtocol, ServiceConnectConfiguration};
use sidecar_contract::Diagnostics;

use crate::participant::{Participant, Shared, participants, referred};

/// A service whose configuration and ports are all known.
struct Judged {
    logical_id: String,
    path: String,
    configuration: ServiceConnectConfiguration,
    ports: Vec<PortMapping>,
}

/// Services that meet for certain: those of one namespace that exist under the same condition.
type Meeting = (Shared, Option<String>);

pub(super) fn check(template: &Template, diagnostics: &mut Diagnostics) {
    let mut meetings: IndexMap<Meeting, Vec<Judged>> = IndexMap::new();
    for participant in participants(template) {
        let Some(configuration) = participant.service_connect() else {
            continue;
        };
        let path = format!(
            "Resources.{}.Properties.ServiceConnectConfiguration",
            participant.logical_id
        );
        refuse_namespace_id(template, configuration, &path, diagnostics);
        let Some(namespace) = participant.namespace(template) else {
            diagnostics.add(
                format!("{path}.Namespace"),
                "is missing, and the cluster has no ServiceConnectDefaults either",
            );
            continue;
        };
        if let Some(judged) = judged(&participant, configuration, path, diagnostics) {
            let condition = template.resources[participant.logical_id].condition.clone();
            meetings.entry((namespace, condition)).or_default().push(judged);
        }
    }
    for ((namespace, _), members) in &meetings {
        resolve(namespace, members, diagnostics);
    }
}

/// `Ref` of a namespace is the obvious thing to write, and wrong: it is the id.
fn refuse_namespace_id(
    template: &Template,
    configuration: &ecs::ServiceConnectConfiguration,
    path: &str,
    diagnostics: &mut Diagnostics,
) {
    let Some(namespace @ Value::Ref(_)) = configuration.namespace() else {
        return;
    };
    if let Some((id, resource)) = referred(template, &namespace)
        && resource.kind == servicediscovery::HttpNamespace::KIND
    {
        diagnostics.add(
            format!("{path}.Namespace"),
            format!("is the id of `{id}`; Service Connect takes a name or an ARN, so write Fn::GetAtt {id}.Arn"),
        );
    }
}

/// The service as the model wants it, `None` when some of it is not known or not in the template.
fn judged(
    participant: &Participant<'_>,
    configuration: &ecs::ServiceConnectConfiguration,
    path: String,
    diagnostics: &mut Diagnostics,
) -> Option<Judged> {
    let configuration = match configuration.to_model() {
        Ok(configuration) => configuration,
        Err(late) if late.is_unresolved() => return None,
        Err(error) => {
            let diagnostic = error.into_diagnostic(&path);
            diagnostics.add(diagnostic.path, diagnostic.message);
            return None;
        }
    };
    participant.task_definition.as_ref()?;
    let ports = participant
        .containers()
        .iter()
        .flat_map(|container| &container.port_mappings)
        .map(port_mapping)
        .collect::<Option<_>>()?;
    Some(Judged {
        logical_id: participant.logical_id.to_owned(),
        path,
        configuration,
        ports,
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
        // An unknown word is told where the task definition is checked.
        Some(Value::Known(word)) => AppProtocol::from_app_protocol(word).unwrap_or_default(),
        Some(_) => return None,
    };
    Some(PortMapping {
        name,
        container_port: u16::try_from(*mapping.container_port.as_ref()?.known()?).ok()?,
        protocol,
    })
}

fn resolve(namespace: &Shared, members: &[Judged], diagnostics: &mut Diagnostics) {
    let members: Vec<_> = members
        .iter()
        .map(|member| Member {
            service: &member.logical_id,
            path: &member.path,
            configuration: &member.configuration,
            ports: &member.ports,
        })
        .collect();
    // Names that follow from the namespace's are judged by their letters, and an ARN or `${…}` has letters that
    // no name has.
    let is_name = namespace.is_named && !namespace.label.starts_with("arn:");
    let name = if is_name { &namespace.label } else { "namespace" };
    if let Err(found) = Namespace::resolve(name, &members) {
        diagnostics.extend(found);
    }
}
