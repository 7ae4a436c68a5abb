//! CloudFormation templates for ECS meshes, described in Rust.
//!
//! A mesh is described once, as constructs in stacks. The result is a CloudFormation template and nothing else:
//! AWS deploys it, the local runner interprets it, [`diagram`] draws it. Templates that other tools wrote are read,
//! judged and drawn as well.
//!
//! This crate starts no process and knows none of Envoy's protobufs. It does no I/O and is not async, but for the
//! module `deploy`, which comes with the feature of that name and speaks to an AWS account.
//!
//! ```
//! use mesh_infra::{
//!     AppProtocol, Cluster, Container, EcrImage, ServiceConnectService, HealthCheck, HttpNamespace, LoadBalancer, PortMapping,
//!     Service, ServiceConnect, Stack, TaskDefinition, Vpc,
//! };
//!
//! let mut stack = Stack::new("serviceconnect");
//! let namespace = stack.add("Namespace", HttpNamespace::new("serviceconnect"));
//! let cluster = stack.add("Cluster", Cluster::new().with_service_connect_namespace(&namespace));
//! let network = stack.add("Vpc", Vpc::new());
//! let service = |name: &str, tasks: u32| {
//!     let container = Container::new("app", EcrImage::new("meshwright/demo-service"))
//!         .with_environment("SERVICE_NAME", name)
//!         .with_port(
//!             PortMapping::new("http", 3000)
//!                 .with_app_protocol(AppProtocol::Http)
//!                 .with_port_variable("SERVICE_PORT"),
//!         )
//!         .with_health_check(HealthCheck::command(["demo-service", "health"]));
//!     let endpoint = ServiceConnectService::new("http").with_discovery_name(name).with_client_port(80);
//!     Service::new(&cluster, TaskDefinition::new(container))
//!         .with_network(&network)
//!         .with_desired_count(tasks)
//!         .with_service_connect(ServiceConnect::offering(endpoint))
//! };
//! let blue = stack.add("blue", service("blue", 2));
//! // From outside, only whom the parameter `AllowedCidr` names gets in, and only to green.
//! let entrance = stack.add("Entrance", LoadBalancer::network(&network, 3000));
//! stack.add("green", service("green", 1).with_backend(&blue).with_load_balancer(&entrance));
//!
//! let template = stack.synth()?;
//! template.has_resource("AWS::ECS::Service", &serde_json::json!({"DesiredCount": 2}))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Reading order:
//! - [`App`] and [`Stack`]: what constructs are added to, and what comes of it;
//! - the constructs of layer 2, [`Cluster`] to [`TaskDefinition`]: one way to say each thing, a default for the
//!   rest, and handles in place of ARNs;
//! - where they are and who gets in, [`Vpc`] or [`Network`], and [`LoadBalancer`];
//! - the constructs of a mesh, [`Mesh`] to [`HttpGatewayRoute`], its [`ControlPlane`], and [`MeshEncoding`]: what becomes of
//!   them;
//! - [`Value`]: a value that is known now, or an expression that CloudFormation evaluates;
//! - [`cfn`], layer 1: CloudFormation's resources in its own names, for all that layer 2 has no word for;
//! - [`Template`]: the document, written by us or by others, and the assertions on it;
//! - [`check`]: what is judged before AWS does;
//! - [`diagram`]: a template as a picture; [`diff()`]: what two of them differ in;
//! - [`Construct`]: how to write a construct of your own;
//! - `deploy`, with that feature: what a template would change in an account, making it so, taking it away.
//!
//! # Status
//!
//! | part | here |
//! |---|---|
//! | templates in JSON, read and written | all sections; what has no field is carried along |
//! | templates in JSON and YAML, with short forms | read; written as JSON |
//! | `AWS::ECS::Cluster`, `TaskDefinition`, `Service` | layer 1 and 2, on Fargate in `awsvpc` mode |
//! | `AWS::ServiceDiscovery::HttpNamespace` | layer 1 and 2 |
//! | any other resource | as a raw [`Resource`] |
//! | Service Connect | written, read, judged across services; TLS and test traffic not yet |
//! | `AWS::AppMesh::*` | layer 1 and 2; written as such or as parameters, read, judged across resources; shared meshes not yet |
//! | `AWS::ServiceDiscovery::PrivateDnsNamespace`, `Service` | layer 1; layer 2 for `A` records of ECS services |
//! | `AWS::SSM::Parameter` | layer 1; what holds a mesh's resource is judged |
//! | connections redirected by `ProxyConfiguration` | layer 1 and 2; explicit wiring is the default |
//! | Envoys of a mesh | their bootstrap, ports, readiness and control plane; volumes for certificates by `override_property` |
//! | `AWS::EC2::VPC`, subnets, routes, security groups | layer 1; layer 2 for public subnets in two zones, and for networks that exist |
//! | `AWS::IAM::Role` | layer 1; layer 2 for execution roles and the control plane's own |
//! | `AWS::Logs::LogGroup` | layer 1; layer 2 for one per service |
//! | `AWS::ElasticLoadBalancingV2::*` | layer 1; layer 2 for a network load balancer with one listener, without TLS |
//! | references between stacks | not yet; a handle of another stack is a problem |
//! | deploying | with the feature `deploy`: compared, deployed by change sets, followed, destroyed with what Service Connect leaves; drift and import not yet |

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
    Cluster, ClusterHandle, Container, ContainerCondition, ControlPlane, ControlPlaneHandle, CpuArchitecture,
    GatewayRouteHandle, GrpcGatewayRoute, GrpcRoute, HealthCheck, HttpGatewayRoute, HttpNamespace, HttpNamespaceHandle,
    HttpRoute, Listener, LoadBalancer, LoadBalancerHandle, Mesh, MeshHandle, Network, NetworkHandle, PortMapping,
    PrivateDnsNamespace, PrivateDnsNamespaceHandle, RouteHandle, Service, ServiceConnect, ServiceConnectService,
    ServiceHandle, TaskDefinition, TcpRoute, VirtualGateway, VirtualGatewayHandle, VirtualNode, VirtualNodeHandle,
    VirtualRouter, VirtualRouterHandle, VirtualService, VirtualServiceHandle, Vpc,
};
pub use diagram::diagram;
pub use ecr_image::EcrImage;
pub use mesh_encoding::MeshEncoding;
/// App Mesh's own words, which the constructs of a mesh are made with: what a listener, a match or a policy can say.
pub use mesh_model::app_mesh;
pub use mesh_model::service_connect::AppProtocol;
pub use model::TemplateModel;
pub use sidecar_contract::{Diagnostic, Diagnostics, ValidationErrors};
pub use stack::{LogicalId, Scope, Stack};
