//! ECS: clusters, task definitions and services.

mod cluster;
mod container_definition;
mod service;
mod service_connect;
mod task_definition;

pub use cluster::{Cluster, ServiceConnectDefaults};
pub use container_definition::{
    ContainerDefinition, ContainerDependency, HealthCheck, KeyValuePair, PortMapping, SystemControl,
};
pub use service::{
    AwsvpcConfiguration, DeploymentCircuitBreaker, DeploymentConfiguration, LoadBalancer, NetworkConfiguration,
    Service, ServiceRegistry,
};
pub use service_connect::ServiceConnectConfiguration;
pub use task_definition::{ProxyConfiguration, RuntimePlatform, TaskDefinition};
