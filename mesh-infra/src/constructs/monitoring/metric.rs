//! Metrics of services and load balancers.

use cfn::{Value, cloudwatch};
use serde_json::{Value as Json, json};

use crate::constructs::concat::in_sub;
use crate::constructs::{LoadBalancerHandle, ServiceHandle};

/// A metric: namespace, name, dimensions.
pub(super) struct Metric {
    namespace: &'static str,
    name: &'static str,
    dimensions: Vec<(&'static str, Value<String>)>,
}

impl Metric {
    pub(super) fn of_service(service: &ServiceHandle, name: &'static str) -> Self {
        Self {
            namespace: "AWS/ECS",
            name,
            dimensions: vec![("ClusterName", service.cluster()), ("ServiceName", service.name())],
        }
    }

    pub(super) fn of_load_balancer(load_balancer: &LoadBalancerHandle, name: &'static str) -> Self {
        Self {
            namespace: match load_balancer.is_application() {
                true => "AWS/ApplicationELB",
                false => "AWS/NetworkELB",
            },
            name,
            dimensions: vec![("LoadBalancer", load_balancer.full_name())],
        }
    }

    /// A metric of the load balancer's target group.
    pub(super) fn of_targets(load_balancer: &LoadBalancerHandle, name: &'static str) -> Self {
        let mut metric = Self::of_load_balancer(load_balancer, name);
        metric
            .dimensions
            .insert(0, ("TargetGroup", load_balancer.target_group_full_name()));
        metric
    }

    /// An alarm of it, with all but statistic and threshold.
    pub(super) fn alarm(&self, comparison: &str) -> cloudwatch::Alarm {
        cloudwatch::Alarm {
            namespace: Some(Value::from(self.namespace)),
            metric_name: Some(Value::from(self.name)),
            dimensions: self
                .dimensions
                .iter()
                .map(|(name, value)| cloudwatch::Dimension {
                    name: Value::from(*name),
                    value: value.clone(),
                })
                .collect(),
            period: Some(Value::Known(60)),
            evaluation_periods: Some(Value::Known(5)),
            ..cloudwatch::Alarm::new(comparison)
        }
    }

    /// As a row of a widget, within an `Fn::Sub`.
    pub(super) fn row(&self, options: &Json) -> Json {
        let mut row = vec![json!(self.namespace), json!(self.name)];
        for (name, value) in &self.dimensions {
            row.push(json!(name));
            row.push(json!(in_sub(value)));
        }
        row.push(options.clone());
        Json::from(row)
    }
}
