//! Layer 2: constructs with defaults, handles and one way to say each thing.

mod app_mesh;
mod cluster;
mod container;
mod control_plane;
mod health_check;
mod http_namespace;
mod image;
mod load_balancer;
mod logs;
mod network;
mod permissions;
mod port_mapping;
mod private_dns_namespace;
mod security_groups;
mod service;
mod service_connect;
mod task_definition;
mod vpc;

pub use app_mesh::{
    ENVOY_CONTAINER, ENVOY_COPY, ENVOY_IMAGE, GatewayRouteHandle, GrpcGatewayRoute, GrpcRoute, HttpGatewayRoute,
    HttpRoute, Listener, Mesh, MeshHandle, RESOURCE_ARN_VARIABLE, RouteHandle, TcpRoute, VirtualGateway,
    VirtualGatewayHandle, VirtualNode, VirtualNodeHandle, VirtualRouter, VirtualRouterHandle, VirtualService,
    VirtualServiceHandle,
};
pub use cluster::{Cluster, ClusterHandle};
pub use container::{BIND_VARIABLE_LABEL, CONTROL_PLANE_ROLE, Container, ContainerCondition, ENVOY_ROLE, ROLE_LABEL};
pub use control_plane::{CONTROL_PLANE_IMAGE, ControlPlane, ControlPlaneHandle};
pub use health_check::HealthCheck;
pub use http_namespace::{HttpNamespace, HttpNamespaceHandle};
pub use load_balancer::{ALLOWED_CIDR, LoadBalancer, LoadBalancerHandle};
pub use network::{Network, NetworkHandle};
pub use port_mapping::{PORT_VARIABLE_LABEL_PREFIX, PortMapping};
pub use private_dns_namespace::{PrivateDnsNamespace, PrivateDnsNamespaceHandle};
pub use service::{Service, ServiceHandle};
pub use service_connect::{Endpoint, ServiceConnect};
pub use task_definition::{CpuArchitecture, TaskDefinition};
pub use vpc::Vpc;
