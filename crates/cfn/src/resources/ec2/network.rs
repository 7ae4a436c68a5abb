//! VPCs, subnets, route tables and internet gateways.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::ResourceType;
use crate::value::Value;

/// `AWS::EC2::VPC`: a virtual network.
///
/// `Ref` returns the VPC's id (`vpc-…`). `Fn::GetAtt` supports `CidrBlock`, `DefaultNetworkAcl`, `DefaultSecurityGroup`,
/// `VpcId` and others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Vpc {
    /// Its IPv4 addresses, such as `10.0.0.0/16`: a block from /16 to /28. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_block: Option<Value<String>>,
    /// Whether instances with public addresses have host names. Default, decided by EC2: false. Private hosted zones need
    /// this and `EnableDnsSupport`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_dns_hostnames: Option<Value<bool>>,
    /// Whether the Amazon DNS server is enabled. Default, decided by EC2: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_dns_support: Option<Value<bool>>,
    /// Properties without a field here, `Tags` for instance.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for Vpc {
    const KIND: &'static str = "AWS::EC2::VPC";
}

/// `AWS::EC2::Subnet`: an address range of a VPC in one availability zone.
///
/// `Ref` returns the subnet's id (`subnet-…`). `Fn::GetAtt` supports `AvailabilityZone`, `CidrBlock`, `VpcId` and others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Subnet {
    /// The VPC's id. Replaced when changed. Required.
    pub vpc_id: Value<String>,
    /// Its IPv4 addresses, from /16 to /28; AWS reserves five of them. Replaced when changed.
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

/// `AWS::EC2::InternetGateway`: connects a VPC to the internet.
///
/// `Ref` returns the gateway's id (`igw-…`).
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

/// `AWS::EC2::VPCGatewayAttachment`: attaches a gateway to a VPC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VpcGatewayAttachment {
    /// The VPC's id. Replaced when changed. Required.
    pub vpc_id: Value<String>,
    /// The internet gateway's id. Either this or `VpnGatewayId` is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internet_gateway_id: Option<Value<String>>,
    /// Properties without a field here: `VpnGatewayId`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for VpcGatewayAttachment {
    const KIND: &'static str = "AWS::EC2::VPCGatewayAttachment";
}

/// `AWS::EC2::RouteTable`: routes of packets that leave a subnet.
///
/// `Ref` returns the table's id (`rtb-…`).
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

/// `AWS::EC2::Route`: the target of packets to an address range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Route {
    /// The table's id. Replaced when changed. Required.
    pub route_table_id: Value<String>,
    /// The addresses, such as `0.0.0.0/0`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_cidr_block: Option<Value<String>>,
    /// The id of the internet gateway as target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_id: Option<Value<String>>,
    /// Properties without a field here, `NatGatewayId` for instance.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for Route {
    const KIND: &'static str = "AWS::EC2::Route";
}

/// `AWS::EC2::SubnetRouteTableAssociation`: associates a subnet with a table other than the main one of its VPC.
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
