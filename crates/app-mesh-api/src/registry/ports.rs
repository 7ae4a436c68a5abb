//! Several listeners demand ports: where a route, a target or a gateway route could mean several listeners, it has to
//! name one. Checked at the write of either side; references to what does not exist yet are not checked.
//!
//! Sources: App Mesh user guide, routes and gateway routes (read 2026-11-23). Of the service's messages one is known in
//! full (aws-app-mesh-controller-for-k8s#715), and the beginning of another (terraform-provider-aws#35294; both read
//! 2026-11-30); the others are by analogy.

use mesh_model::app_mesh::{GatewayRouteSpec, Kind, ResourcePath, ResourceSpec, RouteSpec};

use super::record::SpecDocument;
use super::references::provider_of;
use super::{Record, Registry};
use crate::error::ApiError;
use crate::operation::Collection;

/// Checks a new spec of a resource against the others.
///
/// # Errors
///
/// `BadRequestException` with the missing port.
pub(super) fn check(registry: &Registry, path: &ResourcePath, spec: &SpecDocument) -> Result<(), ApiError> {
    match spec.parsed(path.kind) {
        Some(ResourceSpec::Route(route)) => check_route(registry, path, route),
        Some(ResourceSpec::GatewayRoute(route)) => check_gateway_route(registry, path, route),
        Some(ResourceSpec::VirtualRouter(router)) if router.listeners.len() > 1 => {
            let lacks_port = |route: &Record| matches!(route.spec(), Some(ResourceSpec::Route(route)) if route.matched_port().is_none());
            reject(
                contents(registry, path, Kind::Route).find(|route| lacks_port(route)),
                |route| {
                    format!(
                        "All Routes for this Virtual Router must define a port match criteria if the Virtual Router has \
                         multiple listeners; Route {route} does not"
                    )
                },
            )
        }
        Some(ResourceSpec::VirtualGateway(gateway)) if gateway.listeners.len() > 1 => {
            let lacks_port = |route: &Record| matches!(route.spec(), Some(ResourceSpec::GatewayRoute(route)) if matched_port(route).is_none());
            reject(
                contents(registry, path, Kind::GatewayRoute).find(|route| lacks_port(route)),
                |route| {
                    format!(
                        "All GatewayRoutes for this Virtual Gateway must define a port match criteria if the Virtual \
                         Gateway has multiple listeners; GatewayRoute {route} does not"
                    )
                },
            )
        }
        Some(ResourceSpec::VirtualNode(node)) if node.listeners.len() > 1 => {
            let lacks_port = |route: &Record| matches!(route.spec(), Some(ResourceSpec::Route(route)) if target_without_port(route, &path.name));
            reject(
                registry
                    .of_kind(&path.mesh, Kind::Route)
                    .find(|route| lacks_port(route)),
                |route| {
                    format!(
                        "All Routes that target this Virtual Node must define a port for the target if the Virtual Node \
                         has multiple listeners; Route {route} does not"
                    )
                },
            )
        }
        _ => Ok(()),
    }
}

fn check_route(registry: &Registry, path: &ResourcePath, route: &RouteSpec) -> Result<(), ApiError> {
    let router = ResourcePath::new(
        &path.mesh,
        Kind::VirtualRouter,
        path.parent.as_deref().unwrap_or_default(),
    );
    if route.matched_port().is_none() && listener_count(registry, &router) > 1 {
        return Err(ApiError::bad_request(
            "Route must define a port match criteria if the Virtual Router has multiple listeners",
        ));
    }
    for target in route.targets().filter(|target| target.port.is_none()) {
        let node = ResourcePath::new(&path.mesh, Kind::VirtualNode, &target.virtual_node);
        if listener_count(registry, &node) > 1 {
            return Err(ApiError::bad_request(format!(
                "Route must define a port for the target Virtual Node {} because it has multiple listeners",
                target.virtual_node
            )));
        }
    }
    Ok(())
}

fn check_gateway_route(registry: &Registry, path: &ResourcePath, route: &GatewayRouteSpec) -> Result<(), ApiError> {
    let gateway = ResourcePath::new(
        &path.mesh,
        Kind::VirtualGateway,
        path.parent.as_deref().unwrap_or_default(),
    );
    if matched_port(route).is_none() && listener_count(registry, &gateway) > 1 {
        return Err(ApiError::bad_request(
            "GatewayRoute must define a port match criteria if the Virtual Gateway has multiple listeners",
        ));
    }
    let Some(target) = route.target().filter(|target| target.port.is_none()) else {
        return Ok(());
    };
    let service = &target.virtual_service.virtual_service_name;
    let provider = registry
        .get(&ResourcePath::new(&path.mesh, Kind::VirtualService, service))
        .and_then(|service| provider_of(service));
    if provider.is_some_and(|provider| listener_count(registry, &provider) > 1) {
        return Err(ApiError::bad_request(format!(
            "GatewayRoute must define a port for the target Virtual Service {service} because its provider has multiple \
             listeners"
        )));
    }
    Ok(())
}

fn reject(route: Option<&std::sync::Arc<Record>>, message: impl FnOnce(&str) -> String) -> Result<(), ApiError> {
    match route {
        None => Ok(()),
        Some(route) => Err(ApiError::bad_request(message(&route.path.name))),
    }
}

/// The routes of a virtual router, the gateway routes of a virtual gateway.
fn contents<'r>(
    registry: &'r Registry,
    container: &ResourcePath,
    kind: Kind,
) -> Box<dyn Iterator<Item = &'r std::sync::Arc<Record>> + 'r> {
    let collection = Collection {
        kind,
        mesh: Some(container.mesh.clone()),
        parent: Some(container.name.clone()),
    };
    registry.after(&collection, "")
}

/// 0 if the resource does not exist.
fn listener_count(registry: &Registry, path: &ResourcePath) -> usize {
    match registry.get(path).and_then(|record| record.spec()) {
        Some(ResourceSpec::VirtualNode(node)) => node.listeners.len(),
        Some(ResourceSpec::VirtualRouter(router)) => router.listeners.len(),
        Some(ResourceSpec::VirtualGateway(gateway)) => gateway.listeners.len(),
        _ => 0,
    }
}

fn target_without_port(route: &RouteSpec, node: &str) -> bool {
    route
        .targets()
        .any(|target| target.virtual_node == node && target.port.is_none())
}

fn matched_port(route: &GatewayRouteSpec) -> Option<u16> {
    let http = route.http_route.as_ref().or(route.http2_route.as_ref());
    http.and_then(|route| route.matching.port)
        .or_else(|| route.grpc_route.as_ref()?.matching.port)
}
