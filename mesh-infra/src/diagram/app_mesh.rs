//! Meshes in a picture: how a request goes from a gateway to a task.
//!
//! Drawn is what is known. Of a resource whose spec is late, or wrong, there is the box and no arrow.

use cfn::Template;
use indexmap::IndexMap;
use mesh_model::app_mesh::virtual_node::Backend;
use mesh_model::app_mesh::virtual_service::VirtualServiceProvider;
use mesh_model::app_mesh::{
    GatewayRouteSpec, Kind, ResourcePath, RouteSpec, Spec, VirtualGatewaySpec, VirtualNodeSpec, VirtualRouterSpec,
    VirtualServiceSpec,
};
use mesh_model::app_mesh::{PortMapping, gateway_route::HttpGatewayRoute, route::HttpRoute};

use super::mermaid::{Arrow, Flowchart, Shape};
use crate::mesh_resource::{MeshResource, Names, mesh_resources};
use crate::participant::Participant;

/// Draws the meshes, their resources grouped, and arrows along the way of a request. True if there are any.
pub(super) fn draw(template: &Template, participants: &[Participant<'_>], chart: &mut Flowchart) -> bool {
    let resources = mesh_resources(template);
    let mut meshes: IndexMap<&str, Vec<(&ResourcePath, &MeshResource<'_>)>> = IndexMap::new();
    for resource in &resources {
        if let Ok(path) = &resource.path {
            meshes.entry(&path.mesh).or_default().push((path, resource));
        }
    }
    for (mesh, members) in &meshes {
        chart.begin_group(&format!("Mesh {mesh}"), &format!("mesh {mesh}"));
        // In the order in which a request meets them.
        for kind in [
            Kind::VirtualGateway,
            Kind::VirtualService,
            Kind::VirtualRouter,
            Kind::VirtualNode,
        ] {
            for (path, resource) in members.iter().filter(|(path, _)| path.kind == kind) {
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
    let names = Names::new(template);
    for participant in participants {
        if let Some(path) = participant.mesh_place(&names) {
            draw_elsewhere(&path, chart);
            chart.edge(&key(&path), Arrow::Thick, "tasks", participant.logical_id);
        }
    }
    !meshes.is_empty()
}

/// What a resource's box is known by. Mermaid's ids begin with a capital.
fn key(path: &ResourcePath) -> String {
    mesh_model::casing::capitalised(&path.to_string())
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
    let ports = match path.kind {
        Kind::VirtualNode => read(resource).map(|spec: VirtualNodeSpec| ports(spec.listeners, |one| one.port_mapping)),
        Kind::VirtualGateway => {
            read(resource).map(|spec: VirtualGatewaySpec| ports(spec.listeners, |one| one.port_mapping))
        }
        Kind::VirtualRouter => {
            read(resource).map(|spec: VirtualRouterSpec| ports(spec.listeners, |one| one.port_mapping))
        }
        _ => None,
    };
    let ports = ports.filter(|ports| !ports.is_empty());
    [path.kind.to_string(), path.name.clone()]
        .into_iter()
        .chain(ports)
        .collect()
}

fn ports<T>(listeners: Vec<T>, port: impl Fn(&T) -> PortMapping) -> String {
    let ports = listeners.iter().map(port);
    let ports: Vec<_> = ports.map(|port| format!("{} {}", port.protocol, port.port)).collect();
    ports.join(", ")
}

fn draw_arrows(path: &ResourcePath, resource: &MeshResource<'_>, chart: &mut Flowchart) {
    let beside = |kind: Kind, name: &str| ResourcePath::new(&path.mesh, kind, name);
    let parent = path.parent.as_deref().unwrap_or_default();
    match path.kind {
        Kind::Mesh | Kind::VirtualRouter | Kind::VirtualGateway => {}
        Kind::VirtualService => {
            let Some(VirtualServiceSpec {
                provider: Some(provider),
            }) = read(resource)
            else {
                return;
            };
            let provider = match &provider {
                VirtualServiceProvider::VirtualNode(node) => beside(Kind::VirtualNode, &node.virtual_node_name),
                VirtualServiceProvider::VirtualRouter(router) => {
                    beside(Kind::VirtualRouter, &router.virtual_router_name)
                }
            };
            arrow(path, Arrow::Thin, "", &provider, chart);
        }
        Kind::VirtualNode => {
            let Some(spec): Option<VirtualNodeSpec> = read(resource) else {
                return;
            };
            for Backend::VirtualService(backend) in &spec.backends {
                let service = beside(Kind::VirtualService, &backend.virtual_service_name);
                arrow(path, Arrow::Dotted, "calls", &service, chart);
            }
        }
        Kind::Route => {
            let Some(spec): Option<RouteSpec> = read(resource) else {
                return;
            };
            let total: u32 = spec.targets().map(|target| target.weight).sum();
            let several = spec.targets().count() > 1;
            for target in spec.targets() {
                let mut label = requests(&spec);
                if several {
                    label.push_str(&format!(" ({} of {total})", target.weight));
                }
                let router = beside(Kind::VirtualRouter, parent);
                let node = beside(Kind::VirtualNode, &target.virtual_node);
                arrow(&router, Arrow::Thin, &label, &node, chart);
            }
        }
        Kind::GatewayRoute => {
            let Some(spec): Option<GatewayRouteSpec> = read(resource) else {
                return;
            };
            if let Some(target) = spec.target() {
                let gateway = beside(Kind::VirtualGateway, parent);
                let service = beside(Kind::VirtualService, &target.virtual_service.virtual_service_name);
                arrow(&gateway, Arrow::Thin, &requests_at_gateway(&spec), &service, chart);
            }
        }
    }
}

fn arrow(from: &ResourcePath, arrow: Arrow, label: &str, to: &ResourcePath, chart: &mut Flowchart) {
    draw_elsewhere(from, chart);
    draw_elsewhere(to, chart);
    chart.edge(&key(from), arrow, label, &key(to));
}

/// Draws a resource that the template does not have; one that it has is there already.
fn draw_elsewhere(path: &ResourcePath, chart: &mut Flowchart) {
    let label = [path.kind.to_string(), path.name.clone()];
    chart.node(&key(path), shape(path.kind), &label);
}

fn read<S: Spec>(resource: &MeshResource<'_>) -> Option<S> {
    S::read(resource.known()?, resource.spelling, "").ok()
}

/// Which requests a route is for, as short as it can be said.
fn requests(spec: &RouteSpec) -> String {
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

/// Which requests a gateway route is for, as short as it can be said.
fn requests_at_gateway(spec: &GatewayRouteSpec) -> String {
    let host = |host: Option<&mesh_model::app_mesh::gateway_route::HostnameMatch>| match host {
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
