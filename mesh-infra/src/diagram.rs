//! A template as a picture: Mermaid, which GitHub, GitLab and most editors draw.
//!
//! Drawn is what makes the mesh: clusters with their services, namespaces, and the names under which services
//! are called; of App Mesh's model gateways, virtual services, routers and nodes. What a template says of roles, logs and subnets is left out; a picture of everything shows
//! nothing. A value that is late is drawn as `${LogicalId}`.

mod app_mesh;
mod mermaid;

use cfn::{Template, Value, ecs};
use indexmap::IndexMap;

use crate::participant::{Participant, Shared, participants};

use mermaid::{Arrow, Flowchart, Shape};

/// The template as a Mermaid flowchart. Equal templates give equal text.
///
/// A service stands in its cluster with its number of tasks and its images. A thin arrow leads from a namespace
/// to each service that offers a name in it, labelled with name and port; a thick one from a service to a
/// backend that it is created after; a dotted one from a service that only calls to its namespace.
///
/// The resources of a mesh stand in the mesh. Thin arrows lead along the way of a request: from a virtual gateway by
/// its gateway routes to virtual services, from these to their providers, from a virtual router by its routes to
/// virtual nodes, each with its share. A dotted arrow leads from a virtual node to a virtual service that it may
/// call, a thick one from a virtual node or gateway to the ECS service whose tasks it consists of.
#[must_use]
pub fn diagram(template: &Template) -> String {
    let participants = participants(template);
    let mut chart = Flowchart::default();
    draw_services(&participants, &mut chart);
    for participant in &participants {
        draw_service_connect(participant, &participants, template, &mut chart);
    }
    let has_mesh = app_mesh::draw(template, &participants, &mut chart);
    if participants.is_empty() && !has_mesh {
        chart.node("template", Shape::Box, &["no ECS services".to_owned()]);
    }
    chart.to_string()
}

fn draw_services(participants: &[Participant<'_>], chart: &mut Flowchart) {
    let mut clusters: IndexMap<Shared, Vec<&Participant<'_>>> = IndexMap::new();
    for participant in participants {
        clusters.entry(participant.cluster()).or_default().push(participant);
    }
    for (cluster, members) in clusters {
        let label = format!("ECS cluster {}", cluster.label);
        chart.begin_group(&format!("Cluster {}", cluster.key), &label);
        for participant in members {
            chart.node(participant.logical_id, Shape::Box, &service_label(participant));
        }
        chart.end_group();
    }
}

fn service_label(participant: &Participant<'_>) -> Vec<String> {
    let tasks = match &participant.service.desired_count {
        None | Some(Value::Known(1)) => "1 task".to_owned(),
        Some(count) => format!("{count} tasks"),
    };
    let images = participant
        .containers()
        .iter()
        .map(|container| format!("{}: {}", container.name, image(&container.image)));
    [participant.logical_id.to_owned(), tasks]
        .into_iter()
        .chain(images)
        .collect()
}

/// An image in ECR without its registry, which is long and says nothing of what runs.
fn image(image: &Value<String>) -> String {
    let image = image.to_string();
    let in_ecr = image
        .split_once('/')
        .filter(|(registry, _)| registry.contains(".dkr.ecr."));
    in_ecr.map_or(image.clone(), |(_, name)| name.to_owned())
}

fn draw_service_connect(
    participant: &Participant<'_>,
    all: &[Participant<'_>],
    template: &Template,
    chart: &mut Flowchart,
) {
    if participant.service_connect().is_none() {
        return;
    }
    let namespace = namespace(participant, template);
    let node = format!("Namespace {}", namespace.key);
    let label = ["Cloud Map namespace".to_owned(), namespace.label.clone()];
    chart.node(&node, Shape::Hexagon, &label);
    let offered = offered_names(participant, &namespace.label);
    for name in &offered {
        chart.edge(&node, Arrow::Thin, name, participant.logical_id);
    }
    let depends_on = &template.resources[participant.logical_id].depends_on;
    let backends: Vec<_> = all
        .iter()
        .filter(|other| depends_on.iter().any(|id| id == other.logical_id))
        .filter(|other| other.service_connect().is_some() && self::namespace(other, template) == namespace)
        .collect();
    for backend in &backends {
        let names = offered_names(backend, &namespace.label).join(", ");
        chart.edge(participant.logical_id, Arrow::Thick, &names, backend.logical_id);
    }
    if offered.is_empty() && backends.is_empty() {
        chart.edge(participant.logical_id, Arrow::Dotted, "calls", &node);
    }
}

/// A service that takes part without any namespace is drawn all the same: a picture is no judgement.
fn namespace(participant: &Participant<'_>, template: &Template) -> Shared {
    participant.namespace(template).unwrap_or_else(Shared::missing)
}

/// The names and ports under which others call the service, by the defaults that
/// [`mesh_model::namespace`] applies, but tolerant of values that are late.
fn offered_names(participant: &Participant<'_>, namespace: &str) -> Vec<String> {
    let configuration = participant.service_connect();
    let services = configuration
        .and_then(|configuration| configuration.0.get("Services"))
        .and_then(|services| services.as_array());
    let offered = services.into_iter().flatten().map(|service| {
        let port_name = text(service.get("PortName")).unwrap_or_default();
        let discovery_name = text(service.get("DiscoveryName")).unwrap_or_else(|| port_name.clone());
        let alias = service.get("ClientAliases").and_then(|aliases| aliases.get(0));
        let dns_name = text(alias.and_then(|alias| alias.get("DnsName")))
            .unwrap_or_else(|| format!("{discovery_name}.{namespace}"));
        let port = text(alias.and_then(|alias| alias.get("Port")))
            .or_else(|| container_port(participant.containers(), &port_name));
        match port {
            Some(port) => format!("{dns_name}:{port}"),
            None => dns_name,
        }
    });
    offered.collect()
}

fn text(json: Option<&serde_json::Value>) -> Option<String> {
    Some(Value::<String>::from_json(json?).ok()?.to_string())
}

fn container_port(containers: &[ecs::ContainerDefinition], port_name: &str) -> Option<String> {
    let named = |port: &&ecs::PortMapping| port.name.as_ref().is_some_and(|name| name.to_string() == port_name);
    let mapping = containers
        .iter()
        .flat_map(|container| &container.port_mappings)
        .find(named)?;
    Some(mapping.container_port.as_ref()?.to_string())
}
