//! Control planes that the given stacks contain already.

use cfn::{ResourceType, Template, ecs, servicediscovery};
use mesh_infra::labels;
use serde_json::Value as Json;

use super::{MeshIds, Plane, add_outputs, first_group, referenced};
use crate::migrate::draft::Draft;
use crate::migrate::stacks::Stacks;

/// The control plane of a mesh, by its label and its option `--mesh`, with the outputs that other stacks take. `None` if
/// there is none, or its host is not known.
pub(super) fn find(draft: &mut Draft<'_>, mesh: &str, ids: &MeshIds) -> Option<Plane> {
    let stacks = draft.stacks;
    let (stack, service) = locate(stacks, mesh)?;
    let source = &stacks.sources()[stack];
    let host = host(stacks, stack, &service, ids)?;
    let group = source.template.outputs.get(&ids.group_output());
    let network = source.template.resources[&service]
        .properties
        .pointer("/NetworkConfiguration/AwsvpcConfiguration");
    let group = group
        .map(|output| output.value.clone())
        .or_else(|| first_group(network?));
    let Draft { templates, changes, .. } = draft;
    add_outputs(
        mesh,
        ids,
        &host,
        group.as_ref(),
        &source.name,
        &mut templates[stack],
        changes,
    );
    Some(Plane {
        home: Some(stack),
        stack: source.name.clone(),
        host,
        service,
        group,
        has_own_group: false,
    })
}

/// Whether the given stacks contain a control plane of the mesh.
pub(crate) fn has(stacks: &Stacks<'_>, mesh: &str) -> bool {
    locate(stacks, mesh).is_some()
}

/// The stack and the service of the control plane.
fn locate(stacks: &Stacks<'_>, mesh: &str) -> Option<(usize, String)> {
    stacks.sources().iter().enumerate().find_map(|(stack, source)| {
        let template = &source.template;
        let mut services = template
            .resources
            .iter()
            .filter(|(_, resource)| resource.kind == ecs::Service::KIND);
        let found = services.find(|(_, service)| {
            let task = service.properties.get("TaskDefinition").and_then(referenced);
            let task = task.and_then(|id| template.resources.get(id));
            let containers = task.and_then(|task| task.properties.get("ContainerDefinitions")?.as_array());
            containers
                .into_iter()
                .flatten()
                .any(|container| runs_plane(stacks, stack, container, mesh))
        });
        found.map(|(id, _)| (stack, id.clone()))
    })
}

fn runs_plane(stacks: &Stacks<'_>, stack: usize, container: &Json, mesh: &str) -> bool {
    let is_plane = container["DockerLabels"][labels::ROLE] == labels::ROLE_CONTROL_PLANE;
    let command = container["Command"].as_array().map_or(&[][..], Vec::as_slice);
    let text = |word: &Json| stacks.text(stack, word).unwrap_or_default();
    is_plane
        && command
            .windows(2)
            .any(|pair| text(&pair[0]) == "--mesh" && text(&pair[1]) == mesh)
}

/// The host: that of the output, else the name of its Cloud Map service in its namespace.
fn host(stacks: &Stacks<'_>, stack: usize, service: &str, ids: &MeshIds) -> Option<String> {
    let template: &Template = &stacks.sources()[stack].template;
    if let Some(output) = template.outputs.get(&ids.host_output()) {
        return stacks.text(stack, &output.value);
    }
    let registry = template.resources[service]
        .properties
        .pointer("/ServiceRegistries/0/RegistryArn")?;
    let registry = template.resources.get(referenced(registry)?)?;
    if registry.kind != servicediscovery::Service::KIND {
        return None;
    }
    let properties = &registry.properties;
    let namespace = properties
        .get("NamespaceId")
        .or_else(|| properties.pointer("/DnsConfig/NamespaceId"))?;
    let namespace = template.resources.get(referenced(namespace)?)?;
    let name = |properties: &Json| stacks.text(stack, properties.get("Name")?);
    Some(format!("{}.{}", name(properties)?, name(&namespace.properties)?))
}
