//! Application Auto Scaling: the number of tasks of an ECS service.

use super::{Module, structs};

pub(super) const MODULE: Module = Module {
    name: "applicationautoscaling",
    hand_written: &[],
    structs: structs! {
        /// A number that Application Auto Scaling changes, such as the number of tasks of a service, and its limits.
        ///
        /// `Ref` returns its id, which a [`ScalingPolicy`] takes as `ScalingTargetId`.
        ScalableTarget = "AWS::ApplicationAutoScaling::ScalableTarget" {
            /// The service of AWS that it belongs to: `ecs`.
            ServiceNamespace,
            /// The resource: `service/CLUSTER/SERVICE` by name.
            ResourceId,
            /// The number: `ecs:service:DesiredCount`.
            ScalableDimension,
            /// The lowest number.
            MinCapacity,
            /// The highest number.
            MaxCapacity,
        }

        /// A rule that changes a [`ScalableTarget`].
        ScalingPolicy = "AWS::ApplicationAutoScaling::ScalingPolicy" {
            /// The name, unique for a target.
            PolicyName,
            /// The type: `TargetTrackingScaling`, `StepScaling` or `PredictiveScaling`.
            PolicyType,
            /// The target's id.
            ScalingTargetId,
            /// The metric and its value, for `TargetTrackingScaling`.
            TargetTrackingScalingPolicyConfiguration,
        }

        /// Keeps a metric at a value.
        TargetTracking
            = "AWS::ApplicationAutoScaling::ScalingPolicy.TargetTrackingScalingPolicyConfiguration" {
            /// The value.
            // A fraction is allowed, which no scalar of layer 1 has.
            TargetValue.json,
            /// A metric that Application Auto Scaling knows.
            PredefinedMetricSpecification,
            /// Seconds between two reductions. Default, decided by Application Auto Scaling for ECS: 300.
            ScaleInCooldown,
            /// Seconds between two increases. Default, decided by Application Auto Scaling for ECS: 300.
            ScaleOutCooldown,
        }

        /// A metric that Application Auto Scaling knows.
        PredefinedMetric = "AWS::ApplicationAutoScaling::ScalingPolicy.PredefinedMetricSpecification" {
            /// `ECSServiceAverageCPUUtilization`, `ECSServiceAverageMemoryUtilization`, `ALBRequestCountPerTarget` and
            /// others.
            PredefinedMetricType,
            /// The target group, for `ALBRequestCountPerTarget`:
            /// `app/LOAD-BALANCER/ID/targetgroup/TARGET-GROUP/ID`.
            ResourceLabel,
        }
    },
};
