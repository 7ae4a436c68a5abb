//! CloudFormation templates for ECS meshes, described in Rust.
//!
//! A mesh is described once, as constructs in stacks. The result is a CloudFormation template and nothing else: AWS
//! deploys it, the local runner interprets it, [`diagram()`] draws it. Templates of other tools can be read, checked and
//! drawn as well.
//!
//! This crate is pure: no I/O, no processes, not async. It does not know Envoy's messages. `cfn-deploy` deploys templates.
//!
//! ```
//! use mesh_infra::{
//!     AppProtocol, Cluster, Container, EcrImage, HealthCheck, HttpNamespace, LoadBalancer, PortMapping, Service,
//!     ServiceConnect, ServiceConnectService, Stack, TaskDefinition, Vpc,
//! };
//!
//! let mut stack = Stack::new("serviceconnect");
//! let namespace = stack.add("Namespace", HttpNamespace::new("serviceconnect"));
//! let cluster = stack.add("Cluster", Cluster::new().with_service_connect_namespace(&namespace));
//! let network = stack.add("Vpc", Vpc::new());
//! let service = |name: &str, tasks: u32| {
//!     let http = PortMapping::new("http", 3000)
//!         .with_app_protocol(AppProtocol::Http)
//!         .with_port_variable("SERVICE_PORT");
//!     let container = Container::new("app", EcrImage::new("meshwright/demo-service"))
//!         .with_environment("SERVICE_NAME", name)
//!         .with_port(http)
//!         .with_health_check(HealthCheck::command(["demo-service", "health"]));
//!     let offered = ServiceConnectService::new("http").with_discovery_name(name).with_client_port(80);
//!     Service::new(&cluster, TaskDefinition::new(container))
//!         .with_network(&network)
//!         .with_desired_count(tasks)
//!         .with_service_connect(ServiceConnect::offering(offered))
//! };
//! let blue = stack.add("blue", service("blue", 2));
//! // Only green is reachable from outside, by the addresses in the parameter `AllowedCidr`.
//! let entrance = stack.add("Entrance", LoadBalancer::network(&network, 3000));
//! stack.add("green", service("green", 1).with_backend(&blue).with_load_balancer(&entrance));
//!
//! let template = stack.synth()?;
//! template.has_resource("AWS::ECS::Service", &serde_json::json!({"DesiredCount": 2}))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Reading order:
//! - [`App`] and [`Stack`]: constructs are added to them, and synthesis returns templates;
//! - layer 2, [`Cluster`] to [`TaskDefinition`]: constructs with defaults, and handles instead of ARNs;
//! - [`Vpc`] or [`Network`], and [`LoadBalancer`]: where tasks run, and who can connect;
//! - [`Secret`], [`LogDriver`], [`EfsVolume`], [`OtelCollector`], [`Monitoring`]: what services of a company need besides;
//! - the constructs of a mesh, [`Mesh`] to [`HttpGatewayRoute`], its [`ControlPlane`] with its
//!   [`ConfigurationStore`] and [`XdsAccess`], and its [`MeshEncoding`];
//! - [`labels`], [`mod@env`] and [`images`]: names that constructs, control plane and local runner share;
//! - [`Value`]: a known value, or an expression that CloudFormation evaluates;
//! - [`cfn`], layer 1: CloudFormation's resources in its own names, for everything that layer 2 does not offer;
//! - [`Template`]: the document, and assertions on it; [`diff()`]: the differences of two;
//! - [`TemplateModel`]: templates as typed objects, which [`check()`], [`diagram()`], the mesh encoding and local plans
//!   read;
//! - [`Construct`]: the trait for constructs of your own.
//!
//! # Status
//!
//! | part | status |
//! |---|---|
//! | templates in JSON | read and written, all sections; unknown attributes are kept |
//! | templates in YAML, with short forms | read; written as JSON |
//! | `AWS::ECS::Cluster`, `TaskDefinition`, `Service` | layer 1 and 2, in `awsvpc` mode on Fargate, Fargate Spot or EC2 |
//! | `AWS::ServiceDiscovery::HttpNamespace` | layer 1 and 2 |
//! | any other resource | as a raw [`Resource`] |
//! | Service Connect | written, read, checked across services; TLS and test traffic planned |
//! | `AWS::AppMesh::*` | layer 1 and 2; written as such or as parameters, read, checked across resources; shared meshes planned |
//! | `AWS::ServiceDiscovery::PrivateDnsNamespace`, `Service` | layer 1; layer 2 for `A` records of ECS services |
//! | `AWS::SSM::Parameter` | layer 1; parameters with a mesh resource are checked |
//! | transparent proxy by `ProxyConfiguration` | layer 1 and 2; the explicit proxy is the default |
//! | Envoys of a mesh | bootstrap, ports, readiness and control plane; volumes for certificates by `override_property` |
//! | secrets, log drivers and log routers, ECS Exec | layer 1 and 2 |
//! | volumes | ephemeral directories and Amazon EFS, layer 1 and 2; others by `override_property` |
//! | `AWS::EFS::*` | layer 1; layer 2 for a file system of a network and its access points |
//! | OpenTelemetry | layer 2 for ADOT in a task; spans of Envoys in a mesh with a control plane |
//! | `AWS::CloudWatch::Alarm`, `Dashboard` | layer 1; layer 2 for services, load balancers and control planes |
//! | `AWS::ECR::Repository` | layer 1 and 2 |
//! | permission boundary, paths and names of roles; tags | for all resources of a stack |
//! | `AWS::EC2::VPC`, subnets, routes, security groups | layer 1; layer 2 for public and private subnets in two zones, NAT gateways or VPC endpoints, and existing networks |
//! | `AWS::IAM::Role`, `ManagedPolicy` | layer 1; layer 2 for execution roles, task roles, the control plane's role, and the guard of a mesh's parameters |
//! | `AWS::Logs::LogGroup` | layer 1; layer 2 for one per service |
//! | `AWS::ElasticLoadBalancingV2::*` | layer 1; layer 2 for network and application load balancers with one target group, with or without TLS |
//! | `AWS::ApplicationAutoScaling::*` | layer 1; layer 2 for CPU, memory and requests of a service |
//! | references between stacks of an app | handles of another stack work everywhere; the value is a parameter, which `deploy` sets |
//! | nested stacks | as raw resources |

mod app;
mod check;
mod construct;
mod constructs;
mod diagram;
mod ecr_image;
pub mod env;
pub mod images;
pub mod labels;
mod mesh_encoding;
pub mod model;
mod permissions;
mod resolved_template;
mod stack;

pub use app::App;
pub use cfn::{
    self, AssertionError, Change, Diff, Difference, Entry, Literal, Output, Parameter, Resource, StringList, Template,
    TemplateError, TemplateWarning, Value, diff,
};
#[cfg(feature = "deploy")]
pub use cfn_deploy as deploy;
pub use check::check;
pub use construct::{Construct, ParameterHandle, ResourceHandle};
pub use constructs::{
    AccessPoint, AccessPointHandle, AppMeshApi, Autoscaling, CapacityProvider, Cluster, ClusterHandle,
    ConfigurationStore, Container, ContainerCondition, ControlPlane, ControlPlaneHandle, CpuArchitecture,
    EcrRepository, EcrRepositoryHandle, EfsVolume, EnvoyContainer, FileSystem, FileSystemHandle, GatewayRouteHandle,
    GrpcGatewayRoute, GrpcRoute, HealthCheck, HttpGatewayRoute, HttpNamespace, HttpNamespaceHandle, HttpRoute,
    Listener, LoadBalancer, LoadBalancerHandle, LogDriver, LogRouter, Mesh, MeshHandle, Monitoring, MonitoringHandle,
    Network, NetworkHandle, OtelCollector, ParameterGuard, ParameterGuardHandle, PortMapping, PrivateDnsNamespace,
    PrivateDnsNamespaceHandle, PrivateEgress, RouteHandle, Secret, Service, ServiceConnect, ServiceConnectService,
    ServiceHandle, TaskDefinition, TcpRoute, VirtualGateway, VirtualGatewayHandle, VirtualNode, VirtualNodeHandle,
    VirtualRouter, VirtualRouterHandle, VirtualService, VirtualServiceHandle, Vpc, XdsAccess,
};
pub use diagram::diagram;
pub use ecr_image::EcrImage;
pub use mesh_encoding::{MeshEncoding, refresh_revision_markers};
/// App Mesh's specs: listeners, matches, policies and the other parts that mesh constructs take.
pub use mesh_model::app_mesh;
pub use mesh_model::service_connect::AppProtocol;
pub use model::TemplateModel;
pub use permissions::{DeployerRole, Deployment, PolicyError};
pub use resolved_template::resolve_parameters;
pub use sidecar_contract::{Diagnostic, Diagnostics, ValidationErrors};
pub use stack::{LogicalId, Scope, Stack};

/// The examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
