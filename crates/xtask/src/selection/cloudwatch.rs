//! CloudWatch: alarms and dashboards.

use super::{Module, structs};

pub(super) const MODULE: Module = Module {
    name: "cloudwatch",
    hand_written: &[],
    structs: structs! {
        /// Watches a metric, and acts when it is beyond a threshold.
        ///
        /// `Ref` returns the alarm's name. `Fn::GetAtt` supports `Arn`.
        Alarm = "AWS::CloudWatch::Alarm" {
            /// The name, unique in account and region: at most 255 characters. Default, decided by CloudFormation: stack
            /// name, logical id and a random part.
            AlarmName,
            /// A description, at most 1024 characters. Default: none.
            AlarmDescription,
            /// The namespace of the metric, such as `AWS/ECS`.
            Namespace,
            /// The metric.
            MetricName,
            /// The dimensions of the metric, all of them.
            Dimensions,
            /// The statistic; for percentiles see `ExtendedStatistic`.
            Statistic,
            /// A percentile in place of `Statistic`, such as `p99`.
            ExtendedStatistic,
            /// Seconds in which values are aggregated: 10, 20, 30, or a multiple of 60.
            Period,
            /// The number of periods that are looked at.
            EvaluationPeriods,
            /// The number of these that must be beyond the threshold. Default, decided by CloudWatch: all.
            DatapointsToAlarm,
            /// The threshold.
            Threshold.json,
            /// How values are compared with it.
            ComparisonOperator.required,
            /// What a period without values means. Default, decided by CloudWatch: `missing`.
            TreatMissingData,
            /// ARNs of what is notified when the alarm is raised, such as topics of SNS: at most five.
            AlarmActions,
            /// ARNs of what is notified when the alarm ends.
            OKActions,
        }

        /// A dimension of a metric.
        Dimension = "AWS::CloudWatch::Alarm.Dimension" {
            /// Its name, such as `ServiceName`.
            Name,
            /// Its value.
            Value,
        }

        /// Charts of metrics on one page of the console.
        ///
        /// `Ref` returns the dashboard's name.
        Dashboard = "AWS::CloudWatch::Dashboard" {
            /// The name, unique in the account: at most 255 of `a-z A-Z 0-9 _ -`. Default, decided by CloudFormation: stack
            /// name, logical id and a random part.
            DashboardName,
            /// The widgets, as JSON text.
            DashboardBody,
        }
    },
};
