//! Security groups: who may reach whom.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::ResourceType;
use crate::value::Value;

/// `AWS::EC2::SecurityGroup`: what may come to, and leave, the network interfaces that carry it. An interface that
/// carries several may do what any of them allows.
///
/// `Ref` and `Fn::GetAtt` of `GroupId` answer the group's id (`sg-…`). `Fn::GetAtt` knows `VpcId` as well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SecurityGroup {
    /// What it is for: at most 255 letters, digits, spaces and `._-:/()#,@[]+=&;{}!$*`. Replaced when changed.
    /// Required.
    pub group_description: Value<String>,
    /// The VPC's id. Default, decided by EC2: the account's default VPC. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<Value<String>>,
    /// What may come: a list of [`Ingress`], or an expression for one. Default, decided by EC2: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_group_ingress: Option<Json>,
    /// What may leave: a list of [`Egress`], or an expression for one. Default, decided by EC2: everything, to
    /// everywhere. An empty list counts as none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_group_egress: Option<Json>,
    /// Properties without a field here, `GroupName` for instance.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for SecurityGroup {
    const KIND: &'static str = "AWS::EC2::SecurityGroup";
}

/// What may come to a security group. Its source is one of the two.
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
    /// From these IPv4 addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_ip: Option<Value<String>>,
    /// From interfaces that carry the group of this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_security_group_id: Option<Value<String>>,
    /// Why: characters as in the group's description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Value<String>>,
}

/// What may leave a security group. Its destination is one of the two.
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
    /// To these IPv4 addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_ip: Option<Value<String>>,
    /// To interfaces that carry the group of this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_security_group_id: Option<Value<String>>,
    /// Why: characters as in the group's description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Value<String>>,
}
