//! Networks. Their identifiers are generated, so their actions are allowed in the region.

use super::{ResourceActions, Scope};

macro_rules! network {
    ($kind:literal, $($action:literal),+ $(,)?) => {
        ResourceActions {
            kind: concat!("AWS::EC2::", $kind),
            rules: &[(Scope::Region, &[$(concat!("ec2:", $action)),+])],
            linked_services: &[],
        }
    };
}

pub(super) const TYPES: &[ResourceActions] = &[
    network!(
        "VPC",
        "CreateVpc",
        "DeleteVpc",
        "ModifyVpcAttribute",
        "DescribeVpcs",
        "DescribeVpcAttribute",
        "DescribeSecurityGroups",
        "DescribeNetworkAcls",
        "CreateTags",
        "DeleteTags",
    ),
    network!(
        "VPCCidrBlock",
        "AssociateVpcCidrBlock",
        "DisassociateVpcCidrBlock",
        "DescribeVpcs"
    ),
    network!(
        "Subnet",
        "CreateSubnet",
        "DeleteSubnet",
        "ModifySubnetAttribute",
        "AssociateSubnetCidrBlock",
        "DisassociateSubnetCidrBlock",
        "DescribeSubnets",
        "DescribeNetworkAcls",
        "DescribeAvailabilityZones",
        "CreateTags",
        "DeleteTags",
    ),
    network!(
        "InternetGateway",
        "CreateInternetGateway",
        "DeleteInternetGateway",
        "DescribeInternetGateways",
        "CreateTags",
        "DeleteTags",
    ),
    network!(
        "EgressOnlyInternetGateway",
        "CreateEgressOnlyInternetGateway",
        "DeleteEgressOnlyInternetGateway",
        "DescribeEgressOnlyInternetGateways",
        "DescribeVpcs",
        "CreateTags",
        "DeleteTags",
    ),
    network!(
        "VPCGatewayAttachment",
        "AttachInternetGateway",
        "DetachInternetGateway",
        "DescribeInternetGateways",
    ),
    network!(
        "RouteTable",
        "CreateRouteTable",
        "DeleteRouteTable",
        "DescribeRouteTables",
        "CreateTags",
        "DeleteTags",
    ),
    network!(
        "Route",
        "CreateRoute",
        "ReplaceRoute",
        "DeleteRoute",
        "DescribeRouteTables",
        "DescribeNetworkInterfaces",
    ),
    network!(
        "SubnetRouteTableAssociation",
        "AssociateRouteTable",
        "DisassociateRouteTable",
        "ReplaceRouteTableAssociation",
        "DescribeRouteTables",
    ),
    network!(
        "EIP",
        "AllocateAddress",
        "ReleaseAddress",
        "DisassociateAddress",
        "DescribeAddresses",
        "CreateTags",
        "DeleteTags",
    ),
    network!(
        "NatGateway",
        "CreateNatGateway",
        "DeleteNatGateway",
        "DescribeNatGateways",
        "CreateTags",
        "DeleteTags",
    ),
    ResourceActions {
        kind: "AWS::EC2::VPCEndpoint",
        rules: &[
            (
                Scope::Region,
                &[
                    "ec2:CreateVpcEndpoint",
                    "ec2:ModifyVpcEndpoint",
                    "ec2:DeleteVpcEndpoints",
                    "ec2:DescribeVpcEndpoints",
                    "ec2:CreateTags",
                    "ec2:DeleteTags",
                ],
            ),
            // For private DNS names.
            (Scope::Global, &["route53:AssociateVPCWithHostedZone"]),
        ],
        linked_services: &[],
    },
    network!(
        "SecurityGroup",
        "CreateSecurityGroup",
        "DeleteSecurityGroup",
        "AuthorizeSecurityGroupIngress",
        "AuthorizeSecurityGroupEgress",
        "RevokeSecurityGroupIngress",
        "RevokeSecurityGroupEgress",
        "UpdateSecurityGroupRuleDescriptionsIngress",
        "UpdateSecurityGroupRuleDescriptionsEgress",
        "DescribeSecurityGroups",
        "DescribeSecurityGroupRules",
        "CreateTags",
        "DeleteTags",
    ),
    network!(
        "SecurityGroupIngress",
        "AuthorizeSecurityGroupIngress",
        "RevokeSecurityGroupIngress",
        "UpdateSecurityGroupRuleDescriptionsIngress",
        "DescribeSecurityGroupRules",
    ),
    network!(
        "SecurityGroupEgress",
        "AuthorizeSecurityGroupEgress",
        "RevokeSecurityGroupEgress",
        "UpdateSecurityGroupRuleDescriptionsEgress",
        "DescribeSecurityGroupRules",
    ),
];
