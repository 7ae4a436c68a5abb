//! Generated from the CloudFormation resource schemas of 2026-10-20 in cfn-lint by `cargo run -p xtask -- generate`.
//! Do not edit.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::ResourceType;
use crate::value::{StringList, Value};

/// `AWS::CloudWatch::Alarm`: watches a metric, and acts when it is beyond a threshold.
///
/// `Ref` returns the alarm's name. `Fn::GetAtt` supports `Arn`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Alarm {
    /// The name, unique in account and region: at most 255 characters. Default, decided by CloudFormation: stack name,
    /// logical id and a random part. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm_name: Option<Value<String>>,
    /// A description, at most 1024 characters. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm_description: Option<Value<String>>,
    /// The namespace of the metric, such as `AWS/ECS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Value<String>>,
    /// The metric.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric_name: Option<Value<String>>,
    /// The dimensions of the metric, all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<Dimension>,
    /// The statistic; for percentiles see `ExtendedStatistic`. Allowed: `Average`, `Maximum`, `Minimum`, `SampleCount`,
    /// `Sum`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistic: Option<Value<String>>,
    /// A percentile in place of `Statistic`, such as `p99`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended_statistic: Option<Value<String>>,
    /// Seconds in which values are aggregated: 10, 20, 30, or a multiple of 60.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Value<u32>>,
    /// The number of periods that are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation_periods: Option<Value<u32>>,
    /// The number of these that must be beyond the threshold. Default, decided by CloudWatch: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datapoints_to_alarm: Option<Value<u32>>,
    /// The threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<Json>,
    /// How values are compared with it. Allowed: `GreaterThanOrEqualToThreshold`, `GreaterThanThreshold`,
    /// `GreaterThanUpperThreshold`, `LessThanLowerOrGreaterThanUpperThreshold`, `LessThanLowerThreshold`,
    /// `LessThanOrEqualToThreshold`, `LessThanThreshold`. Required.
    pub comparison_operator: Value<String>,
    /// What a period without values means. Default, decided by CloudWatch: `missing`. Allowed: `breaching`, `ignore`,
    /// `missing`, `notBreaching`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub treat_missing_data: Option<Value<String>>,
    /// ARNs of what is notified when the alarm is raised, such as topics of SNS: at most five.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm_actions: Option<StringList>,
    /// ARNs of what is notified when the alarm ends.
    #[serde(default, rename = "OKActions", skip_serializing_if = "Option::is_none")]
    pub ok_actions: Option<StringList>,
    /// Properties without a field here: `ActionConfiguration`, `ActionsEnabled`, `EvaluateLowSampleCountPercentile`,
    /// `EvaluationCriteria`, `EvaluationInterval`, `EvaluationWindow`, `InsufficientDataActions`, `Metrics`, `Tags`,
    /// `ThresholdMetricId`, `Unit`, `WarmUpConfiguration`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Alarm {
    /// With these properties, and no others.
    pub fn new(comparison_operator: impl Into<Value<String>>) -> Self {
        Self {
            alarm_name: None,
            alarm_description: None,
            namespace: None,
            metric_name: None,
            dimensions: Vec::new(),
            statistic: None,
            extended_statistic: None,
            period: None,
            evaluation_periods: None,
            datapoints_to_alarm: None,
            threshold: None,
            comparison_operator: comparison_operator.into(),
            treat_missing_data: None,
            alarm_actions: None,
            ok_actions: None,
            other: Map::new(),
        }
    }
}

impl ResourceType for Alarm {
    const KIND: &'static str = "AWS::CloudWatch::Alarm";
}

/// A dimension of a metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Dimension {
    /// Its name, such as `ServiceName`. Required.
    pub name: Value<String>,
    /// Its value. Required.
    pub value: Value<String>,
}

/// `AWS::CloudWatch::Dashboard`: charts of metrics on one page of the console.
///
/// `Ref` returns the dashboard's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Dashboard {
    /// The name, unique in the account: at most 255 of `a-z A-Z 0-9 _ -`. Default, decided by CloudFormation: stack
    /// name, logical id and a random part. Replaced when changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dashboard_name: Option<Value<String>>,
    /// The widgets, as JSON text. Required.
    pub dashboard_body: Value<String>,
    /// Properties without a field here: `Tags`.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl Dashboard {
    /// With these properties, and no others.
    pub fn new(dashboard_body: impl Into<Value<String>>) -> Self {
        Self {
            dashboard_name: None,
            dashboard_body: dashboard_body.into(),
            other: Map::new(),
        }
    }
}

impl ResourceType for Dashboard {
    const KIND: &'static str = "AWS::CloudWatch::Dashboard";
}
