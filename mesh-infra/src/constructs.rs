//! Layer 2: constructs with defaults and handles, and one way to express each thing.

mod app_mesh;
mod app_mesh_api;
mod autoscaling;
mod capacity_provider;
mod cluster;
mod concat;
mod configuration_store;
mod container;
mod control_plane;
mod control_plane_handle;
mod ecr_access;
mod ecr_repository;
mod efs;
mod health_check;
mod http_namespace;
mod iam;
mod load_balancer;
mod log_driver;
mod log_router;
mod logs;
mod monitoring;
mod network;
mod otel_collector;
mod parameter_guard;
mod port_mapping;
mod private_dns_namespace;
mod secret;
mod security_groups;
mod service;
mod service_connect;
mod task_definition;
mod vpc;
mod xds_access;

pub use app_mesh::{
    EnvoyContainer, GatewayRouteHandle, GrpcGatewayRoute, GrpcRoute, HttpGatewayRoute, HttpRoute, Listener, Mesh,
    MeshHandle, RouteHandle, TcpRoute, VirtualGateway, VirtualGatewayHandle, VirtualNode, VirtualNodeHandle,
    VirtualRouter, VirtualRouterHandle, VirtualService, VirtualServiceHandle,
};
pub use app_mesh_api::AppMeshApi;
pub use autoscaling::Autoscaling;
pub use capacity_provider::CapacityProvider;
pub use cluster::{Cluster, ClusterHandle};
pub use configuration_store::ConfigurationStore;
pub use container::{Container, ContainerCondition};
use container::{Mount, Storage};
pub use control_plane::ControlPlane;
pub use control_plane_handle::ControlPlaneHandle;
pub use ecr_repository::{EcrRepository, EcrRepositoryHandle};
pub use efs::{AccessPoint, AccessPointHandle, EfsVolume, FileSystem, FileSystemHandle};
pub use health_check::HealthCheck;
pub use http_namespace::{HttpNamespace, HttpNamespaceHandle};
pub use load_balancer::{LoadBalancer, LoadBalancerHandle};
pub use log_driver::LogDriver;
pub use log_router::LogRouter;
pub use monitoring::{Monitoring, MonitoringHandle};
pub use network::{Network, NetworkHandle};
pub use otel_collector::OtelCollector;
pub use parameter_guard::{ParameterGuard, ParameterGuardHandle};
pub use port_mapping::PortMapping;
pub use private_dns_namespace::{PrivateDnsNamespace, PrivateDnsNamespaceHandle};
pub use secret::Secret;
pub use service::{Service, ServiceHandle};
pub use service_connect::{ServiceConnect, ServiceConnectService};
pub use task_definition::{CpuArchitecture, TaskDefinition};
pub use vpc::{PrivateEgress, Vpc};
pub use xds_access::XdsAccess;
