//! Generated from the CloudFormation resource schemas of 2026-10-20 in cfn-lint by `cargo run -p xtask -- generate`.
//! Do not edit.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::ResourceType;
use crate::value::{StringList, Value};

/// `AWS::EC2::VPC`: a virtual network.
///
/// `Ref` returns the VPC's id (`vpc-…`). `Fn::GetAtt` supports `CidrBlock`, `DefaultNetworkAcl`,
/// `DefaultSecurityGroup`, `VpcId` and others.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Vpc {
    /// Its IPv4 addresses, such as `10.0.0.0/16`: a block from /16 to /28. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_block: Option<Value<String>>,
    /// Whether instances with public addresses have host names. Default, decided by EC2: false. Private hosted zones
    /// need this and `EnableDnsSupport`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_dns_hostnames: Option<Value<bool>>,
    /// Whether the Amazon DNS server is enabled. Default, decided by EC2: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_dns_support: Option<Value<bool>>,
    /// Properties without a field here: `InstanceTenancy`, `Ipv4IpamPoolId`, `Ipv4NetmaskLength`, `Tags`,
    /// `VpcEncryptionControl`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for Vpc {
    const KIND: &'static str = "AWS::EC2::VPC";
}

/// `AWS::EC2::Subnet`: an address range of a VPC in one availability zone.
///
/// `Ref` returns the subnet's id (`subnet-…`). `Fn::GetAtt` supports `AvailabilityZone`, `CidrBlock`, `VpcId` and
/// others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Subnet {
    /// The ID of the VPC the subnet is in. Replaced when changed. Required.
    pub vpc_id: Value<String>,
    /// Its IPv4 addresses, from /16 to /28; AWS reserves five of them. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_block: Option<Value<String>>,
    /// Its availability zone. Default, decided by EC2: any. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<Value<String>>,
    /// Its IPv6 addresses, a /64 of the VPC's block. Default: none. Replaced when changed, in some cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_cidr_block: Option<Value<String>>,
    /// Properties without a field here: `AssignIpv6AddressOnCreation`, `AvailabilityZoneId`, `EnableDns64`,
    /// `EnableLniAtDeviceIndex`, `Ipv4IpamPoolId`, `Ipv4NetmaskLength`, `Ipv6IpamPoolId`, `Ipv6Native`,
    /// `Ipv6NetmaskLength`, `MapPublicIpOnLaunch`, `OutpostArn`, `PrivateDnsNameOptionsOnLaunch`, `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Subnet {
    /// With these properties, and no others.
    pub fn new(vpc_id: impl Into<Value<String>>) -> Self {
        Self {
            vpc_id: vpc_id.into(),
            cidr_block: None,
            availability_zone: None,
            ipv6_cidr_block: None,
            other: Map::new(),
        }
    }
}

impl ResourceType for Subnet {
    const KIND: &'static str = "AWS::EC2::Subnet";
}

/// `AWS::EC2::VPCCidrBlock`: further addresses of a VPC. A VPC has IPv6 addresses only by this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VpcCidrBlock {
    /// The ID of the VPC. Replaced when changed. Required.
    pub vpc_id: Value<String>,
    /// Whether Amazon assigns an IPv6 block of /56. Default, decided by EC2: false. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amazon_provided_ipv6_cidr_block: Option<Value<bool>>,
    /// Properties without a field here: `CidrBlock`, `Ipv4IpamPoolId`, `Ipv4NetmaskLength`, `Ipv6CidrBlock`,
    /// `Ipv6CidrBlockNetworkBorderGroup`, `Ipv6IpamPoolId`, `Ipv6NetmaskLength`, `Ipv6Pool`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl VpcCidrBlock {
    /// With these properties, and no others.
    pub fn new(vpc_id: impl Into<Value<String>>) -> Self {
        Self {
            vpc_id: vpc_id.into(),
            amazon_provided_ipv6_cidr_block: None,
            other: Map::new(),
        }
    }
}

impl ResourceType for VpcCidrBlock {
    const KIND: &'static str = "AWS::EC2::VPCCidrBlock";
}

/// `AWS::EC2::EIP`: a public IPv4 address.
///
/// `Ref` returns the address. `Fn::GetAtt` supports `AllocationId` and `PublicIp`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Eip {
    /// Where it is used: `vpc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<Value<String>>,
    /// Properties without a field here: `Address`, `InstanceId`, `IpamPoolId`, `NetworkBorderGroup`, `PublicIpv4Pool`,
    /// `Tags`, `TransferAddress`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for Eip {
    const KIND: &'static str = "AWS::EC2::EIP";
}

/// `AWS::EC2::NatGateway`: connects private subnets to the internet, outbound only.
///
/// `Ref` returns the gateway's id (`nat-…`).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct NatGateway {
    /// The public subnet that it is in. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_id: Option<Value<String>>,
    /// The id of its public address (`eipalloc-…`), for a public gateway. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocation_id: Option<Value<String>>,
    /// Properties without a field here: `AvailabilityMode`, `AvailabilityZoneAddresses`, `ConnectivityType`,
    /// `MaxDrainDurationSeconds`, `PrivateIpAddress`, `SecondaryAllocationIds`, `SecondaryPrivateIpAddressCount`,
    /// `SecondaryPrivateIpAddresses`, `Tags`, `VpcId`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl ResourceType for NatGateway {
    const KIND: &'static str = "AWS::EC2::NatGateway";
}

/// `AWS::EC2::VPCEndpoint`: connects a VPC to a service of AWS without the internet.
///
/// `Ref` returns the endpoint's id (`vpce-…`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct VpcEndpoint {
    /// The ID of the VPC. Replaced when changed. Required.
    pub vpc_id: Value<String>,
    /// The service, such as `com.amazonaws.eu-west-1.logs`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_name: Option<Value<String>>,
    /// `Interface`, `Gateway` and others. Default, decided by EC2: `Gateway`. Allowed: `Interface`, `Gateway`,
    /// `GatewayLoadBalancer`, `ServiceNetwork`, `Resource`, `Tunnel`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_endpoint_type: Option<Value<String>>,
    /// Whether the service's public name resolves to the endpoint, for `Interface`. Default, decided by EC2 for an API
    /// call: true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_dns_enabled: Option<Value<bool>>,
    /// The subnets with a network interface of it, for `Interface`: one for each availability zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subnet_ids: Option<StringList>,
    /// The groups of its network interfaces, for `Interface`. Default, decided by EC2: the VPC's default group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_group_ids: Option<StringList>,
    /// The route tables that get a route to it, for `Gateway`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_table_ids: Option<StringList>,
    /// Properties without a field here: `DnsOptions`, `IpAddressType`, `PolicyDocument`, `ResourceConfigurationArn`,
    /// `ServiceNetworkArn`, `ServiceRegion`, `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl VpcEndpoint {
    /// With these properties, and no others.
    pub fn new(vpc_id: impl Into<Value<String>>) -> Self {
        Self {
            vpc_id: vpc_id.into(),
            service_name: None,
            vpc_endpoint_type: None,
            private_dns_enabled: None,
            subnet_ids: None,
            security_group_ids: None,
            route_table_ids: None,
            other: Map::new(),
        }
    }
}

impl ResourceType for VpcEndpoint {
    const KIND: &'static str = "AWS::EC2::VPCEndpoint";
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
    /// The ID of the VPC. Replaced when changed. Required.
    pub vpc_id: Value<String>,
    /// The internet gateway's id. Either this or `VpnGatewayId` is required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub internet_gateway_id: Option<Value<String>>,
    /// Properties without a field here: `VpnGatewayId`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl VpcGatewayAttachment {
    /// With these properties, and no others.
    pub fn new(vpc_id: impl Into<Value<String>>) -> Self {
        Self {
            vpc_id: vpc_id.into(),
            internet_gateway_id: None,
            other: Map::new(),
        }
    }
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
    /// The ID of the VPC. Replaced when changed. Required.
    pub vpc_id: Value<String>,
    /// Properties without a field here: `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl RouteTable {
    /// With these properties, and no others.
    pub fn new(vpc_id: impl Into<Value<String>>) -> Self {
        Self {
            vpc_id: vpc_id.into(),
            other: Map::new(),
        }
    }
}

impl ResourceType for RouteTable {
    const KIND: &'static str = "AWS::EC2::RouteTable";
}

/// `AWS::EC2::Route`: the target of packets to an address range.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Route {
    /// The ID of the route table for the route. Replaced when changed. Required.
    pub route_table_id: Value<String>,
    /// The addresses, such as `0.0.0.0/0`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_cidr_block: Option<Value<String>>,
    /// The id of the internet gateway as target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway_id: Option<Value<String>>,
    /// IPv6 addresses, such as `::/0`, in place of `DestinationCidrBlock`. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_ipv6_cidr_block: Option<Value<String>>,
    /// The id of the NAT gateway as target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nat_gateway_id: Option<Value<String>>,
    /// Properties without a field here: `CarrierGatewayId`, `CoreNetworkArn`, `DestinationPrefixListId`,
    /// `EgressOnlyInternetGatewayId`, `InstanceId`, `LocalGatewayId`, `NetworkInterfaceId`, `OdbNetworkArn`,
    /// `TransitGatewayId`, `VpcEndpointId`, `VpcPeeringConnectionId`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Route {
    /// With these properties, and no others.
    pub fn new(route_table_id: impl Into<Value<String>>) -> Self {
        Self {
            route_table_id: route_table_id.into(),
            destination_cidr_block: None,
            gateway_id: None,
            destination_ipv6_cidr_block: None,
            nat_gateway_id: None,
            other: Map::new(),
        }
    }
}

impl ResourceType for Route {
    const KIND: &'static str = "AWS::EC2::Route";
}

/// `AWS::EC2::SubnetRouteTableAssociation`: associates a subnet with a table other than the main one of its VPC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SubnetRouteTableAssociation {
    /// The ID of the subnet. Replaced when changed. Required.
    pub subnet_id: Value<String>,
    /// The ID of the route table. Replaced when changed. Required.
    pub route_table_id: Value<String>,
    /// Properties without a field here: none yet.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl SubnetRouteTableAssociation {
    /// With these properties, and no others.
    pub fn new(subnet_id: impl Into<Value<String>>, route_table_id: impl Into<Value<String>>) -> Self {
        Self {
            subnet_id: subnet_id.into(),
            route_table_id: route_table_id.into(),
            other: Map::new(),
        }
    }
}

impl ResourceType for SubnetRouteTableAssociation {
    const KIND: &'static str = "AWS::EC2::SubnetRouteTableAssociation";
}

/// `AWS::EC2::SecurityGroup`: traffic that its network interfaces accept and send. An interface with several groups has
/// the permissions of all.
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
    /// Properties without a field here: `GroupName`, `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl SecurityGroup {
    /// With these properties, and no others.
    pub fn new(group_description: impl Into<Value<String>>) -> Self {
        Self {
            group_description: group_description.into(),
            vpc_id: None,
            security_group_ingress: None,
            security_group_egress: None,
            other: Map::new(),
        }
    }
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
    /// Source IPv6 addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_ipv6: Option<Value<String>>,
    /// The id of the prefix list with the source addresses (`pl-…`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_prefix_list_id: Option<Value<String>>,
    /// The id of the source security group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_security_group_id: Option<Value<String>>,
    /// A description, with the same characters as the group's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Value<String>>,
    /// Properties without a field here: `SourceSecurityGroupName`, `SourceSecurityGroupOwnerId`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Ingress {
    /// With these properties, and no others.
    pub fn new(ip_protocol: impl Into<Value<String>>) -> Self {
        Self {
            ip_protocol: ip_protocol.into(),
            from_port: None,
            to_port: None,
            cidr_ip: None,
            cidr_ipv6: None,
            source_prefix_list_id: None,
            source_security_group_id: None,
            description: None,
            other: Map::new(),
        }
    }
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
    /// Destination IPv6 addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr_ipv6: Option<Value<String>>,
    /// The id of the destination security group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_security_group_id: Option<Value<String>>,
    /// A description, with the same characters as the group's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Value<String>>,
    /// Properties without a field here: `DestinationPrefixListId`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Egress {
    /// With these properties, and no others.
    pub fn new(ip_protocol: impl Into<Value<String>>) -> Self {
        Self {
            ip_protocol: ip_protocol.into(),
            from_port: None,
            to_port: None,
            cidr_ip: None,
            cidr_ipv6: None,
            destination_security_group_id: None,
            description: None,
            other: Map::new(),
        }
    }
}
