//! Generated from the CloudFormation resource schemas of 2026-10-20 in cfn-lint by `cargo run -p xtask -- generate`.
//! Do not edit.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::ResourceType;
use crate::value::Value;

/// `AWS::ServiceDiscovery::HttpNamespace`: a namespace for discovery by API calls, not by DNS.
///
/// `Ref` returns the namespace's id (`ns-…`), which Service Connect does **not** accept: it requires the name or the
/// ARN. `Fn::GetAtt` supports `Arn` and `Id`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HttpNamespace {
    /// The name, 1 to 1024 printable ASCII characters. Replaced when changed. Required.
    pub name: Value<String>,
    /// A description, at most 1024 characters. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Value<String>>,
    /// Properties without a field here: `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl HttpNamespace {
    /// With these properties, and no others.
    pub fn new(name: impl Into<Value<String>>) -> Self {
        Self {
            name: name.into(),
            description: None,
            other: Map::new(),
        }
    }
}

impl ResourceType for HttpNamespace {
    const KIND: &'static str = "AWS::ServiceDiscovery::HttpNamespace";
}

/// `AWS::ServiceDiscovery::PrivateDnsNamespace`: a namespace for discovery by DNS within a VPC.
///
/// `Ref` returns the namespace's id (`ns-…`). `Fn::GetAtt` supports `Arn`, `Id` and `HostedZoneId`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PrivateDnsNamespace {
    /// The domain, such as `appmesh` or `corp.local`; services have names such as `service.domain`. Replaced when
    /// changed. Required.
    pub name: Value<String>,
    /// The id of the VPC in which the domain resolves. Required by Cloud Map. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<Value<String>>,
    /// A description, at most 1024 characters. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Value<String>>,
    /// The domain's `SOA` record: `DnsProperties`. Default: Cloud Map's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<Json>,
    /// Properties without a field here: `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl PrivateDnsNamespace {
    /// With these properties, and no others.
    pub fn new(name: impl Into<Value<String>>, vpc: impl Into<Value<String>>) -> Self {
        Self {
            name: name.into(),
            vpc: Some(vpc.into()),
            description: None,
            properties: None,
            other: Map::new(),
        }
    }
}

impl ResourceType for PrivateDnsNamespace {
    const KIND: &'static str = "AWS::ServiceDiscovery::PrivateDnsNamespace";
}

/// `AWS::ServiceDiscovery::Service`: a name in a namespace, with registered tasks.
///
/// `Ref` returns the service's id (`srv-…`). `Fn::GetAtt` supports `Arn`, `Id` and `Name`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Service {
    /// The name in the namespace. Default, decided by CloudFormation: stack name, logical id and a random part.
    /// Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Value<String>>,
    /// The namespace's id. Required, here or in the DNS configuration. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_id: Option<Value<String>>,
    /// The DNS records of each instance. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns_config: Option<DnsConfig>,
    /// Health status set by an external checker, such as ECS. Default: none. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check_custom_config: Option<HealthCheckCustomConfig>,
    /// A description, at most 1024 characters. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Value<String>>,
    /// `HTTP` for discovery by API calls only, in a namespace with DNS. Default: the type of the namespace. Allowed:
    /// `HTTP`. Replaced when changed.
    #[serde(default, rename = "Type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Value<String>>,
    /// Properties without a field here: `HealthCheckConfig`, `ServiceAttributes`, `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for Service {
    const KIND: &'static str = "AWS::ServiceDiscovery::Service";
}

/// The DNS records of each instance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DnsConfig {
    /// The records, each of another type. Required.
    pub dns_records: Vec<DnsRecord>,
    /// `MULTIVALUE`, up to eight healthy instances, or `WEIGHTED`, one of them. Default, decided by Cloud Map:
    /// `MULTIVALUE`. Allowed: `MULTIVALUE`, `WEIGHTED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_policy: Option<Value<String>>,
    /// The namespace's id, if the service has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_id: Option<Value<String>>,
}

/// A DNS record of each instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DnsRecord {
    /// The type. Allowed: `A`, `AAAA`, `CNAME`, `SRV`. Required.
    #[serde(rename = "Type")]
    pub kind: Value<String>,
    /// Time to live in seconds. Allowed: 0 to 2147483647. Required.
    #[serde(rename = "TTL")]
    pub ttl: Value<u32>,
}

/// Health status set by an external checker.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct HealthCheckCustomConfig {
    /// Intervals of 30 s before a change of status takes effect. Cloud Map uses 1, whatever the value. Allowed: 1 to
    /// 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure_threshold: Option<Value<u32>>,
}
