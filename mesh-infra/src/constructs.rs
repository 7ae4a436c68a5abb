//! Layer 2: constructs with defaults, handles and one way to say each thing.

mod app_mesh;
mod cluster;
mod container;
mod health_check;
mod http_namespace;
mod network;
mod port_mapping;
mod private_dns_namespace;
mod service;
mod service_connect;
mod task_definition;

pub use app_mesh::{
    ENVOY_CONTAINER, ENVOY_IMAGE, GatewayRoute, GatewayRouteHandle, Listener, Mesh, MeshHandle, RESOURCE_ARN_VARIABLE,
    Route, RouteHandle, VirtualGateway, VirtualGatewayHandle, VirtualNode, VirtualNodeHandle, VirtualRouter,
    VirtualRouterHandle, VirtualService, VirtualServiceHandle,
};
pub use cluster::{Cluster, ClusterHandle};
pub use container::{Container, ContainerCondition};
pub use health_check::HealthCheck;
pub use http_namespace::{HttpNamespace, HttpNamespaceHandle};
pub use network::{Network, NetworkHandle};
pub use port_mapping::{PORT_VARIABLE_LABEL_PREFIX, PortMapping};
pub use private_dns_namespace::{PrivateDnsNamespace, PrivateDnsNamespaceHandle};
pub use service::{Service, ServiceHandle};
pub use service_connect::{Endpoint, ServiceConnect};
pub use task_definition::{CpuArchitecture, TaskDefinition};
