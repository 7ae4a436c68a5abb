//! Load balancers. Their ARNs are generated, so their actions are allowed in the region.

use super::{ResourceActions, Rule, Scope};

const TAGS: Rule = (
    Scope::Region,
    &[
        "elasticloadbalancing:AddTags",
        "elasticloadbalancing:RemoveTags",
        "elasticloadbalancing:DescribeTags",
    ],
);

pub(super) const TYPES: &[ResourceActions] = &[
    ResourceActions {
        kind: "AWS::ElasticLoadBalancingV2::LoadBalancer",
        rules: &[
            (
                Scope::Region,
                &[
                    "elasticloadbalancing:CreateLoadBalancer",
                    "elasticloadbalancing:DeleteLoadBalancer",
                    "elasticloadbalancing:DescribeLoadBalancers",
                    "elasticloadbalancing:DescribeLoadBalancerAttributes",
                    "elasticloadbalancing:ModifyLoadBalancerAttributes",
                    "elasticloadbalancing:DescribeCapacityReservation",
                    "elasticloadbalancing:SetSecurityGroups",
                    "elasticloadbalancing:SetSubnets",
                    "elasticloadbalancing:SetIpAddressType",
                    // With which a load balancer's network is validated.
                    "ec2:DescribeInternetGateways",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeSubnets",
                    "ec2:DescribeVpcs",
                ],
            ),
            TAGS,
        ],
        linked_services: &["elasticloadbalancing.amazonaws.com"],
    },
    ResourceActions {
        kind: "AWS::ElasticLoadBalancingV2::Listener",
        rules: &[
            (
                Scope::Region,
                &[
                    "elasticloadbalancing:CreateListener",
                    "elasticloadbalancing:DeleteListener",
                    "elasticloadbalancing:DescribeListeners",
                    "elasticloadbalancing:ModifyListener",
                    "elasticloadbalancing:DescribeListenerAttributes",
                    "elasticloadbalancing:ModifyListenerAttributes",
                ],
            ),
            TAGS,
        ],
        linked_services: &[],
    },
    ResourceActions {
        kind: "AWS::ElasticLoadBalancingV2::ListenerRule",
        rules: &[
            (
                Scope::Region,
                &[
                    "elasticloadbalancing:CreateRule",
                    "elasticloadbalancing:DeleteRule",
                    "elasticloadbalancing:DescribeRules",
                    "elasticloadbalancing:ModifyRule",
                    "elasticloadbalancing:SetRulePriorities",
                ],
            ),
            TAGS,
        ],
        linked_services: &[],
    },
    ResourceActions {
        kind: "AWS::ElasticLoadBalancingV2::TargetGroup",
        rules: &[
            (
                Scope::Region,
                &[
                    "elasticloadbalancing:CreateTargetGroup",
                    "elasticloadbalancing:DeleteTargetGroup",
                    "elasticloadbalancing:DescribeTargetGroups",
                    "elasticloadbalancing:DescribeTargetGroupAttributes",
                    "elasticloadbalancing:DescribeTargetHealth",
                    "elasticloadbalancing:ModifyTargetGroup",
                    "elasticloadbalancing:ModifyTargetGroupAttributes",
                ],
            ),
            TAGS,
        ],
        linked_services: &[],
    },
];
