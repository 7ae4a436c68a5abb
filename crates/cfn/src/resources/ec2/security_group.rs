//! Security groups.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::ResourceType;
use crate::value::Value;

/// `AWS::EC2::SecurityGroup`: traffic that its network interfaces accept and send. An interface with several groups
/// has the permissions of all.
///
/// `Ref` and `Fn::GetAtt` of `GroupId` return the group's id (`sg-…`). `Fn::GetAtt` supports `VpcId` as well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SecurityGroup {
    /// The description: at most 255 letters, digits, spaces and `._-:/()#,@[]+=&;{}!$*`. Replaced when changed.
    /// Required.
    pub group_description: Value<String>,
    /// The VPC's id. Default, decided by EC2: the account's default VPC. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<Value<String>>,
    /// Inbound rules: a list of [`Ingress`], or an expression for one. Default, decided by EC2: nothing is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_group_ingress: Option<Json>,
    /// Outbound rules: a list of [`Egress`], or an expression for one. Default, also for an empty list, decided by EC2:
    /// everything is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_group_egress: Option<Json>,
    /// Properties without a field here, `GroupName` for instance.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for SecurityGroup {
    const KIND: &'static str = "AWS::EC2::SecurityGroup";
}

/// An inbound rule. It has one of the sources.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Ingress {
    /// `tcp`, `udp`, `icmp`, a number, or `-1` for all. Required.
    pub ip_protocol: Value<String>,
    /// The first port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_port: Option<Value<u32>>,
    /// The last port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_port: Option<Value<u32>>,
    /// Source IPv4 addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_ip: Option<Value<String>>,
    /// The id of the source security group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_security_group_id: Option<Value<String>>,
    /// A description, with the same characters as the group's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Value<String>>,
}

/// An outbound rule. It has one of the destinations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Egress {
    /// `tcp`, `udp`, `icmp`, a number, or `-1` for all. Required.
    pub ip_protocol: Value<String>,
    /// The first port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_port: Option<Value<u32>>,
    /// The last port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_port: Option<Value<u32>>,
    /// Destination IPv4 addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_ip: Option<Value<String>>,
    /// The id of the destination security group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_security_group_id: Option<Value<String>>,
    /// A description, with the same characters as the group's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Value<String>>,
}
