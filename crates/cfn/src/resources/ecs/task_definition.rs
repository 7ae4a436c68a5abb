//! `AWS::ECS::TaskDefinition`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::{ContainerDefinition, KeyValuePair};
use crate::ResourceType;
use crate::value::{StringList, Value};

/// `AWS::ECS::TaskDefinition`: containers that run together as a task, and their resources.
///
/// `Ref` returns the ARN with its revision. `Fn::GetAtt` supports `TaskDefinitionArn`. Every change of a
/// property other than the tags creates a new revision, which CloudFormation treats as a replacement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaskDefinition {
    /// The name of the family of revisions. Default, decided by CloudFormation: stack name, logical id
    /// and a random part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Value<String>>,
    /// The task's CPU: units (`256` is a quarter vCPU) or vCPUs (`.25 vCPU`). A string in CloudFormation.
    /// Required on Fargate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Value<String>>,
    /// The task's memory: MiB (`512`) or gigabytes (`0.5 GB`). A string in CloudFormation. Required on Fargate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Value<String>>,
    /// `awsvpc`, `bridge`, `host` or `none`. Default, decided by ECS: `bridge`. Fargate requires `awsvpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network_mode: Option<Value<String>>,
    /// Launch types to validate against: `FARGATE`, `EC2`, `EXTERNAL`, `MANAGED_INSTANCES`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requires_compatibilities: Option<StringList>,
    /// The containers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub container_definitions: Vec<ContainerDefinition>,
    /// The role with which ECS pulls images and writes logs. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_role_arn: Option<Value<String>>,
    /// The role of the containers. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_role_arn: Option<Value<String>>,
    /// CPU architecture and operating system. Default, decided by ECS: `X86_64` and `LINUX`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_platform: Option<RuntimePlatform>,
    /// The transparent proxy of the task. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy_configuration: Option<ProxyConfiguration>,
    /// Properties without a field here, `Volumes` for instance.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

/// CPU architecture and operating system of a task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RuntimePlatform {
    /// `X86_64` or `ARM64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_architecture: Option<Value<String>>,
    /// `LINUX`, or one of the Windows Server editions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operating_system_family: Option<Value<String>>,
}

/// The transparent proxy of a task: its container, and the connections that it intercepts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ProxyConfiguration {
    /// `APPMESH`, the only type.
    #[serde(default, rename = "Type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Value<String>>,
    /// The container. Required.
    pub container_name: Value<String>,
    /// `IgnoredUID` or `IgnoredGID`, `AppPorts`, `ProxyIngressPort`, `ProxyEgressPort`, `EgressIgnoredPorts` and
    /// `EgressIgnoredIPs`; lists are separated by commas.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proxy_configuration_properties: Vec<KeyValuePair>,
}

impl ResourceType for TaskDefinition {
    const KIND: &'static str = "AWS::ECS::TaskDefinition";
}
