//! Generated from the CloudFormation resource schemas of 2026-10-20 in cfn-lint by `cargo run -p xtask -- generate`.
//! Do not edit.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::ServiceConnectConfiguration;
use crate::ResourceType;
use crate::value::{StringList, Value};

/// `AWS::ECS::Cluster`: a group of services and tasks.
///
/// `Ref` returns the cluster's name. `Fn::GetAtt` supports `Arn`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Cluster {
    /// The name. Default, decided by CloudFormation: stack name, logical id and a random part. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<Value<String>>,
    /// The capacity providers that its services can use: `FARGATE`, `FARGATE_SPOT`, and those of Auto Scaling groups by
    /// name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity_providers: Option<StringList>,
    /// Defaults of services without a Service Connect namespace. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect_defaults: Option<ServiceConnectDefaults>,
    /// Properties without a field here: `ClusterSettings`, `Configuration`, `DefaultCapacityProviderStrategy`, `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for Cluster {
    const KIND: &'static str = "AWS::ECS::Cluster";
}

/// The Service Connect namespace of services that do not specify one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ServiceConnectDefaults {
    /// A Cloud Map namespace by name or ARN. ECS creates an HTTP namespace of that name if there is none, which is not
    /// deleted with the stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Value<String>>,
}

/// `AWS::ECS::Service`: keeps a number of tasks of a task definition running.
///
/// `Ref` returns the service's ARN. `Fn::GetAtt` supports `Name` and `ServiceArn`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Service {
    /// The name, unique in the cluster. Default, decided by CloudFormation: stack name, logical id and a random part.
    /// Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_name: Option<Value<String>>,
    /// The cluster, by name or ARN. Default, decided by ECS: the cluster named `default`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Value<String>>,
    /// The task definition, by ARN or `family:revision`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<Value<String>>,
    /// The number of tasks to keep running. Default, decided by CloudFormation: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_count: Option<Value<u32>>,
    /// Where tasks run. Default, decided by ECS: the cluster's capacity provider strategy. Allowed: `EC2`, `FARGATE`,
    /// `EXTERNAL`. Replaced when changed, in some cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_type: Option<Value<String>>,
    /// The capacity providers of its tasks, in place of `LaunchType`: at most 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    /// Subnets and security groups of the tasks. Required for task definitions in `awsvpc` mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<NetworkConfiguration>,
    /// The Service Connect configuration. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect_configuration: Option<ServiceConnectConfiguration>,
    /// The Cloud Map service in which ECS registers the tasks: at most one. Default: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub service_registries: Vec<ServiceRegistry>,
    /// The target groups in which ECS registers the tasks, at most five. Default: none. Replaced when changed, in most
    /// cases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_balancers: Vec<LoadBalancer>,
    /// Seconds after a task's start during which failed load balancer checks are ignored. Default, decided by ECS: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_grace_period_seconds: Option<Value<u32>>,
    /// How new tasks replace old ones. Default, decided by ECS for each field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_configuration: Option<DeploymentConfiguration>,
    /// Whether commands can be run in its containers by ECS Exec. Default, decided by ECS: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_execute_command: Option<Value<bool>>,
    /// Whether its tasks get tags with the names of cluster and service. Default, decided by ECS: false.
    #[serde(default, rename = "EnableECSManagedTags", skip_serializing_if = "Option::is_none")]
    pub enable_ecs_managed_tags: Option<Value<bool>>,
    /// Where its tasks get tags from. Default, decided by ECS: from nowhere. Allowed: `SERVICE`, `TASK_DEFINITION`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub propagate_tags: Option<Value<String>>,
    /// Properties without a field here: `AvailabilityZoneRebalancing`, `DeploymentController`, `ForceNewDeployment`,
    /// `GatewayConnectors`, `Monitoring`, `PlacementConstraints`, `PlacementStrategies`, `PlatformVersion`, `Role`,
    /// `SchedulingStrategy`, `Tags`, `VolumeConfigurations`, `VpcLatticeConfigurations`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for Service {
    const KIND: &'static str = "AWS::ECS::Service";
}

/// A share of a service's tasks on one capacity provider.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct CapacityProviderStrategyItem {
    /// `FARGATE`, `FARGATE_SPOT`, or a name. Required.
    pub capacity_provider: Value<String>,
    /// The number of tasks that run on it first, in at most one item. Default, decided by ECS: 0. Allowed: 0 to 100000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Value<u32>>,
    /// Its share of the other tasks, relative to the other items, 0 to 1000. Default, decided by CloudFormation: 0, for
    /// none. Allowed: 0 to 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Value<u32>>,
}

impl CapacityProviderStrategyItem {
    /// With these properties, and no others.
    pub fn new(capacity_provider: impl Into<Value<String>>) -> Self {
        Self {
            capacity_provider: capacity_provider.into(),
            base: None,
            weight: None,
        }
    }
}

/// A Cloud Map service in which ECS registers tasks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ServiceRegistry {
    /// The Cloud Map service's ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registry_arn: Option<Value<String>>,
    /// The port in `SRV` records, for tasks in `awsvpc` mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Value<u32>>,
    /// The container whose port is in `SRV` records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_name: Option<Value<String>>,
    /// The port of this container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_port: Option<Value<u32>>,
}

/// A target group in which ECS registers tasks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LoadBalancer {
    /// The container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_name: Option<Value<String>>,
    /// Its port, one of its port mappings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_port: Option<Value<u32>>,
    /// The target group's ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_group_arn: Option<Value<String>>,
    /// Properties without a field here: `AdvancedConfiguration`, `LoadBalancerName`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

/// The network configuration of tasks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct NetworkConfiguration {
    /// For task definitions in `awsvpc` mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awsvpc_configuration: Option<AwsvpcConfiguration>,
}

/// Subnets and security groups of the tasks' network interfaces.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AwsvpcConfiguration {
    /// Subnet ids, 1 to 16, all in one VPC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnets: Option<StringList>,
    /// Security group ids, at most 5. Default, decided by ECS: the VPC's default group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<StringList>,
    /// Whether the network interface has a public address. Default, decided by ECS: `DISABLED`. Allowed: `DISABLED`,
    /// `ENABLED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assign_public_ip: Option<Value<String>>,
}

/// How new tasks replace old ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeploymentConfiguration {
    /// Upper limit of running tasks during a deployment, in percent of the desired count. Default, decided by ECS: 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_percent: Option<Value<u32>>,
    /// Lower limit of healthy tasks during a deployment, in percent of the desired count. Default, decided by ECS: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_healthy_percent: Option<Value<u32>>,
    /// What happens if new tasks do not start. Default, decided by ECS: it retries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_circuit_breaker: Option<DeploymentCircuitBreaker>,
    /// Properties without a field here: `Alarms`, `BakeTimeInMinutes`, `CanaryConfiguration`, `EarlySuccessCriteria`,
    /// `LifecycleHooks`, `LinearConfiguration`, `Strategy`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

/// What happens if the tasks of a deployment do not start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeploymentCircuitBreaker {
    /// Whether the deployment fails after too many tasks that do not start. Required.
    pub enable: Value<bool>,
    /// Whether the service is then rolled back to its last completed deployment. Required.
    pub rollback: Value<bool>,
    /// Properties without a field here: `ResetOnHealthyTask`, `ThresholdConfiguration`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl DeploymentCircuitBreaker {
    /// With these properties, and no others.
    pub fn new(enable: impl Into<Value<bool>>, rollback: impl Into<Value<bool>>) -> Self {
        Self {
            enable: enable.into(),
            rollback: rollback.into(),
            other: Map::new(),
        }
    }
}

/// `AWS::ECS::TaskDefinition`: containers that run together as a task, and their resources.
///
/// `Ref` returns the ARN with its revision. `Fn::GetAtt` supports `TaskDefinitionArn`. Every change of a property other
/// than the tags creates a new revision, which CloudFormation treats as a replacement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaskDefinition {
    /// The name of the family of revisions. Default, decided by CloudFormation: stack name, logical id and a random
    /// part. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Value<String>>,
    /// The task's CPU: units (`256` is a quarter vCPU) or vCPUs (`.25 vCPU`). A string in CloudFormation. Required on
    /// Fargate. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Value<String>>,
    /// The task's memory: MiB (`512`) or gigabytes (`0.5 GB`). A string in CloudFormation. Required on Fargate.
    /// Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Value<String>>,
    /// The network mode. Default, decided by ECS: `bridge`. Fargate requires `awsvpc`. Allowed: `awsvpc`, `bridge`,
    /// `host`, `none`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_mode: Option<Value<String>>,
    /// Launch types to validate against. Allowed: `EC2`, `EXTERNAL`, `FARGATE`, `MANAGED_INSTANCES`. Replaced when
    /// changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires_compatibilities: Option<StringList>,
    /// The containers. Replaced when changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub container_definitions: Vec<ContainerDefinition>,
    /// The role with which ECS pulls images and writes logs. Default: none. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_role_arn: Option<Value<String>>,
    /// The role of the containers. Default: none. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_role_arn: Option<Value<String>>,
    /// CPU architecture and operating system. Default, decided by ECS: `X86_64` and `LINUX`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_platform: Option<RuntimePlatform>,
    /// The transparent proxy of the task. Default: none. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_configuration: Option<ProxyConfiguration>,
    /// Volumes that its containers can mount. Names are unique. Replaced when changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    /// Properties without a field here: `EnableFaultInjection`, `EphemeralStorage`, `InferenceAccelerators`, `IpcMode`,
    /// `PidMode`, `PlacementConstraints`, `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for TaskDefinition {
    const KIND: &'static str = "AWS::ECS::TaskDefinition";
}

/// A volume of a task: a directory of the task's ephemeral storage, or a file system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Volume {
    /// The name: at most 255 of `a-z A-Z 0-9 _ -`. Required.
    pub name: Value<String>,
    /// A file system of Amazon EFS. Default: ephemeral storage, which is empty when the task starts.
    #[serde(default, rename = "EFSVolumeConfiguration", skip_serializing_if = "Option::is_none")]
    pub efs_volume_configuration: Option<EfsVolumeConfiguration>,
    /// Properties without a field here: `ConfiguredAtLaunch`, `DockerVolumeConfiguration`,
    /// `FSxWindowsFileServerVolumeConfiguration`, `Host`, `S3FilesVolumeConfiguration`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Volume {
    /// With these properties, and no others.
    pub fn new(name: impl Into<Value<String>>) -> Self {
        Self {
            name: name.into(),
            efs_volume_configuration: None,
            other: Map::new(),
        }
    }
}

/// A file system of Amazon EFS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EfsVolumeConfiguration {
    /// Its id. Required.
    pub filesystem_id: Value<String>,
    /// The directory that is mounted. With an access point, `/` or left out. Default, decided by ECS: `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root_directory: Option<Value<String>>,
    /// TLS between task and file system. Required for `IAM` and for an access point. Default, decided by ECS:
    /// `DISABLED`. Allowed: `ENABLED`, `DISABLED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transit_encryption: Option<Value<String>>,
    /// The access point, and whether the task's role is checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_config: Option<AuthorizationConfig>,
    /// Properties without a field here: `TransitEncryptionPort`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl EfsVolumeConfiguration {
    /// With these properties, and no others.
    pub fn new(filesystem_id: impl Into<Value<String>>) -> Self {
        Self {
            filesystem_id: filesystem_id.into(),
            root_directory: None,
            transit_encryption: None,
            authorization_config: None,
            other: Map::new(),
        }
    }
}

/// The access of a task to a file system.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AuthorizationConfig {
    /// The id of an access point. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_point_id: Option<Value<String>>,
    /// Whether the file system checks the task's role. Default, decided by ECS: `DISABLED`. Allowed: `ENABLED`,
    /// `DISABLED`.
    #[serde(default, rename = "IAM", skip_serializing_if = "Option::is_none")]
    pub iam: Option<Value<String>>,
}

/// CPU architecture and operating system of a task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RuntimePlatform {
    /// The CPU architecture. Allowed: `ARM64`, `X86_64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_architecture: Option<Value<String>>,
    /// The operating system. Allowed: `LINUX`, `WINDOWS_SERVER_2004_CORE`, `WINDOWS_SERVER_2016_FULL`,
    /// `WINDOWS_SERVER_2019_CORE`, `WINDOWS_SERVER_2019_FULL`, `WINDOWS_SERVER_2022_CORE`, `WINDOWS_SERVER_2022_FULL`,
    /// `WINDOWS_SERVER_2025_CORE`, `WINDOWS_SERVER_2025_FULL`, `WINDOWS_SERVER_20H2_CORE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operating_system_family: Option<Value<String>>,
}

/// The transparent proxy of a task: its container, and the connections that it intercepts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ProxyConfiguration {
    /// The type. Allowed: `APPMESH`.
    #[serde(default, rename = "Type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Value<String>>,
    /// The container. Required.
    pub container_name: Value<String>,
    /// `IgnoredUID` or `IgnoredGID`, `AppPorts`, `ProxyIngressPort`, `ProxyEgressPort`, `EgressIgnoredPorts` and
    /// `EgressIgnoredIPs`; lists are separated by commas.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proxy_configuration_properties: Vec<KeyValuePair>,
}

impl ProxyConfiguration {
    /// With these properties, and no others.
    pub fn new(container_name: impl Into<Value<String>>) -> Self {
        Self {
            kind: None,
            container_name: container_name.into(),
            proxy_configuration_properties: Vec::new(),
        }
    }
}

/// One container of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContainerDefinition {
    /// Its name, unique in the task. Required.
    pub name: Value<String>,
    /// The image, as `repository/name:tag` or `@digest`. Required.
    pub image: Value<String>,
    /// Whether the task stops when this container does. Default, decided by ECS: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub essential: Option<Value<bool>>,
    /// Replaces the image's entry point.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry_point: Option<StringList>,
    /// Replaces the image's command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<StringList>,
    /// Directory in which the command starts. Default: the image's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<Value<String>>,
    /// The user to run as, such as `1000` or `1000:1000`. Default: the image's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Value<String>>,
    /// Whether the container cannot write to its root file system. Default, decided by ECS: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readonly_root_filesystem: Option<Value<bool>>,
    /// Options of the Linux kernel, such as capabilities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linux_parameters: Option<LinuxParameters>,
    /// Environment variables. Names are unique.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<KeyValuePair>,
    /// Environment variables whose values ECS reads when the task starts. Names are unique, also among those of
    /// `Environment`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Secret>,
    /// Ports on which the container listens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub port_mappings: Vec<PortMapping>,
    /// Containers of the same task that must reach a condition before this one starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<ContainerDependency>,
    /// The health check. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<HealthCheck>,
    /// Docker labels.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub docker_labels: IndexMap<String, Value<String>>,
    /// Seconds after which a dependency on this container fails. On Fargate 2 to 120; default, decided by ECS: 3
    /// minutes on Fargate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_timeout: Option<Value<u32>>,
    /// Seconds between the stop signal and the kill. On Fargate at most 120; default, decided by ECS: 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_timeout: Option<Value<u32>>,
    /// The log driver: `LogDriver`, `Options`, `SecretOptions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_configuration: Option<Json>,
    /// Makes it the log router of the task, for containers with the log driver `awsfirelens`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firelens_configuration: Option<FirelensConfiguration>,
    /// Volumes of the task that it mounts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mount_points: Vec<MountPoint>,
    /// Kernel parameters, for the whole task in `awsvpc` mode. Default, decided by ECS: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub system_controls: Vec<SystemControl>,
    /// Properties without a field here: `Cpu`, `CredentialSpecs`, `DisableNetworking`, `DnsSearchDomains`,
    /// `DnsServers`, `DockerSecurityOptions`, `EnvironmentFiles`, `ExtraHosts`, `Hostname`, `Interactive`, `Links`,
    /// `Memory`, `MemoryReservation`, `Privileged`, `PseudoTerminal`, `RepositoryCredentials`, `ResourceRequirements`,
    /// `RestartPolicy`, `Ulimits`, `VersionConsistency`, `VolumesFrom`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ContainerDefinition {
    /// With these properties, and no others.
    pub fn new(name: impl Into<Value<String>>, image: impl Into<Value<String>>) -> Self {
        Self {
            name: name.into(),
            image: image.into(),
            essential: None,
            entry_point: None,
            command: None,
            working_directory: None,
            user: None,
            readonly_root_filesystem: None,
            linux_parameters: None,
            environment: Vec::new(),
            secrets: Vec::new(),
            port_mappings: Vec::new(),
            depends_on: Vec::new(),
            health_check: None,
            docker_labels: IndexMap::new(),
            start_timeout: None,
            stop_timeout: None,
            log_configuration: None,
            firelens_configuration: None,
            mount_points: Vec::new(),
            system_controls: Vec::new(),
            other: Map::new(),
        }
    }
}

/// A secret value: of an environment variable, or of an option of a log driver.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Secret {
    /// The name of the variable or option. Required.
    pub name: Value<String>,
    /// The ARN of a secret of Secrets Manager, with `:json-key:version-stage:version-id` if wanted, or the ARN of a
    /// parameter of Parameter Store. Required.
    pub value_from: Value<String>,
}

/// The log router of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct FirelensConfiguration {
    /// The program. Allowed: `fluentbit`, `fluentd`. Required.
    #[serde(rename = "Type")]
    pub kind: Value<String>,
    /// `enable-ecs-log-metadata`, `config-file-type` and `config-file-value`. On Fargate, the type is `file`.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub options: IndexMap<String, Value<String>>,
}

impl FirelensConfiguration {
    /// With these properties, and no others.
    pub fn new(kind: impl Into<Value<String>>) -> Self {
        Self {
            kind: kind.into(),
            options: IndexMap::new(),
        }
    }
}

/// A volume at a path of a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MountPoint {
    /// The volume's name. Required.
    pub source_volume: Value<String>,
    /// The path in the container. Required.
    pub container_path: Value<String>,
    /// Whether the container cannot write to it. Default, decided by ECS: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<Value<bool>>,
}

impl MountPoint {
    /// With these properties, and no others.
    pub fn new(source_volume: impl Into<Value<String>>, container_path: impl Into<Value<String>>) -> Self {
        Self {
            source_volume: source_volume.into(),
            container_path: container_path.into(),
            read_only: None,
        }
    }
}

/// Options of the Linux kernel for a container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LinuxParameters {
    /// The Linux capabilities that are added to those of Docker, or dropped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<KernelCapabilities>,
    /// Whether an init process forwards signals and reaps processes. Default, decided by ECS: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub init_process_enabled: Option<Value<bool>>,
    /// Properties without a field here: `Devices`, `MaxSwap`, `SharedMemorySize`, `Swappiness`, `Tmpfs`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

/// Linux capabilities, relative to Docker's default ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct KernelCapabilities {
    /// Added ones. Fargate allows `SYS_PTRACE` alone.
    ///
    /// Source: ECS API reference, `KernelCapabilities` (read 2026-11-30).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add: Option<StringList>,
    /// Dropped ones; `ALL` leaves those in `Add`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drop: Option<StringList>,
}

/// A name and a value, such as an environment variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct KeyValuePair {
    /// Its name. Required.
    pub name: Value<String>,
    /// Its value. Required.
    pub value: Value<String>,
}

/// A kernel parameter. Fargate allows those that begin with `net.`, from platform version 1.4.0 on.
///
/// Source: ECS API reference, `SystemControl` (read 2026-11-23).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SystemControl {
    /// Its name, such as `net.ipv4.ip_unprivileged_port_start`. Required.
    pub namespace: Value<String>,
    /// Its value. Required.
    pub value: Value<String>,
}

/// A port of a container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PortMapping {
    /// The name for Service Connect: at most 64 of `a-z 0-9 _ -`, not starting with `-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Value<String>>,
    /// The port in the container, 1 to 65535.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container_port: Option<Value<u32>>,
    /// The port outside. In `awsvpc` mode left out, or the same as the container's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_port: Option<Value<u32>>,
    /// The transport protocol. Default, decided by ECS: `tcp`. Allowed: `tcp`, `udp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Value<String>>,
    /// The protocol for Service Connect. Default, decided by ECS: none, which Service Connect proxies as TCP. Immutable
    /// in a service with Service Connect. Allowed: `http`, `http2`, `grpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app_protocol: Option<Value<String>>,
    /// Properties without a field here: `ContainerPortRange`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

/// A dependency on another container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ContainerDependency {
    /// The other container. Required.
    pub container_name: Value<String>,
    /// The condition to wait for. `HEALTHY` requires a health check. Allowed: `COMPLETE`, `HEALTHY`, `START`,
    /// `SUCCESS`. Required.
    pub condition: Value<String>,
}

/// The health check of a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct HealthCheck {
    /// `CMD` and a command with arguments, or `CMD-SHELL` and a shell command. Exit code 0 means healthy. Required.
    pub command: StringList,
    /// Seconds between checks, 5 to 300. Default, decided by ECS: 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Value<u32>>,
    /// Seconds until a check counts as failed, 2 to 60. Default, decided by ECS: 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Value<u32>>,
    /// Failures in a row until the container is unhealthy, 1 to 10. Default, decided by ECS: 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<Value<u32>>,
    /// Seconds at the start in which failures do not count, 0 to 300. Default, decided by ECS: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_period: Option<Value<u32>>,
}

impl HealthCheck {
    /// With these properties, and no others.
    pub fn new(command: impl Into<StringList>) -> Self {
        Self {
            command: command.into(),
            interval: None,
            timeout: None,
            retries: None,
            start_period: None,
        }
    }
}
