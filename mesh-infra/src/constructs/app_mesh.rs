//! The constructs of a mesh in App Mesh's model: nodes, the names they are called by, the routes between, the doors in.
//!
//! Each has a builder for what is said often, and takes the model's whole spec, by `of`, for the rest. They write
//! `AWS::AppMesh::…` resources; [`MeshEncoding`](crate::MeshEncoding) tells what becomes of these.

mod envoy;
mod gateway_route;
mod listener;
mod matching;
mod mesh;
mod references;
mod resource_ref;
mod route;
mod virtual_gateway;
mod virtual_node;
mod virtual_router;
mod virtual_service;
mod wiring;

pub(super) use envoy::ENVOY_CONTAINER;
pub(super) use envoy::Envoy;
pub use gateway_route::{GatewayRouteHandle, GrpcGatewayRoute, HttpGatewayRoute};
pub use listener::Listener;
pub use mesh::{Mesh, MeshHandle};
pub use route::{GrpcRoute, HttpRoute, RouteHandle, TcpRoute};
pub use virtual_gateway::{VirtualGateway, VirtualGatewayHandle};
pub use virtual_node::{VirtualNode, VirtualNodeHandle};
pub use virtual_router::{VirtualRouter, VirtualRouterHandle};
pub use virtual_service::{VirtualService, VirtualServiceHandle};
