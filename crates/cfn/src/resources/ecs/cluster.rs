//! `AWS::ECS::Cluster`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::ResourceType;
use crate::value::Value;

/// `AWS::ECS::Cluster`: a group of services and tasks.
///
/// `Ref` returns the cluster's name. `Fn::GetAtt` supports `Arn`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Cluster {
    /// The name. Default, decided by CloudFormation: stack name, logical id and a random part. Replaced when
    /// changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<Value<String>>,
    /// Defaults of services without a Service Connect namespace. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_connect_defaults: Option<ServiceConnectDefaults>,
    /// Properties without a field here, `CapacityProviders` for instance.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

/// The Service Connect namespace of services that do not specify one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ServiceConnectDefaults {
    /// A Cloud Map namespace by name or ARN. ECS creates an HTTP namespace of that name if there is none, which is
    /// not deleted with the stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Value<String>>,
}

impl ResourceType for Cluster {
    const KIND: &'static str = "AWS::ECS::Cluster";
}
