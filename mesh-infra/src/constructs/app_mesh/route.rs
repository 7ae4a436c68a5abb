//! Routes: which requests of a virtual router go to which virtual nodes, one type per protocol.

mod grpc;
mod http;
mod tcp;

use cfn::appmesh;
use mesh_model::app_mesh::route::{RouteAction, WeightedTarget};
use mesh_model::app_mesh::{Kind, RouteSpec};

use super::references::to_get_att;
use super::resource_ref::{ResourceRef, handle};
use super::{VirtualNodeHandle, VirtualRouterHandle};
use crate::stack::{LogicalId, Scope};

pub use grpc::GrpcRoute;
pub use http::HttpRoute;
pub use tcp::TcpRoute;

handle! {
    /// A route that was added to a stack, of any protocol.
    RouteHandle {}
}

/// The part of a route that does not depend on its protocol.
#[derive(Debug, Clone)]
struct RouteBase {
    router: VirtualRouterHandle,
    name: String,
    priority: Option<u32>,
    /// The virtual nodes of its targets, of which each handle must be of the same stack.
    target_nodes: Vec<LogicalId>,
}

impl RouteBase {
    fn new(router: &VirtualRouterHandle, name: impl Into<String>) -> Self {
        Self {
            router: router.clone(),
            name: name.into(),
            priority: None,
            target_nodes: Vec::new(),
        }
    }

    fn add_target(&mut self, action: &mut RouteAction, node: &VirtualNodeHandle, port: Option<u16>, weight: u32) {
        self.target_nodes.push(node.logical_id().clone());
        action.weighted_targets.push(WeightedTarget {
            virtual_node: node.name().to_owned(),
            weight,
            port,
        });
    }

    fn add_mirror(&mut self, node: &VirtualNodeHandle) {
        self.target_nodes.push(node.logical_id().clone());
    }

    /// Adds the route, given a spec that has everything but the priority.
    fn add_to(self, spec: RouteSpec, scope: &mut Scope<'_>) -> RouteHandle {
        let spec = RouteSpec {
            priority: self.priority,
            ..spec
        };
        let router = &self.router.resource;
        let resource = ResourceRef::within(router, Kind::Route, &self.name, scope);
        for node in &self.target_nodes {
            scope.refer_to(node, &format!("Resources.{}.Properties.Spec", resource.id));
        }
        let spec = to_get_att(&spec, &resource.path.mesh, scope);
        let properties = appmesh::Route::new(router.mesh_name(), router.name(), self.name, spec);
        resource.add(&properties, scope);
        RouteHandle { resource }
    }
}

/// An action without targets, which a route has until it is given one.
fn no_targets() -> RouteAction {
    RouteAction {
        weighted_targets: Vec::new(),
    }
}

/// The methods that routes of all protocols have. The type has a `base` and a `route`, the model's struct.
macro_rules! common_route_methods {
    ($route:ident) => {
        impl $route {
            /// Sets the priority, 0 to 1000; lower numbers are matched first. Default, decided by App Mesh: after all
            /// routes that have one.
            #[must_use]
            pub fn with_priority(mut self, priority: u32) -> Self {
                self.base.priority = Some(priority);
                self
            }

            /// Adds a target with this weight, 0 to 100, relative to the weights of the other targets; a target with
            /// weight 0 receives nothing. All weights add up to 100 at most.
            #[must_use]
            pub fn with_target(mut self, node: &crate::VirtualNodeHandle, weight: u32) -> Self {
                self.base.add_target(&mut self.route.action, node, None, weight);
                self
            }

            /// Adds a target at one of the virtual node's ports, which is required if the node has several listeners.
            #[must_use]
            pub fn with_target_port(mut self, node: &crate::VirtualNodeHandle, port: u16, weight: u32) -> Self {
                self.base
                    .add_target(&mut self.route.action, node, Some(port), weight);
                self
            }
        }
    };
}

use common_route_methods;
