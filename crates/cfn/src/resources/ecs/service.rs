//! `AWS::ECS::Service`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::ServiceConnectConfiguration;
use crate::ResourceType;
use crate::value::{StringList, Value};

/// `AWS::ECS::Service`: keeps a number of tasks of a task definition running.
///
/// `Ref` returns the service's ARN. `Fn::GetAtt` supports `Name` and `ServiceArn`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Service {
    /// The name, unique in the cluster. Default, decided by CloudFormation: stack name, logical id and a random
    /// part. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_name: Option<Value<String>>,
    /// The cluster, by name or ARN. Default, decided by ECS: the cluster named `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Value<String>>,
    /// The task definition, by ARN or `family:revision`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_definition: Option<Value<String>>,
    /// The number of tasks to keep running. Default, decided by CloudFormation: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_count: Option<Value<u32>>,
    /// `FARGATE`, `EC2` or `EXTERNAL`. Default, decided by ECS: the cluster's capacity provider strategy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub launch_type: Option<Value<String>>,
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
    /// Properties without a field here, `PlatformVersion` for instance.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for Service {
    const KIND: &'static str = "AWS::ECS::Service";
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
    /// Properties without a field here, `AdvancedConfiguration` for instance.
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
    /// `ENABLED` or `DISABLED`. Default, decided by ECS: `DISABLED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assign_public_ip: Option<Value<String>>,
}

/// How new tasks replace old ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeploymentConfiguration {
    /// Upper limit of running tasks during a deployment, in percent of the desired count. Default, decided by
    /// ECS: 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_percent: Option<Value<u32>>,
    /// Lower limit of healthy tasks during a deployment, in percent of the desired count. Default, decided by
    /// ECS: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_healthy_percent: Option<Value<u32>>,
    /// What happens if new tasks do not start. Default, decided by ECS: it retries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_circuit_breaker: Option<DeploymentCircuitBreaker>,
    /// Properties without a field here, `Strategy` or `Alarms` for instance.
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
    /// Properties without a field here: `ResetOnHealthyTask` and `ThresholdConfiguration`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}
