//! Which resources cannot be deleted, because others need them.
//!
//! | resource | not deleted while | source |
//! |---|---|---|
//! | virtual node | a route has it as a target, or a virtual service as its provider | user guide, virtual nodes |
//! | virtual router | it has routes, or a virtual service has it as its provider | user guide, virtual routers |
//! | virtual service | a gateway route has it as its target | user guide, virtual services |
//! | virtual gateway | it has gateway routes | user guide, virtual gateways |
//! | mesh | it contains a resource | app-mesh-roadmap#147 for the others; virtual gateways by analogy |
//!
//! Backends of virtual nodes, and mirrors of routes, do not keep their virtual service or virtual node: they may also be
//! written before it exists. Messages are the service's own where users have quoted them (terraform-provider-aws#11249
//! and #38444, aws-nuke#913, aws-app-mesh-controller-for-k8s#25; read 2026-11-30).

use mesh_model::app_mesh::virtual_service::VirtualServiceProvider;
use mesh_model::app_mesh::{Kind, ResourcePath, ResourceSpec};

use super::{Record, Registry};
use crate::error::ApiError;
use crate::operation::Collection;
use crate::settings::Settings;

/// # Errors
///
/// `ResourceInUseException` with what needs the resource.
pub(super) fn check_deletion(registry: &Registry, path: &ResourcePath, settings: &Settings) -> Result<(), ApiError> {
    let (mesh, name) = (path.mesh.as_str(), path.name.as_str());
    match path.kind {
        Kind::Mesh => check_mesh(registry, mesh, settings),
        Kind::VirtualNode => {
            if registry.of_kind(mesh, Kind::Route).any(|route| has_target(route, name)) {
                return Err(ApiError::in_use(format!(
                    "VirtualNode with name {name} cannot be deleted because it is the target of one or more routes."
                )));
            }
            check_provider(registry, path)
        }
        Kind::VirtualRouter => {
            if has_contents(registry, path, Kind::Route) {
                return Err(ApiError::in_use(format!(
                    "VirtualRouter with name {name} cannot be deleted because it has active Routes"
                )));
            }
            check_provider(registry, path)
        }
        Kind::VirtualService => {
            let routes: Vec<&str> = registry
                .of_kind(mesh, Kind::GatewayRoute)
                .filter(|route| gateway_route_target(route) == Some(name))
                .map(|route| route.path.name.as_str())
                .collect();
            if routes.is_empty() {
                return Ok(());
            }
            Err(ApiError::in_use(format!(
                "VirtualService {name} is being referenced in the following: GATEWAY_ROUTE: [{}]",
                routes.join(", ")
            )))
        }
        Kind::VirtualGateway => {
            if has_contents(registry, path, Kind::GatewayRoute) {
                return Err(ApiError::in_use(format!(
                    "VirtualGateway with name {name} cannot be deleted because it has active GatewayRoutes"
                )));
            }
            Ok(())
        }
        Kind::Route | Kind::GatewayRoute => Ok(()),
    }
}

fn check_mesh(registry: &Registry, mesh: &str, settings: &Settings) -> Result<(), ApiError> {
    let kinds = [
        Kind::VirtualNode,
        Kind::VirtualRouter,
        Kind::VirtualService,
        Kind::VirtualGateway,
    ];
    match kinds
        .into_iter()
        .find(|kind| registry.of_kind(mesh, *kind).next().is_some())
    {
        None => Ok(()),
        Some(kind) => Err(ApiError::in_use(format!(
            "Mesh {mesh} for account {account} has active {kind:?}s, please delete {kind:?}s before deleting the Mesh",
            account = settings.account
        ))),
    }
}

fn check_provider(registry: &Registry, path: &ResourcePath) -> Result<(), ApiError> {
    let is_provider = registry
        .of_kind(&path.mesh, Kind::VirtualService)
        .any(|service| provider_of(service).as_ref() == Some(path));
    if is_provider {
        let ResourcePath { kind, name, .. } = path;
        return Err(ApiError::in_use(format!(
            "{kind:?} with name {name} cannot be deleted because it is a VirtualService provider"
        )));
    }
    Ok(())
}

fn has_contents(registry: &Registry, container: &ResourcePath, kind: Kind) -> bool {
    let collection = Collection {
        kind,
        mesh: Some(container.mesh.clone()),
        parent: Some(container.name.clone()),
    };
    registry.after(&collection, "").next().is_some()
}

/// The provider of a virtual service.
pub(super) fn provider_of(service: &Record) -> Option<ResourcePath> {
    let Some(ResourceSpec::VirtualService(spec)) = service.spec() else {
        return None;
    };
    let mesh = &service.path.mesh;
    Some(match spec.provider.as_ref()? {
        VirtualServiceProvider::VirtualNode(node) => {
            ResourcePath::new(mesh, Kind::VirtualNode, &node.virtual_node_name)
        }
        VirtualServiceProvider::VirtualRouter(router) => {
            ResourcePath::new(mesh, Kind::VirtualRouter, &router.virtual_router_name)
        }
    })
}

fn has_target(route: &Record, node: &str) -> bool {
    match route.spec() {
        Some(ResourceSpec::Route(spec)) => spec.targets().any(|target| target.virtual_node == node),
        _ => false,
    }
}

fn gateway_route_target(route: &Record) -> Option<&str> {
    match route.spec() {
        Some(ResourceSpec::GatewayRoute(spec)) => Some(spec.target()?.virtual_service.virtual_service_name.as_str()),
        _ => None,
    }
}
