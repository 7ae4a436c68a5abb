//! Generated from the CloudFormation resource schemas of 2026-10-20 in cfn-lint by `cargo run -p xtask -- generate`.
//! Do not edit.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::ResourceType;
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
    /// The type. Default, decided by Elastic Load Balancing: `application`. Allowed: `application`, `gateway`,
    /// `network`. Replaced when changed.
    #[serde(default, rename = "Type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Value<String>>,
    /// Whether it has public addresses. Default, decided by Elastic Load Balancing: `internet-facing`. Allowed:
    /// `internal`, `internet-facing`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheme: Option<Value<String>>,
    /// The families of its addresses: `ipv4`, `dualstack` or, with IPv6 clients alone, `dualstack-without-public-ipv4`.
    /// Default, decided by Elastic Load Balancing: `ipv4`. Allowed: `dualstack`, `dualstack-without-public-ipv4`,
    /// `ipv4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_address_type: Option<Value<String>>,
    /// Subnet ids, of one availability zone each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnets: Option<StringList>,
    /// Security group ids. A network load balancer created without any cannot get one later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<StringList>,
    /// Settings by name, such as `load_balancing.cross_zone.enabled`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub load_balancer_attributes: Vec<Attribute>,
    /// Properties without a field here: `EnableCapacityReservationProvisionStabilize`, `EnablePrefixForIpv6SourceNat`,
    /// `EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic`, `Ipv4IpamPoolId`, `MinimumLoadBalancerCapacity`,
    /// `SubnetMappings`, `Tags`.
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
    /// Its name. Required.
    pub key: Value<String>,
    /// Its value. Required.
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
    /// The type of targets. Tasks in `awsvpc` mode are `ip`. Default, decided by Elastic Load Balancing: `instance`.
    /// Allowed: `alb`, `instance`, `ip`, `lambda`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_type: Option<Value<String>>,
    /// The protocol to use for routing traffic to the targets. Allowed: `GENEVE`, `HTTP`, `HTTPS`, `QUIC`, `TCP`,
    /// `TCP_QUIC`, `TCP_UDP`, `TLS`, `UDP`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Value<String>>,
    /// The port of targets without a port of their own. Allowed: 1 to 65535. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Value<u32>>,
    /// The protocol of health checks. Default, decided by Elastic Load Balancing: `TCP` behind a network load balancer.
    /// Allowed: `GENEVE`, `HTTP`, `HTTPS`, `QUIC`, `TCP`, `TCP_QUIC`, `TCP_UDP`, `TLS`, `UDP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_protocol: Option<Value<String>>,
    /// The path of `HTTP` and `HTTPS` checks. Default, decided by Elastic Load Balancing: `/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_path: Option<Value<String>>,
    /// The status codes of a healthy target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matcher: Option<Matcher>,
    /// Seconds between checks. Default, decided by Elastic Load Balancing: 30. Allowed: 5 to 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_interval_seconds: Option<Value<u32>>,
    /// Seconds until a check counts as failed. Default, decided by Elastic Load Balancing: 10 for `TCP`. Allowed: 2 to
    /// 120.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_timeout_seconds: Option<Value<u32>>,
    /// Successes in a row until a target is healthy. Default, decided by Elastic Load Balancing: 5. Allowed: 2 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthy_threshold_count: Option<Value<u32>>,
    /// Failures in a row until a target is unhealthy. Default, decided by Elastic Load Balancing: 2. Allowed: 2 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unhealthy_threshold_count: Option<Value<u32>>,
    /// Settings by name, such as `deregistration_delay.timeout_seconds`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_group_attributes: Vec<Attribute>,
    /// Properties without a field here: `HealthCheckEnabled`, `HealthCheckPort`, `IpAddressType`, `ProtocolVersion`,
    /// `Tags`, `TargetControlPort`, `Targets`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for TargetGroup {
    const KIND: &'static str = "AWS::ElasticLoadBalancingV2::TargetGroup";
}

/// Status codes of a healthy target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Matcher {
    /// Codes from 200 to 499, such as `200,202` or `200-399`. Default, decided by Elastic Load Balancing: 200 behind an
    /// application load balancer, 200-399 behind a network load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_code: Option<Value<String>>,
    /// Properties without a field here: `GrpcCode`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

/// `AWS::ElasticLoadBalancingV2::Listener`: a port of a load balancer, and the actions for its connections.
///
/// `Ref` returns the ARN. `Fn::GetAtt` supports `ListenerArn`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Listener {
    /// The load balancer's ARN. Replaced when changed. Required.
    pub load_balancer_arn: Value<String>,
    /// The protocol for connections from clients to the load balancer. Allowed: `GENEVE`, `HTTP`, `HTTPS`, `QUIC`,
    /// `TCP`, `TCP_QUIC`, `TCP_UDP`, `TLS`, `UDP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Value<String>>,
    /// The port on which the load balancer is listening. Allowed: 1 to 65535.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Value<u32>>,
    /// The default certificate, for `HTTPS` and `TLS`: a list of one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Certificate>,
    /// The security policy, which specifies protocols and ciphers, for `HTTPS` and `TLS`. Default, decided by Elastic
    /// Load Balancing: `ELBSecurityPolicy-2016-08`, which allows TLS 1.0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssl_policy: Option<Value<String>>,
    /// The default actions. Required.
    pub default_actions: Vec<Action>,
    /// Properties without a field here: `AlpnPolicy`, `ListenerAttributes`, `MutualAuthentication`, `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Listener {
    /// With these properties, and no others.
    pub fn new(load_balancer_arn: impl Into<Value<String>>, default_actions: Vec<Action>) -> Self {
        Self {
            load_balancer_arn: load_balancer_arn.into(),
            protocol: None,
            port: None,
            certificates: Vec::new(),
            ssl_policy: None,
            default_actions,
            other: Map::new(),
        }
    }
}

impl ResourceType for Listener {
    const KIND: &'static str = "AWS::ElasticLoadBalancingV2::Listener";
}

/// A certificate of a listener.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Certificate {
    /// Its ARN in Certificate Manager or IAM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_arn: Option<Value<String>>,
}

/// An action of a listener.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Action {
    /// The type. Network load balancers support `forward` alone. Allowed: `authenticate-cognito`, `authenticate-oidc`,
    /// `fixed-response`, `forward`, `jwt-validation`, `redirect`. Required.
    #[serde(rename = "Type")]
    pub kind: Value<String>,
    /// The target group's ARN, for `forward`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_group_arn: Option<Value<String>>,
    /// The other URL, for `redirect`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_config: Option<RedirectConfig>,
    /// Properties without a field here: `AuthenticateCognitoConfig`, `AuthenticateOidcConfig`, `FixedResponseConfig`,
    /// `ForwardConfig`, `JwtValidationConfig`, `Order`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Action {
    /// With these properties, and no others.
    pub fn new(kind: impl Into<Value<String>>) -> Self {
        Self {
            kind: kind.into(),
            target_group_arn: None,
            redirect_config: None,
            other: Map::new(),
        }
    }
}

/// The URL of a redirect. A part that is left out is that of the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RedirectConfig {
    /// `HTTP` or `HTTPS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Value<String>>,
    /// The port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Value<String>>,
    /// `HTTP_301` or `HTTP_302`. Allowed: `HTTP_301`, `HTTP_302`. Required.
    pub status_code: Value<String>,
    /// Properties without a field here: `Host`, `Path`, `Query`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl RedirectConfig {
    /// With these properties, and no others.
    pub fn new(status_code: impl Into<Value<String>>) -> Self {
        Self {
            protocol: None,
            port: None,
            status_code: status_code.into(),
            other: Map::new(),
        }
    }
}
