//! Elastic Load Balancing: load balancers, listeners and target groups.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::ResourceType;
use crate::value::{StringList, Value};

/// `AWS::ElasticLoadBalancingV2::LoadBalancer`: a stable address in front of tasks.
///
/// `Ref` returns the ARN. `Fn::GetAtt` supports `DNSName`, `CanonicalHostedZoneID`, `LoadBalancerArn`,
/// `LoadBalancerFullName`, `LoadBalancerName` and `SecurityGroups`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LoadBalancer {
    /// The name: at most 32 letters, digits and hyphens, none at either end, and not beginning with `internal-`.
    /// Default, decided by CloudFormation: stack name, logical id and a random part, cut short. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Value<String>>,
    /// `application`, `gateway` or `network`. Default, decided by Elastic Load Balancing: `application`. Replaced when
    /// changed.
    #[serde(default, rename = "Type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Value<String>>,
    /// `internet-facing` or `internal`. Default, decided by Elastic Load Balancing: `internet-facing`. Replaced when
    /// changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Value<String>>,
    /// Subnet ids, of one availability zone each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnets: Option<StringList>,
    /// Security group ids. A network load balancer created without any cannot get one later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<StringList>,
    /// Settings by name, such as `load_balancing.cross_zone.enabled`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_balancer_attributes: Vec<Attribute>,
    /// Properties without a field here, `IpAddressType` for instance.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for LoadBalancer {
    const KIND: &'static str = "AWS::ElasticLoadBalancingV2::LoadBalancer";
}

/// A setting of a load balancer or a target group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Attribute {
    /// Its name.
    pub key: Value<String>,
    /// Its value.
    pub value: Value<String>,
}

/// `AWS::ElasticLoadBalancingV2::TargetGroup`: targets of requests, and their health checks.
///
/// `Ref` returns the ARN. `Fn::GetAtt` supports `LoadBalancerArns`, `TargetGroupArn`, `TargetGroupFullName` and
/// `TargetGroupName`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TargetGroup {
    /// The name: at most 32 letters, digits and hyphens, none at either end. Default, decided by CloudFormation: stack
    /// name, logical id and a random part, cut short. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Value<String>>,
    /// The VPC's id. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<Value<String>>,
    /// `ip`, `instance`, `lambda` or `alb`. Tasks in `awsvpc` mode are `ip`. Default, decided by Elastic Load Balancing:
    /// `instance`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_type: Option<Value<String>>,
    /// `TCP`, `TLS`, `UDP`, `TCP_UDP`, `HTTP`, `HTTPS` or `GENEVE`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Value<String>>,
    /// The port of targets without a port of their own. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Value<u32>>,
    /// `TCP`, `HTTP` or `HTTPS`. Default, decided by Elastic Load Balancing: `TCP` behind a network load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_protocol: Option<Value<String>>,
    /// The path of `HTTP` and `HTTPS` checks. Default, decided by Elastic Load Balancing: `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_path: Option<Value<String>>,
    /// Seconds between checks, 5 to 300. Default, decided by Elastic Load Balancing: 30.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_interval_seconds: Option<Value<u32>>,
    /// Seconds until a check counts as failed, 2 to 120. Default, decided by Elastic Load Balancing: 10 for `TCP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_timeout_seconds: Option<Value<u32>>,
    /// Successes in a row until a target is healthy, 2 to 10. Default, decided by Elastic Load Balancing: 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthy_threshold_count: Option<Value<u32>>,
    /// Failures in a row until a target is unhealthy, 2 to 10. Default, decided by Elastic Load Balancing: 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unhealthy_threshold_count: Option<Value<u32>>,
    /// Settings by name, such as `deregistration_delay.timeout_seconds`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_group_attributes: Vec<Attribute>,
    /// Properties without a field here, `Matcher` for instance.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for TargetGroup {
    const KIND: &'static str = "AWS::ElasticLoadBalancingV2::TargetGroup";
}

/// `AWS::ElasticLoadBalancingV2::Listener`: a port of a load balancer, and the actions for its connections.
///
/// `Ref` returns the ARN. `Fn::GetAtt` supports `ListenerArn`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Listener {
    /// The load balancer's ARN. Replaced when changed. Required.
    pub load_balancer_arn: Value<String>,
    /// `TCP`, `TLS`, `UDP`, `TCP_UDP`, `HTTP` or `HTTPS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Value<String>>,
    /// The port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Value<u32>>,
    /// The default actions. Required.
    pub default_actions: Vec<Action>,
    /// Properties without a field here, `Certificates` for instance.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for Listener {
    const KIND: &'static str = "AWS::ElasticLoadBalancingV2::Listener";
}

/// An action of a listener.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Action {
    /// `forward`, or an action that only application load balancers support. Required.
    #[serde(rename = "Type")]
    pub kind: Value<String>,
    /// The target group's ARN, for `forward`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_group_arn: Option<Value<String>>,
    /// Properties without a field here, `ForwardConfig` for instance.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Action {
    /// Forwards to a target group, by ARN.
    pub fn forward(target_group_arn: impl Into<Value<String>>) -> Self {
        Self {
            kind: Value::from("forward"),
            target_group_arn: Some(target_group_arn.into()),
            other: Map::new(),
        }
    }
}
