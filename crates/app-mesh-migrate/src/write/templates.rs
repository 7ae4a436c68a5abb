//! Meshes as a CloudFormation template, in either encoding.

use std::collections::BTreeMap;

use cfn::Template;
use mesh_infra::{
    GrpcGatewayRoute, GrpcRoute, HttpGatewayRoute, HttpRoute, Mesh, MeshEncoding, MeshHandle, Stack, TcpRoute,
    VirtualGateway, VirtualGatewayHandle, VirtualNode, VirtualRouter, VirtualRouterHandle, VirtualService,
};
use mesh_model::app_mesh::{GatewayRouteSpec, ResourcePath, ResourceSpec, RouteSpec};
use serde_json::{Value as Json, json};
use sidecar_contract::{Diagnostic, Diagnostics, ValidationErrors};

use super::ids::{Item, items};
use crate::meshes::Meshes;

/// A template with the meshes, as the stack with this name.
///
/// # Errors
///
/// All that [`Stack::synth_as`] reports, such as a route to a virtual node that does not exist, names that a parameter cannot
/// have, and mirrors in App Mesh's encoding, and resources whose mesh, virtual router or virtual gateway is missing.
pub fn to_template(meshes: &Meshes, stack: &str, encoding: MeshEncoding) -> Result<Template, ValidationErrors> {
    let mut diagnostics = Diagnostics::new();
    let items = items(meshes, &mut diagnostics);
    diagnostics.into_result(())?;
    let mut builder = Builder {
        stack: Stack::new(stack),
        meshes: BTreeMap::new(),
        routers: BTreeMap::new(),
        gateways: BTreeMap::new(),
    };
    for item in &items {
        builder.add(item);
        let tags: Vec<Json> = item
            .document
            .tags
            .iter()
            .map(|(key, value)| json!({"Key": key, "Value": value}))
            .collect();
        if !tags.is_empty() {
            builder.stack.override_property(&item.logical_id(), "Tags", tags);
        }
    }
    let template = builder.stack.synth_as(encoding);
    template.map_err(|errors| {
        let mut diagnostics = Diagnostics::new();
        diagnostics.extend(errors.into_iter().map(|error| located(error, meshes, &items)));
        ValidationErrors::from(diagnostics)
    })
}

/// An error with the place of the resource in its source instead of the one in the template.
fn located(error: Diagnostic, meshes: &Meshes, items: &[Item<'_>]) -> Diagnostic {
    let Diagnostic { path, mut message } = error;
    let id = path.strip_prefix("Resources.").and_then(|rest| rest.split('.').next());
    let item = id.and_then(|id| items.iter().find(|item| item.logical_id() == id));
    let Some(item) = item else {
        return Diagnostic { path, message };
    };
    if message.contains("does not exist") {
        message.push_str("; add it to the source");
    }
    let path = meshes.location(item.path);
    Diagnostic { path, message }
}

struct Builder {
    stack: Stack,
    meshes: BTreeMap<String, MeshHandle>,
    /// By mesh and name.
    routers: BTreeMap<(String, String), VirtualRouterHandle>,
    gateways: BTreeMap<(String, String), VirtualGatewayHandle>,
}

impl Builder {
    /// Containers were added before, because of the order.
    fn add(&mut self, item: &Item<'_>) {
        let (id, path) = (item.id.as_str(), item.path);
        let name = path.name.as_str();
        let parent = (path.mesh.clone(), path.parent.clone().unwrap_or_default());
        let mesh = self.meshes.get(&path.mesh);
        match (&item.document.spec, mesh) {
            (ResourceSpec::Mesh(spec), _) => {
                let handle = self.stack.add(id, Mesh::from_spec(name, spec.clone()));
                self.meshes.insert(path.mesh.clone(), handle);
            }
            (ResourceSpec::VirtualNode(spec), Some(mesh)) => {
                drop(self.stack.add(id, VirtualNode::from_spec(mesh, name, spec.clone())));
            }
            (ResourceSpec::VirtualRouter(spec), Some(mesh)) => {
                let handle = self.stack.add(id, VirtualRouter::from_spec(mesh, name, spec.clone()));
                self.routers.insert(own_key(path), handle);
            }
            (ResourceSpec::VirtualService(spec), Some(mesh)) => {
                drop(self.stack.add(id, VirtualService::from_spec(mesh, name, spec.clone())));
            }
            (ResourceSpec::VirtualGateway(spec), Some(mesh)) => {
                let handle = self.stack.add(id, VirtualGateway::from_spec(mesh, name, spec.clone()));
                self.gateways.insert(own_key(path), handle);
            }
            (ResourceSpec::Route(spec), _) => {
                if let Some(router) = self.routers.get(&parent) {
                    add_route(&mut self.stack, id, router, name, spec);
                }
            }
            (ResourceSpec::GatewayRoute(spec), _) => {
                if let Some(gateway) = self.gateways.get(&parent) {
                    add_gateway_route(&mut self.stack, id, gateway, name, spec);
                }
            }
            // `items` reported the missing mesh.
            (_, None) => {}
        }
    }
}

fn own_key(path: &ResourcePath) -> (String, String) {
    (path.mesh.clone(), path.name.clone())
}

/// A valid route has exactly one kind.
fn add_route(stack: &mut Stack, id: &str, router: &VirtualRouterHandle, name: &str, spec: &RouteSpec) {
    macro_rules! add {
        ($route:expr) => {{
            let route = $route;
            drop(stack.add(
                id,
                match spec.priority {
                    Some(priority) => route.with_priority(priority),
                    None => route,
                },
            ));
        }};
    }
    if let Some(route) = &spec.http_route {
        add!(HttpRoute::from_spec(router, name, route.clone()));
    } else if let Some(route) = &spec.http2_route {
        add!(HttpRoute::http2_from_spec(router, name, route.clone()));
    } else if let Some(route) = &spec.grpc_route {
        add!(GrpcRoute::from_spec(router, name, route.clone()));
    } else if let Some(route) = &spec.tcp_route {
        add!(TcpRoute::from_spec(router, name, route.clone()));
    }
}

fn add_gateway_route(stack: &mut Stack, id: &str, gateway: &VirtualGatewayHandle, name: &str, spec: &GatewayRouteSpec) {
    macro_rules! add {
        ($route:expr) => {{
            let route = $route;
            drop(stack.add(
                id,
                match spec.priority {
                    Some(priority) => route.with_priority(priority),
                    None => route,
                },
            ));
        }};
    }
    if let Some(route) = &spec.http_route {
        add!(HttpGatewayRoute::from_spec(gateway, name, route.clone()));
    } else if let Some(route) = &spec.http2_route {
        add!(HttpGatewayRoute::http2_from_spec(gateway, name, route.clone()));
    } else if let Some(route) = &spec.grpc_route {
        add!(GrpcGatewayRoute::from_spec(gateway, name, route.clone()));
    }
}
