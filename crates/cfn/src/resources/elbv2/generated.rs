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
    /// The version of HTTP: `HTTP1`, `HTTP2` or `GRPC`. Default, decided by Elastic Load Balancing: `HTTP1`. Replaced
    /// when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol_version: Option<Value<String>>,
    /// The port of health checks. Default, decided by Elastic Load Balancing: `traffic-port`, that of the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_port: Option<Value<String>>,
    /// Whether targets are checked. Default, decided by Elastic Load Balancing: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_enabled: Option<Value<bool>>,
    /// Targets that no service registers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Json>,
    /// Properties without a field here: `IpAddressType`, `Tags`, `TargetControlPort`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for TargetGroup {
    const KIND: &'static str = "AWS::ElasticLoadBalancingV2::TargetGroup";
}

/// Status codes of a healthy target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Matcher {
    /// Codes from 200 to 499, such as `200,202` or `200-399`. Default, decided by Elastic Load Balancing: 200 behind an
    /// application load balancer, 200-399 behind a network load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_code: Option<Value<String>>,
    /// Codes of gRPC from 0 to 99. Default, decided by Elastic Load Balancing: 12.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grpc_code: Option<Value<String>>,
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

/// `AWS::ElasticLoadBalancingV2::ListenerCertificate`: more certificates of a listener, which it selects by the name
/// that a client asks for.
///
/// `Ref` returns an id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListenerCertificate {
    /// The listener's ARN. Replaced when changed. Required.
    pub listener_arn: Value<String>,
    /// The certificates. Required.
    pub certificates: Vec<Certificate>,
    /// Properties without a field here: none yet.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ListenerCertificate {
    /// With these properties, and no others.
    pub fn new(listener_arn: impl Into<Value<String>>, certificates: Vec<Certificate>) -> Self {
        Self {
            listener_arn: listener_arn.into(),
            certificates,
            other: Map::new(),
        }
    }
}

impl ResourceType for ListenerCertificate {
    const KIND: &'static str = "AWS::ElasticLoadBalancingV2::ListenerCertificate";
}

/// A certificate of a listener.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Certificate {
    /// Its ARN in Certificate Manager or IAM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_arn: Option<Value<String>>,
}

/// `AWS::ElasticLoadBalancingV2::ListenerRule`: a rule of a listener of an application load balancer: actions for the
/// requests that match all of its conditions.
///
/// `Ref` returns the ARN. `Fn::GetAtt` supports `RuleArn` and `IsDefault`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListenerRule {
    /// The listener's ARN. Replaced when changed. Required.
    pub listener_arn: Value<String>,
    /// Its place among the rules of its listener, from 1: the lowest is tried first. Allowed: 1 to 50000. Required.
    pub priority: Value<u32>,
    /// The conditions. Required.
    pub conditions: Vec<RuleCondition>,
    /// The actions. Required.
    pub actions: Vec<Action>,
    /// Properties without a field here: `Tags`, `Transforms`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ListenerRule {
    /// With these properties, and no others.
    pub fn new(
        listener_arn: impl Into<Value<String>>,
        priority: impl Into<Value<u32>>,
        conditions: Vec<RuleCondition>,
        actions: Vec<Action>,
    ) -> Self {
        Self {
            listener_arn: listener_arn.into(),
            priority: priority.into(),
            conditions,
            actions,
            other: Map::new(),
        }
    }
}

impl ResourceType for ListenerRule {
    const KIND: &'static str = "AWS::ElasticLoadBalancingV2::ListenerRule";
}

/// A condition of a rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RuleCondition {
    /// The type: `http-header`, `http-request-method`, `host-header`, `path-pattern`, `query-string` or `source-ip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Value<String>>,
    /// The values of `host-header` and `path-pattern`, in place of their own configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Json>,
    /// Regular expressions, in their place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex_values: Option<Json>,
    /// For `host-header`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_header_config: Option<PatternConfig>,
    /// For `http-header`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_header_config: Option<HttpHeaderConfig>,
    /// For `http-request-method`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_request_method_config: Option<HttpRequestMethodConfig>,
    /// For `path-pattern`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_pattern_config: Option<PatternConfig>,
    /// For `query-string`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_string_config: Option<QueryStringConfig>,
    /// For `source-ip`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ip_config: Option<SourceIpConfig>,
}

/// Hosts or paths of a condition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PatternConfig {
    /// Patterns with the wildcards `*` and `?`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Json>,
    /// Regular expressions, in their place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex_values: Option<Json>,
}

/// A header of a condition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct HttpHeaderConfig {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_header_name: Option<Value<String>>,
    /// Patterns of its value, with the wildcards `*` and `?`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Json>,
    /// Regular expressions, in their place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regex_values: Option<Json>,
}

/// Methods of a condition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct HttpRequestMethodConfig {
    /// Their names, with the case of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Json>,
}

/// Query parameters of a condition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct QueryStringConfig {
    /// Keys and values, one of which must be in the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<QueryStringKeyValue>,
}

/// A query parameter of a condition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct QueryStringKeyValue {
    /// The key. Default, decided by Elastic Load Balancing: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Value<String>>,
    /// A pattern of the value, with the wildcards `*` and `?`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value<String>>,
}

/// Client addresses of a condition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SourceIpConfig {
    /// Blocks of addresses, such as `192.0.2.0/24`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<StringList>,
    /// Properties without a field here: `IpAddressType`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
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
    /// Its place among the actions: the lowest is first. Required for several. Allowed: 1 to 50000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Value<u32>>,
    /// The target groups with their weights, for `forward`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_config: Option<ForwardConfig>,
    /// The response, for `fixed-response`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_response_config: Option<FixedResponseConfig>,
    /// Properties without a field here: `AuthenticateCognitoConfig`, `AuthenticateOidcConfig`, `JwtValidationConfig`.
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
            order: None,
            forward_config: None,
            fixed_response_config: None,
            other: Map::new(),
        }
    }
}

/// Target groups that share the requests.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ForwardConfig {
    /// The target groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_groups: Vec<TargetGroupTuple>,
    /// Whether a client stays with one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_group_stickiness_config: Option<TargetGroupStickinessConfig>,
}

/// A target group and its share.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TargetGroupTuple {
    /// Its ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_group_arn: Option<Value<String>>,
    /// Its weight, 0 to 999.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Value<u32>>,
}

/// Whether a client stays with a target group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TargetGroupStickinessConfig {
    /// Whether it does. Default, decided by Elastic Load Balancing: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<Value<bool>>,
    /// For how long, in seconds: 1 to 604800.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<Value<u32>>,
}

/// A response of the load balancer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct FixedResponseConfig {
    /// The status: 2XX, 4XX or 5XX. Required.
    pub status_code: Value<String>,
    /// The type of the body, such as `text/plain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<Value<String>>,
    /// The body, at most 1,024 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_body: Option<Value<String>>,
}

impl FixedResponseConfig {
    /// With these properties, and no others.
    pub fn new(status_code: impl Into<Value<String>>) -> Self {
        Self {
            status_code: status_code.into(),
            content_type: None,
            message_body: None,
        }
    }
}

/// The URL of a redirect. A part that is left out is that of the request. Each may have `#{protocol}`, `#{host}`,
/// `#{port}`, `#{path}` and `#{query}` of the request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RedirectConfig {
    /// `HTTP` or `HTTPS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Value<String>>,
    /// The port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<Value<String>>,
    /// `HTTP_301` or `HTTP_302`. Allowed: `HTTP_301`, `HTTP_302`. Required.
    pub status_code: Value<String>,
    /// The host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<Value<String>>,
    /// The path, with its first slash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Value<String>>,
    /// The query, without its question mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<Value<String>>,
}

impl RedirectConfig {
    /// With these properties, and no others.
    pub fn new(status_code: impl Into<Value<String>>) -> Self {
        Self {
            protocol: None,
            port: None,
            status_code: status_code.into(),
            host: None,
            path: None,
            query: None,
        }
    }
}
