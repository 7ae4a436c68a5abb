//! Log groups, alarms and dashboards.

use super::{ResourceActions, Scope};

pub(super) const TYPES: &[ResourceActions] = &[
    ResourceActions {
        kind: "AWS::Logs::LogGroup",
        rules: &[
            (Scope::Region, &["logs:DescribeIndexPolicies", "logs:DescribeLogGroups"]),
            (
                Scope::LogGroup,
                &[
                    "logs:CreateLogGroup",
                    "logs:DeleteLogGroup",
                    "logs:PutRetentionPolicy",
                    "logs:DeleteRetentionPolicy",
                    "logs:GetDataProtectionPolicy",
                    "logs:TagResource",
                    "logs:UntagResource",
                    "logs:ListTagsForResource",
                ],
            ),
        ],
        linked_services: &[],
    },
    ResourceActions {
        kind: "AWS::CloudWatch::Alarm",
        rules: &[
            (Scope::Region, &["cloudwatch:DescribeAlarms"]),
            (
                Scope::Alarm,
                &[
                    "cloudwatch:PutMetricAlarm",
                    "cloudwatch:DeleteAlarms",
                    "cloudwatch:TagResource",
                    "cloudwatch:UntagResource",
                    "cloudwatch:ListTagsForResource",
                ],
            ),
        ],
        linked_services: &[],
    },
    ResourceActions {
        kind: "AWS::CloudWatch::Dashboard",
        rules: &[(
            Scope::Dashboard,
            &[
                "cloudwatch:PutDashboard",
                "cloudwatch:GetDashboard",
                "cloudwatch:DeleteDashboards",
                "cloudwatch:TagResource",
                "cloudwatch:UntagResource",
            ],
        )],
        linked_services: &[],
    },
];
