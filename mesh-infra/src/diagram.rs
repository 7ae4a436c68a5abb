//! Diagrams of templates in Mermaid, which GitHub, GitLab and most editors render.
//!
//! A diagram shows the mesh: load balancers, clusters with their services, namespaces, and the names by which services are
//! called; of App Mesh resources gateways, virtual services, routers and nodes. Roles, logs and subnets are left out. An
//! unresolved value is drawn as `${LogicalId}`.

mod app_mesh;
mod load_balancers;
mod mermaid;

use cfn::{Template, Value, ecs};
use indexmap::IndexMap;

use crate::model::{Identity, ServiceView, TemplateModel};

use mermaid::{Arrow, Flowchart, Shape};

/// Draws a template as a Mermaid flowchart. Equal templates give equal text.
///
/// A service is drawn in its cluster with its number of tasks and its images. A thin arrow connects a namespace with each
/// service that offers a name in it, labelled with name and port; a thick one a service with a backend that is created
/// before it; a dotted one a service that is only a client with its namespace.
///
/// Arrows from the internet lead to load balancers that are not internal, and from load balancers by their rules to the
/// services whose tasks are targets.
///
/// The resources of a mesh are drawn in the mesh. Thin arrows follow a request: from a virtual gateway by its gateway
/// routes to virtual services, from these to their providers, from a virtual router by its routes to virtual nodes, each
/// with its weight. A dotted arrow connects a virtual node with a virtual service that it may call, a thick one a virtual
/// node or gateway with the ECS service that runs its tasks.
#[must_use]
pub fn diagram(template: &Template) -> String {
    let model = TemplateModel::new(template);
    let services: Vec<ServiceView<'_>> = model.services().collect();
    let mut chart = Flowchart::default();
    load_balancers::draw(&model, &services, &mut chart);
    draw_services(&services, &mut chart);
    for service in &services {
        draw_service_connect(service, &services, &mut chart);
    }
    let has_mesh = app_mesh::draw(&model, &services, &mut chart);
    if services.is_empty() && !has_mesh {
        chart.node("template", Shape::Box, &["no ECS services".to_owned()]);
    }
    chart.to_string()
}

fn draw_services(services: &[ServiceView<'_>], chart: &mut Flowchart) {
    let mut clusters: IndexMap<Identity, Vec<&ServiceView<'_>>> = IndexMap::new();
    for service in services {
        clusters.entry(service.cluster_identity()).or_default().push(service);
    }
    for (cluster, services) in clusters {
        let label = format!("ECS cluster {}", cluster.label);
        chart.begin_group(&format!("Cluster {}", cluster.key), &label);
        for service in services {
            chart.node(service.logical_id(), Shape::Box, &service_label(service));
        }
        chart.end_group();
    }
}

fn service_label(service: &ServiceView<'_>) -> Vec<String> {
    let tasks = match &service.service.desired_count {
        None | Some(Value::Known(1)) => "1 task".to_owned(),
        Some(count) => format!("{count} tasks"),
    };
    let containers = service.containers().iter();
    let images = containers.map(|container| format!("{}: {}", container.name, short_image(&container.image)));
    [service.logical_id().to_owned(), tasks]
        .into_iter()
        .chain(images)
        .collect()
}

/// An image without the long host name of an ECR registry.
fn short_image(image: &Value<String>) -> String {
    let image = image.to_string();
    let in_ecr = image
        .split_once('/')
        .filter(|(registry, _)| registry.contains(".dkr.ecr."));
    in_ecr.map_or(image.clone(), |(_, name)| name.to_owned())
}

fn draw_service_connect(service: &ServiceView<'_>, all: &[ServiceView<'_>], chart: &mut Flowchart) {
    if service.service_connect().is_none() {
        return;
    }
    let namespace = namespace_of(service);
    let node = format!("Namespace {}", namespace.key);
    let label = ["Cloud Map namespace".to_owned(), namespace.label.clone()];
    chart.node(&node, Shape::Hexagon, &label);
    let offered = offered_names(service, &namespace.label);
    for name in &offered {
        chart.edge(&node, Arrow::Thin, name, service.logical_id());
    }
    let depends_on = &service.resource.declared.depends_on;
    let backends: Vec<_> = all
        .iter()
        .filter(|other| depends_on.iter().any(|id| id == other.logical_id()))
        .filter(|other| other.service_connect().is_some() && namespace_of(other) == namespace)
        .collect();
    for backend in &backends {
        let names = offered_names(backend, &namespace.label).join(", ");
        chart.edge(service.logical_id(), Arrow::Thick, &names, backend.logical_id());
    }
    if offered.is_empty() && backends.is_empty() {
        chart.edge(service.logical_id(), Arrow::Dotted, "calls", &node);
    }
}

/// The namespace of a service. A diagram also shows a service without one, which the checks report.
fn namespace_of(service: &ServiceView<'_>) -> Identity {
    service.namespace_identity().unwrap_or_else(Identity::missing)
}

/// The names and ports by which a service is called, with the defaults of [`mesh_model::namespace`], but tolerant of
/// unresolved values.
fn offered_names(service: &ServiceView<'_>, namespace: &str) -> Vec<String> {
    let configuration = service.service_connect();
    let services = configuration
        .and_then(|configuration| configuration.0.get("Services"))
        .and_then(|services| services.as_array());
    let offered = services.into_iter().flatten().map(|offered| {
        let port_name = text(offered.get("PortName")).unwrap_or_default();
        let discovery_name = text(offered.get("DiscoveryName")).unwrap_or_else(|| port_name.clone());
        let alias = offered.get("ClientAliases").and_then(|aliases| aliases.get(0));
        let dns_name = text(alias.and_then(|alias| alias.get("DnsName")))
            .unwrap_or_else(|| format!("{discovery_name}.{namespace}"));
        let port = text(alias.and_then(|alias| alias.get("Port")))
            .or_else(|| container_port(service.containers(), &port_name));
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
    let is_named = |port: &&ecs::PortMapping| port.name.as_ref().is_some_and(|name| name.to_string() == port_name);
    let mut mappings = containers.iter().flat_map(|container| &container.port_mappings);
    Some(mappings.find(is_named)?.container_port.as_ref()?.to_string())
}
