//! Roles, policies, parameters and Cloud Map.

use super::{ResourceActions, Rule, Scope};

const CLOUD_MAP_TAGS: Rule = (
    Scope::Region,
    &[
        "servicediscovery:TagResource",
        "servicediscovery:UntagResource",
        "servicediscovery:ListTagsForResource",
    ],
);

pub(super) const TYPES: &[ResourceActions] = &[
    ResourceActions {
        kind: "AWS::IAM::Role",
        rules: &[
            (
                Scope::NewRole,
                &[
                    "iam:CreateRole",
                    "iam:PutRolePolicy",
                    "iam:DeleteRolePolicy",
                    "iam:AttachRolePolicy",
                    "iam:DetachRolePolicy",
                    "iam:PutRolePermissionsBoundary",
                ],
            ),
            (
                Scope::Role,
                &[
                    "iam:GetRole",
                    "iam:GetRolePolicy",
                    "iam:ListRolePolicies",
                    "iam:ListAttachedRolePolicies",
                    "iam:UpdateRole",
                    "iam:UpdateRoleDescription",
                    "iam:UpdateAssumeRolePolicy",
                    "iam:TagRole",
                    "iam:UntagRole",
                    "iam:DeleteRole",
                ],
            ),
            (Scope::PassRole, &["iam:PassRole"]),
        ],
        linked_services: &[],
    },
    ResourceActions {
        kind: "AWS::IAM::ManagedPolicy",
        rules: &[(
            Scope::ManagedPolicy,
            &[
                "iam:CreatePolicy",
                "iam:CreatePolicyVersion",
                "iam:DeletePolicyVersion",
                "iam:DeletePolicy",
                "iam:GetPolicy",
                "iam:GetPolicyVersion",
                "iam:ListPolicyVersions",
                "iam:ListEntitiesForPolicy",
                "iam:TagPolicy",
                "iam:UntagPolicy",
            ],
        )],
        linked_services: &[],
    },
    ResourceActions {
        kind: "AWS::SSM::Parameter",
        rules: &[
            (Scope::Region, &["ssm:DescribeParameters"]),
            (
                Scope::Parameter,
                &[
                    "ssm:PutParameter",
                    "ssm:GetParameter",
                    "ssm:GetParameters",
                    "ssm:DeleteParameter",
                    "ssm:AddTagsToResource",
                    "ssm:RemoveTagsFromResource",
                    "ssm:ListTagsForResource",
                ],
            ),
        ],
        linked_services: &[],
    },
    ResourceActions {
        kind: "AWS::ServiceDiscovery::HttpNamespace",
        rules: &[
            (
                Scope::Region,
                &[
                    "servicediscovery:CreateHttpNamespace",
                    "servicediscovery:UpdateHttpNamespace",
                    "servicediscovery:DeleteNamespace",
                    "servicediscovery:GetNamespace",
                    "servicediscovery:GetOperation",
                ],
            ),
            CLOUD_MAP_TAGS,
        ],
        linked_services: &[],
    },
    ResourceActions {
        kind: "AWS::ServiceDiscovery::PrivateDnsNamespace",
        rules: &[
            (
                Scope::Region,
                &[
                    "servicediscovery:CreatePrivateDnsNamespace",
                    "servicediscovery:UpdatePrivateDnsNamespace",
                    "servicediscovery:DeleteNamespace",
                    "servicediscovery:GetNamespace",
                    "servicediscovery:GetOperation",
                    "ec2:DescribeVpcs",
                    "ec2:DescribeRegions",
                ],
            ),
            // Cloud Map makes the namespace's hosted zone with the caller's permissions. Route 53 is no regional service.
            (
                Scope::Global,
                &[
                    "route53:CreateHostedZone",
                    "route53:GetHostedZone",
                    "route53:ListHostedZonesByName",
                    "route53:ChangeResourceRecordSets",
                    "route53:DeleteHostedZone",
                ],
            ),
            CLOUD_MAP_TAGS,
        ],
        linked_services: &[],
    },
    ResourceActions {
        kind: "AWS::ServiceDiscovery::Service",
        rules: &[
            (
                Scope::Region,
                &[
                    "servicediscovery:CreateService",
                    "servicediscovery:UpdateService",
                    "servicediscovery:DeleteService",
                    "servicediscovery:GetService",
                    "servicediscovery:GetOperation",
                ],
            ),
            CLOUD_MAP_TAGS,
        ],
        linked_services: &[],
    },
];
