//! EC2: VPCs, subnets, routes and security groups.

use super::{Module, structs};

pub(super) const MODULE: Module = Module {
    name: "ec2",
    hand_written: &[],
    structs: structs! {
        /// A virtual network.
        ///
        /// `Ref` returns the VPC's id (`vpc-…`). `Fn::GetAtt` supports `CidrBlock`, `DefaultNetworkAcl`,
        /// `DefaultSecurityGroup`, `VpcId` and others.
        Vpc = "AWS::EC2::VPC" {
            /// Its IPv4 addresses, such as `10.0.0.0/16`: a block from /16 to /28.
            CidrBlock,
            /// Whether instances with public addresses have host names. Default, decided by EC2: false. Private hosted
            /// zones need this and `EnableDnsSupport`.
            EnableDnsHostnames,
            /// Whether the Amazon DNS server is enabled. Default, decided by EC2: true.
            EnableDnsSupport,
        }

        /// An address range of a VPC in one availability zone.
        ///
        /// `Ref` returns the subnet's id (`subnet-…`). `Fn::GetAtt` supports `AvailabilityZone`, `CidrBlock`, `VpcId`
        /// and others.
        Subnet = "AWS::EC2::Subnet" {
            VpcId,
            /// Its IPv4 addresses, from /16 to /28; AWS reserves five of them.
            CidrBlock,
            /// Its availability zone. Default, decided by EC2: any.
            AvailabilityZone,
        }

        /// Connects a VPC to the internet.
        ///
        /// `Ref` returns the gateway's id (`igw-…`).
        InternetGateway = "AWS::EC2::InternetGateway" {
        }

        /// Attaches a gateway to a VPC.
        VpcGatewayAttachment = "AWS::EC2::VPCGatewayAttachment" {
            VpcId,
            /// The internet gateway's id. Either this or `VpnGatewayId` is required.
            InternetGatewayId,
        }

        /// Routes of packets that leave a subnet.
        ///
        /// `Ref` returns the table's id (`rtb-…`).
        RouteTable = "AWS::EC2::RouteTable" {
            VpcId,
        }

        /// The target of packets to an address range.
        Route = "AWS::EC2::Route" {
            RouteTableId,
            /// The addresses, such as `0.0.0.0/0`.
            DestinationCidrBlock,
            /// The id of the internet gateway as target.
            GatewayId,
        }

        /// Associates a subnet with a table other than the main one of its VPC.
        SubnetRouteTableAssociation = "AWS::EC2::SubnetRouteTableAssociation" {
            SubnetId,
            RouteTableId,
        }

        /// Traffic that its network interfaces accept and send. An interface with several groups has the permissions of
        /// all.
        ///
        /// `Ref` and `Fn::GetAtt` of `GroupId` return the group's id (`sg-…`). `Fn::GetAtt` supports `VpcId` as well.
        SecurityGroup = "AWS::EC2::SecurityGroup" {
            /// The description: at most 255 letters, digits, spaces and `._-:/()#,@[]+=&;{}!$*`.
            GroupDescription,
            /// The VPC's id. Default, decided by EC2: the account's default VPC.
            VpcId,
            /// Inbound rules: a list of [`Ingress`], or an expression for one. Default, decided by EC2: nothing is
            /// allowed.
            // The list can be an expression (`Fn::If`), which a list of structs cannot contain.
            SecurityGroupIngress.json,
            /// Outbound rules: a list of [`Egress`], or an expression for one. Default, also for an empty list, decided
            /// by EC2: everything is allowed.
            SecurityGroupEgress.json,
        }

        /// An inbound rule. It has one of the sources.
        Ingress = "AWS::EC2::SecurityGroup.Ingress" {
            /// `tcp`, `udp`, `icmp`, a number, or `-1` for all.
            IpProtocol,
            /// The first port.
            FromPort,
            /// The last port.
            ToPort,
            /// Source IPv4 addresses.
            CidrIp,
            /// The id of the source security group.
            SourceSecurityGroupId,
            /// A description, with the same characters as the group's.
            Description,
        }

        /// An outbound rule. It has one of the destinations.
        Egress = "AWS::EC2::SecurityGroup.Egress" {
            /// `tcp`, `udp`, `icmp`, a number, or `-1` for all.
            IpProtocol,
            /// The first port.
            FromPort,
            /// The last port.
            ToPort,
            /// Destination IPv4 addresses.
            CidrIp,
            /// The id of the destination security group.
            DestinationSecurityGroupId,
            /// A description, with the same characters as the group's.
            Description,
        }
    },
};
