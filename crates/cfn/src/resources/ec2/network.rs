//! A VPC, its subnets, and its way to the internet.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::ResourceType;
use crate::value::Value;

/// `AWS::EC2::VPC`: a network of its own.
///
/// `Ref` answers the VPC's id (`vpc-…`). `Fn::GetAtt` knows `CidrBlock`, `DefaultNetworkAcl`, `DefaultSecurityGroup`,
/// `VpcId` and others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Vpc {
    /// Its IPv4 addresses, such as `10.0.0.0/16`: a block from /16 to /28. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_block: Option<Value<String>>,
    /// Whether public addresses have host names. Default, decided by EC2: false. Private hosted zones need both this
    /// and the next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_dns_hostnames: Option<Value<bool>>,
    /// Whether Amazon's resolver answers in it. Default, decided by EC2: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_dns_support: Option<Value<bool>>,
    /// Properties without a field here, `Tags` for instance.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for Vpc {
    const KIND: &'static str = "AWS::EC2::VPC";
}

/// `AWS::EC2::Subnet`: a part of a VPC, in one availability zone.
///
/// `Ref` answers the subnet's id (`subnet-…`). `Fn::GetAtt` knows `AvailabilityZone`, `CidrBlock`, `VpcId` and others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Subnet {
    /// The VPC's id. Replaced when changed. Required.
    pub vpc_id: Value<String>,
    /// Its IPv4 addresses, from /16 to /28, of which AWS keeps five. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_block: Option<Value<String>>,
    /// Its availability zone. Default, decided by EC2: any. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<Value<String>>,
    /// Properties without a field here, `MapPublicIpOnLaunch` for instance.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for Subnet {
    const KIND: &'static str = "AWS::EC2::Subnet";
}

/// `AWS::EC2::InternetGateway`: a way to the internet and back.
///
/// `Ref` answers the gateway's id (`igw-…`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InternetGateway {
    /// Properties without a field here: `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for InternetGateway {
    const KIND: &'static str = "AWS::EC2::InternetGateway";
}

/// `AWS::EC2::VPCGatewayAttachment`: that a gateway belongs to a VPC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VpcGatewayAttachment {
    /// The VPC's id. Replaced when changed. Required.
    pub vpc_id: Value<String>,
    /// The internet gateway's id. This or a VPN gateway's is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internet_gateway_id: Option<Value<String>>,
    /// Properties without a field here: `VpnGatewayId`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for VpcGatewayAttachment {
    const KIND: &'static str = "AWS::EC2::VPCGatewayAttachment";
}

/// `AWS::EC2::RouteTable`: where packets go that leave a subnet.
///
/// `Ref` answers the table's id (`rtb-…`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RouteTable {
    /// The VPC's id. Replaced when changed. Required.
    pub vpc_id: Value<String>,
    /// Properties without a field here: `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for RouteTable {
    const KIND: &'static str = "AWS::EC2::RouteTable";
}

/// `AWS::EC2::Route`: where packets for one block of addresses go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Route {
    /// The table's id. Replaced when changed. Required.
    pub route_table_id: Value<String>,
    /// The addresses, such as `0.0.0.0/0`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_cidr_block: Option<Value<String>>,
    /// The id of the internet gateway they go to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_id: Option<Value<String>>,
    /// Properties without a field here, `NatGatewayId` for instance.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for Route {
    const KIND: &'static str = "AWS::EC2::Route";
}

/// `AWS::EC2::SubnetRouteTableAssociation`: that a subnet follows a table other than its VPC's main one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SubnetRouteTableAssociation {
    /// The subnet's id. Replaced when changed. Required.
    pub subnet_id: Value<String>,
    /// The table's id. Required.
    pub route_table_id: Value<String>,
    /// Properties without a field here: none yet.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for SubnetRouteTableAssociation {
    const KIND: &'static str = "AWS::EC2::SubnetRouteTableAssociation";
}
