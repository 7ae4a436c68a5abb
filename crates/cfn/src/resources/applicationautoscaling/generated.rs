//! Generated from the CloudFormation resource schemas of 2026-10-20 in cfn-lint by `cargo run -p xtask -- generate`.
//! Do not edit.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::ResourceType;
use crate::value::Value;

/// `AWS::ApplicationAutoScaling::ScalableTarget`: a number that Application Auto Scaling changes, such as the number of
/// tasks of a service, and its limits.
///
/// `Ref` returns its id, which a [`ScalingPolicy`] takes as `ScalingTargetId`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ScalableTarget {
    /// The service of AWS that it belongs to: `ecs`. Allowed: `appstream`, `cassandra`, `comprehend`,
    /// `custom-resource`, `dynamodb`, `ec2`, `ecs`, `elasticache`, `elasticmapreduce`, `kafka`, `lambda`, `neptune`,
    /// `rds`, `sagemaker`, `workspaces`. Replaced when changed. Required.
    pub service_namespace: Value<String>,
    /// The resource: `service/CLUSTER/SERVICE` by name. Replaced when changed. Required.
    pub resource_id: Value<String>,
    /// The number: `ecs:service:DesiredCount`. Allowed: `appstream:fleet:DesiredCapacity`,
    /// `cassandra:table:ReadCapacityUnits`, `cassandra:table:WriteCapacityUnits`,
    /// `comprehend:document-classifier-endpoint:DesiredInferenceUnits`,
    /// `comprehend:entity-recognizer-endpoint:DesiredInferenceUnits`, `custom-resource:ResourceType:Property`,
    /// `dynamodb:index:ReadCapacityUnits`, `dynamodb:index:WriteCapacityUnits`, `dynamodb:table:ReadCapacityUnits`,
    /// `dynamodb:table:WriteCapacityUnits`, `ec2:capacity-reservation:AvailableInstances`,
    /// `ec2:spot-fleet-request:TargetCapacity`, `ecs:service:DesiredCount`, `elasticache:cache-cluster:Nodes`,
    /// `elasticache:replication-group:NodeGroups`, `elasticache:replication-group:Replicas`,
    /// `elasticmapreduce:instancegroup:InstanceCount`, `kafka:broker-storage:VolumeSize`,
    /// `lambda:function:ProvisionedConcurrency`, `neptune:cluster:ReadReplicaCount`, `rds:cluster:ReadReplicaCount`,
    /// `sagemaker:inference-component:DesiredCopyCount`, `sagemaker:variant:DesiredInstanceCount`,
    /// `sagemaker:variant:DesiredProvisionedConcurrency`, `workspaces:workspacespool:DesiredUserSessions`. Replaced
    /// when changed. Required.
    pub scalable_dimension: Value<String>,
    /// The lowest number. Required.
    pub min_capacity: Value<u32>,
    /// The highest number. Required.
    pub max_capacity: Value<u32>,
    /// Properties without a field here: `RoleARN`, `ScheduledActions`, `SuspendedState`, `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ScalableTarget {
    /// With these properties, and no others.
    pub fn new(
        service_namespace: impl Into<Value<String>>,
        resource_id: impl Into<Value<String>>,
        scalable_dimension: impl Into<Value<String>>,
        min_capacity: impl Into<Value<u32>>,
        max_capacity: impl Into<Value<u32>>,
    ) -> Self {
        Self {
            service_namespace: service_namespace.into(),
            resource_id: resource_id.into(),
            scalable_dimension: scalable_dimension.into(),
            min_capacity: min_capacity.into(),
            max_capacity: max_capacity.into(),
            other: Map::new(),
        }
    }
}

impl ResourceType for ScalableTarget {
    const KIND: &'static str = "AWS::ApplicationAutoScaling::ScalableTarget";
}

/// `AWS::ApplicationAutoScaling::ScalingPolicy`: a rule that changes a [`ScalableTarget`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ScalingPolicy {
    /// The name, unique for a target. Replaced when changed. Required.
    pub policy_name: Value<String>,
    /// The type: `TargetTrackingScaling`, `StepScaling` or `PredictiveScaling`. Allowed: `PredictiveScaling`,
    /// `StepScaling`, `TargetTrackingScaling`. Required.
    pub policy_type: Value<String>,
    /// The target's id. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scaling_target_id: Option<Value<String>>,
    /// The metric and its value, for `TargetTrackingScaling`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_tracking_scaling_policy_configuration: Option<TargetTracking>,
    /// Properties without a field here: `PredictiveScalingPolicyConfiguration`, `ResourceId`, `ScalableDimension`,
    /// `ServiceNamespace`, `StepScalingPolicyConfiguration`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ScalingPolicy {
    /// With these properties, and no others.
    pub fn new(policy_name: impl Into<Value<String>>, policy_type: impl Into<Value<String>>) -> Self {
        Self {
            policy_name: policy_name.into(),
            policy_type: policy_type.into(),
            scaling_target_id: None,
            target_tracking_scaling_policy_configuration: None,
            other: Map::new(),
        }
    }
}

impl ResourceType for ScalingPolicy {
    const KIND: &'static str = "AWS::ApplicationAutoScaling::ScalingPolicy";
}

/// Keeps a metric at a value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TargetTracking {
    /// The value. Required.
    pub target_value: Json,
    /// A metric that Application Auto Scaling knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predefined_metric_specification: Option<PredefinedMetric>,
    /// Seconds between two reductions. Default, decided by Application Auto Scaling for ECS: 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_in_cooldown: Option<Value<u32>>,
    /// Seconds between two increases. Default, decided by Application Auto Scaling for ECS: 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale_out_cooldown: Option<Value<u32>>,
    /// Properties without a field here: `CustomizedMetricSpecification`, `DisableScaleIn`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl TargetTracking {
    /// With these properties, and no others.
    pub fn new(target_value: Json) -> Self {
        Self {
            target_value,
            predefined_metric_specification: None,
            scale_in_cooldown: None,
            scale_out_cooldown: None,
            other: Map::new(),
        }
    }
}

/// A metric that Application Auto Scaling knows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PredefinedMetric {
    /// `ECSServiceAverageCPUUtilization`, `ECSServiceAverageMemoryUtilization`, `ALBRequestCountPerTarget` and others.
    /// Allowed: `ALBRequestCountPerTarget`, `AppStreamAverageCapacityUtilization`, `CassandraReadCapacityUtilization`,
    /// `CassandraWriteCapacityUtilization`, `ComprehendInferenceUtilization`, `DynamoDBReadCapacityUtilization`,
    /// `DynamoDBWriteCapacityUtilization`, `EC2SpotFleetRequestAverageCPUUtilization`,
    /// `EC2SpotFleetRequestAverageNetworkIn`, `EC2SpotFleetRequestAverageNetworkOut`,
    /// `ECSServiceAverageCPUUtilization`, `ECSServiceAverageCPUUtilizationHighResolution`,
    /// `ECSServiceAverageMemoryUtilization`, `ECSServiceAverageMemoryUtilizationHighResolution`,
    /// `ElastiCacheDatabaseCapacityUsageCountedForEvictPercentage`,
    /// `ElastiCacheDatabaseMemoryUsageCountedForEvictPercentage`, `ElastiCacheDatabaseMemoryUsagePercentage`,
    /// `ElastiCacheEngineCPUUtilization`, `ElastiCachePrimaryEngineCPUUtilization`,
    /// `ElastiCacheReplicaEngineCPUUtilization`, `KafkaBrokerStorageUtilization`,
    /// `LambdaProvisionedConcurrencyUtilization`, `NeptuneReaderAverageCPUUtilization`,
    /// `RDSReaderAverageCPUUtilization`, `RDSReaderAverageDatabaseConnections`,
    /// `SageMakerInferenceComponentConcurrentRequestsPerCopyHighResolution`,
    /// `SageMakerInferenceComponentInvocationsPerCopy`, `SageMakerVariantConcurrentRequestsPerModelHighResolution`,
    /// `SageMakerVariantInvocationsPerInstance`, `SageMakerVariantProvisionedConcurrencyUtilization`,
    /// `WorkSpacesAverageUserSessionsCapacityUtilization`. Required.
    pub predefined_metric_type: Value<String>,
    /// The target group, for `ALBRequestCountPerTarget`: `app/LOAD-BALANCER/ID/targetgroup/TARGET-GROUP/ID`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_label: Option<Value<String>>,
}

impl PredefinedMetric {
    /// With these properties, and no others.
    pub fn new(predefined_metric_type: impl Into<Value<String>>) -> Self {
        Self {
            predefined_metric_type: predefined_metric_type.into(),
            resource_label: None,
        }
    }
}
