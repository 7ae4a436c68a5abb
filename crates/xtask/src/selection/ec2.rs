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
            /// Its IPv6 addresses, a /64 of the VPC's block. Default: none.
            Ipv6CidrBlock,
        }

        /// Further addresses of a VPC. A VPC has IPv6 addresses only by this.
        VpcCidrBlock = "AWS::EC2::VPCCidrBlock" {
            VpcId,
            /// Whether Amazon assigns an IPv6 block of /56. Default, decided by EC2: false.
            AmazonProvidedIpv6CidrBlock,
        }

        /// A public IPv4 address.
        ///
        /// `Ref` returns the address. `Fn::GetAtt` supports `AllocationId` and `PublicIp`.
        Eip = "AWS::EC2::EIP" {
            /// Where it is used: `vpc`.
            Domain,
        }

        /// Connects private subnets to the internet, outbound only.
        ///
        /// `Ref` returns the gateway's id (`nat-…`).
        NatGateway = "AWS::EC2::NatGateway" {
            /// The public subnet that it is in.
            SubnetId,
            /// The id of its public address (`eipalloc-…`), for a public gateway.
            AllocationId,
        }

        /// Connects a VPC to a service of AWS without the internet.
        ///
        /// `Ref` returns the endpoint's id (`vpce-…`).
        VpcEndpoint = "AWS::EC2::VPCEndpoint" {
            VpcId,
            /// The service, such as `com.amazonaws.eu-west-1.logs`.
            ServiceName,
            /// `Interface`, `Gateway` and others. Default, decided by EC2: `Gateway`.
            VpcEndpointType,
            /// Whether the service's public name resolves to the endpoint, for `Interface`. Default, decided by EC2 for
            /// an API call: true.
            PrivateDnsEnabled,
            /// The subnets with a network interface of it, for `Interface`: one for each availability zone.
            SubnetIds,
            /// The groups of its network interfaces, for `Interface`. Default, decided by EC2: the VPC's default group.
            SecurityGroupIds,
            /// The route tables that get a route to it, for `Gateway`.
            RouteTableIds,
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
            /// IPv6 addresses, such as `::/0`, in place of `DestinationCidrBlock`.
            DestinationIpv6CidrBlock,
            /// The id of the NAT gateway as target.
            NatGatewayId,
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
            /// Source IPv6 addresses.
            CidrIpv6,
            /// The id of the prefix list with the source addresses (`pl-…`).
            SourcePrefixListId,
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
            /// Destination IPv6 addresses.
            CidrIpv6,
            /// The id of the destination security group.
            DestinationSecurityGroupId,
            /// A description, with the same characters as the group's.
            Description,
        }
    },
};
