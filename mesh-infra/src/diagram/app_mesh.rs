//! Meshes in a diagram: the path of a request from a gateway to a task.
//!
//! A resource whose spec is unresolved or invalid is drawn without arrows.

use indexmap::IndexMap;
use mesh_model::app_mesh::virtual_node::Backend;
use mesh_model::app_mesh::virtual_service::VirtualServiceProvider;
use mesh_model::app_mesh::{GatewayRouteSpec, Kind, ResourcePath, ResourceSpec, RouteSpec};
use mesh_model::app_mesh::{
    PortMapping,
    gateway_route::{HostnameMatch, HttpGatewayRoute},
    route::HttpRoute,
};

use super::mermaid::{Arrow, Flowchart, Shape};
use crate::model::{MeshResource, ServiceView, TemplateModel};

/// Draws the resources of each mesh in a group, and arrows along the path of a request. True if there are any.
pub(super) fn draw(model: &TemplateModel<'_>, services: &[ServiceView<'_>], chart: &mut Flowchart) -> bool {
    let mut meshes: IndexMap<&str, Vec<(&ResourcePath, &MeshResource<'_>)>> = IndexMap::new();
    for resource in model.mesh_resources() {
        if let Ok(path) = &resource.path {
            meshes.entry(&path.mesh).or_default().push((path, resource));
        }
    }
    for (mesh, resources) in &meshes {
        chart.begin_group(&format!("Mesh {mesh}"), &format!("mesh {mesh}"));
        // In the order of a request.
        for kind in [
            Kind::VirtualGateway,
            Kind::VirtualService,
            Kind::VirtualRouter,
            Kind::VirtualNode,
        ] {
            for (path, resource) in resources.iter().filter(|(path, _)| path.kind == kind) {
                chart.node(&key(path), shape(kind), &label(path, resource));
            }
        }
        chart.end_group();
    }
    for kind in [Kind::GatewayRoute, Kind::VirtualService, Kind::Route, Kind::VirtualNode] {
        for (path, resource) in meshes.values().flatten().filter(|(path, _)| path.kind == kind) {
            draw_arrows(path, resource, chart);
        }
    }
    for service in services {
        if let Some(path) = service.mesh_path() {
            ensure_node(&path, chart);
            chart.edge(&key(&path), Arrow::Thick, "tasks", service.logical_id());
        }
    }
    !meshes.is_empty()
}

/// The key of a resource's node. Mermaid's ids begin with a capital.
fn key(path: &ResourcePath) -> String {
    mesh_model::key_casing::pascal_case(&path.to_string())
}

fn shape(kind: Kind) -> Shape {
    match kind {
        Kind::VirtualGateway => Shape::Trapezoid,
        Kind::VirtualService => Shape::Stadium,
        Kind::VirtualRouter => Shape::Rhombus,
        _ => Shape::Rounded,
    }
}

fn label(path: &ResourcePath, resource: &MeshResource<'_>) -> Vec<String> {
    let ports = match resource.known_spec() {
        Some(ResourceSpec::VirtualNode(spec)) => ports(&spec.listeners, |listener| listener.port_mapping),
        Some(ResourceSpec::VirtualGateway(spec)) => ports(&spec.listeners, |listener| listener.port_mapping),
        Some(ResourceSpec::VirtualRouter(spec)) => ports(&spec.listeners, |listener| listener.port_mapping),
        _ => String::new(),
    };
    let ports = Some(ports).filter(|ports| !ports.is_empty());
    [path.kind.to_string(), path.name.clone()]
        .into_iter()
        .chain(ports)
        .collect()
}

fn ports<T>(listeners: &[T], port_mapping: impl Fn(&T) -> PortMapping) -> String {
    let ports = listeners.iter().map(port_mapping);
    let ports: Vec<_> = ports.map(|port| format!("{} {}", port.protocol, port.port)).collect();
    ports.join(", ")
}

fn draw_arrows(path: &ResourcePath, resource: &MeshResource<'_>, chart: &mut Flowchart) {
    let sibling = |kind: Kind, name: &str| ResourcePath::new(&path.mesh, kind, name);
    let parent = path.parent.as_deref().unwrap_or_default();
    match resource.known_spec() {
        Some(ResourceSpec::VirtualService(spec)) => {
            let provider = match &spec.provider {
                Some(VirtualServiceProvider::VirtualNode(node)) => sibling(Kind::VirtualNode, &node.virtual_node_name),
                Some(VirtualServiceProvider::VirtualRouter(router)) => {
                    sibling(Kind::VirtualRouter, &router.virtual_router_name)
                }
                None => return,
            };
            draw_arrow(path, Arrow::Thin, "", &provider, chart);
        }
        Some(ResourceSpec::VirtualNode(spec)) => {
            for Backend::VirtualService(backend) in &spec.backends {
                let service = sibling(Kind::VirtualService, &backend.virtual_service_name);
                draw_arrow(path, Arrow::Dotted, "calls", &service, chart);
            }
        }
        Some(ResourceSpec::Route(spec)) => {
            let total: u32 = spec.targets().map(|target| target.weight).sum();
            let has_several = spec.targets().count() > 1;
            for target in spec.targets() {
                let mut label = route_label(spec);
                if has_several {
                    label.push_str(&format!(" ({} of {total})", target.weight));
                }
                let router = sibling(Kind::VirtualRouter, parent);
                let node = sibling(Kind::VirtualNode, &target.virtual_node);
                draw_arrow(&router, Arrow::Thin, &label, &node, chart);
            }
        }
        Some(ResourceSpec::GatewayRoute(spec)) => {
            if let Some(target) = spec.target() {
                let gateway = sibling(Kind::VirtualGateway, parent);
                let service = sibling(Kind::VirtualService, &target.virtual_service.virtual_service_name);
                draw_arrow(&gateway, Arrow::Thin, &gateway_route_label(spec), &service, chart);
            }
        }
        _ => {}
    }
}

fn draw_arrow(from: &ResourcePath, arrow: Arrow, label: &str, to: &ResourcePath, chart: &mut Flowchart) {
    ensure_node(from, chart);
    ensure_node(to, chart);
    chart.edge(&key(from), arrow, label, &key(to));
}

/// Draws a resource that the template does not contain; one that it contains is drawn already.
fn ensure_node(path: &ResourcePath, chart: &mut Flowchart) {
    let label = [path.kind.to_string(), path.name.clone()];
    chart.node(&key(path), shape(path.kind), &label);
}

/// The requests that a route matches, in short.
fn route_label(spec: &RouteSpec) -> String {
    if let Some(HttpRoute { matching, .. }) = spec.http_route.as_ref().or(spec.http2_route.as_ref()) {
        let path = matching.path.as_ref();
        let path = path.and_then(|path| path.exact.as_ref().or(path.regex.as_ref()));
        let headers = matching.headers.len() + matching.query_parameters.len();
        return with_conditions(matching.prefix.as_ref().or(path).cloned(), headers);
    }
    if let Some(route) = &spec.grpc_route {
        let service = match (&route.matching.service_name, &route.matching.method_name) {
            (Some(service), Some(method)) => Some(format!("{service}/{method}")),
            (service, _) => service.clone(),
        };
        return with_conditions(service, route.matching.metadata.len());
    }
    with_conditions(None, 0)
}

/// The requests that a gateway route matches, in short.
fn gateway_route_label(spec: &GatewayRouteSpec) -> String {
    let host = |host: Option<&HostnameMatch>| match host {
        Some(host) => match (&host.exact, &host.suffix) {
            (Some(exact), _) => exact.clone(),
            (None, Some(suffix)) => format!("..{suffix}"),
            (None, None) => String::new(),
        },
        None => String::new(),
    };
    if let Some(HttpGatewayRoute { matching, .. }) = spec.http_route.as_ref().or(spec.http2_route.as_ref()) {
        let path = matching.path.as_ref();
        let path = path.and_then(|path| path.exact.as_ref().or(path.regex.as_ref()));
        let path = matching.prefix.as_ref().or(path).map_or("", String::as_str);
        let headers = matching.headers.len() + matching.query_parameters.len();
        let address = host(matching.hostname.as_ref()) + path;
        return with_conditions(Some(address).filter(|address| !address.is_empty()), headers);
    }
    let Some(route) = &spec.grpc_route else {
        return with_conditions(None, 0);
    };
    let service = route.matching.service_name.clone();
    let service = service.unwrap_or_else(|| host(route.matching.hostname.as_ref()));
    with_conditions(Some(service), route.matching.metadata.len())
}

fn with_conditions(requests: Option<String>, conditions: usize) -> String {
    let requests = requests.unwrap_or_else(|| "all".to_owned());
    match conditions {
        0 => requests,
        1 => format!("{requests} on a condition"),
        several => format!("{requests} on {several} conditions"),
    }
}
