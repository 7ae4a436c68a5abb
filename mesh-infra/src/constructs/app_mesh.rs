//! App Mesh constructs: virtual nodes, virtual services, routers and routes, gateways and gateway routes.
//!
//! Each has a builder for frequent settings, and takes the model's whole spec by `from_spec`. They write
//! `AWS::AppMesh::…` resources; [`MeshEncoding`](crate::MeshEncoding) determines the encoding in the template.

mod envoy;
mod gateway_route;
mod listener;
mod matching;
mod mesh;
mod proxy;
mod references;
mod resource_ref;
mod route;
mod virtual_gateway;
mod virtual_node;
mod virtual_router;
mod virtual_service;

pub(super) use envoy::Envoy;
pub use envoy::EnvoyContainer;
pub use gateway_route::{GatewayRouteHandle, GrpcGatewayRoute, HttpGatewayRoute};
pub use listener::Listener;
pub use mesh::{Mesh, MeshHandle};
pub use route::{GrpcRoute, HttpRoute, RouteHandle, TcpRoute};
pub use virtual_gateway::{VirtualGateway, VirtualGatewayHandle};
pub use virtual_node::{VirtualNode, VirtualNodeHandle};
pub use virtual_router::{VirtualRouter, VirtualRouterHandle};
pub use virtual_service::{VirtualService, VirtualServiceHandle};
