//! ECS, and Application Auto Scaling of its services.

use super::{ResourceActions, Scope};

const TAGS: &[&str] = &["ecs:TagResource", "ecs:UntagResource", "ecs:ListTagsForResource"];
const SERVICE: &str = "ecs.amazonaws.com";
const SCALING: &str = "ecs.application-autoscaling.amazonaws.com";

pub(super) const TYPES: &[ResourceActions] = &[
    ResourceActions {
        kind: "AWS::ECS::Cluster",
        rules: &[
            // Has no resource before the cluster exists.
            (Scope::Region, &["ecs:CreateCluster"]),
            (
                Scope::Cluster,
                &[
                    "ecs:DescribeClusters",
                    "ecs:UpdateCluster",
                    "ecs:UpdateClusterSettings",
                    "ecs:PutClusterCapacityProviders",
                    "ecs:DeleteCluster",
                ],
            ),
            (Scope::Cluster, TAGS),
        ],
        linked_services: &[SERVICE],
    },
    ResourceActions {
        kind: "AWS::ECS::ClusterCapacityProviderAssociations",
        rules: &[
            (
                Scope::Region,
                &["ecs:DescribeCapacityProviders", "ecs:DescribeClusters"],
            ),
            (Scope::Region, &["ecs:PutClusterCapacityProviders"]),
        ],
        linked_services: &[],
    },
    ResourceActions {
        kind: "AWS::ECS::TaskDefinition",
        rules: &[
            (
                Scope::Region,
                &["ecs:DeregisterTaskDefinition", "ecs:DescribeTaskDefinition"],
            ),
            (Scope::TaskDefinition, &["ecs:RegisterTaskDefinition"]),
            (Scope::TaskDefinition, TAGS),
        ],
        linked_services: &[],
    },
    ResourceActions {
        kind: "AWS::ECS::Service",
        rules: &[
            (
                Scope::Service,
                &[
                    "ecs:CreateService",
                    "ecs:DescribeServices",
                    "ecs:UpdateService",
                    "ecs:DeleteService",
                    "ecs:ListServiceDeployments",
                    "ecs:DescribeServiceDeployments",
                    "ecs:DescribeServiceRevisions",
                    "ecs:StopServiceDeployment",
                ],
            ),
            (Scope::Service, TAGS),
        ],
        linked_services: &[SERVICE],
    },
    ResourceActions {
        kind: "AWS::ApplicationAutoScaling::ScalableTarget",
        rules: &[(
            Scope::Region,
            &[
                "application-autoscaling:RegisterScalableTarget",
                "application-autoscaling:DeregisterScalableTarget",
                "application-autoscaling:DescribeScalableTargets",
                "application-autoscaling:TagResource",
                "application-autoscaling:UntagResource",
                "application-autoscaling:ListTagsForResource",
            ],
        )],
        linked_services: &[SCALING],
    },
    ResourceActions {
        kind: "AWS::ApplicationAutoScaling::ScalingPolicy",
        rules: &[(
            Scope::Region,
            &[
                "application-autoscaling:PutScalingPolicy",
                "application-autoscaling:DeleteScalingPolicy",
                "application-autoscaling:DescribeScalingPolicies",
            ],
        )],
        linked_services: &[SCALING],
    },
];
