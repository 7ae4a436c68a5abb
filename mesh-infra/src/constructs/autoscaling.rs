//! Autoscaling of a service: the number of its tasks follows CPU, memory or requests.

use cfn::applicationautoscaling::{PredefinedMetric, ScalableTarget, ScalingPolicy, TargetTracking};
use cfn::{Resource, Value};
use serde_json::json;

use super::{ClusterHandle, LoadBalancerHandle};
use crate::stack::{LogicalId, Scope};

/// Seconds between two reductions, decided by us as by Application Auto Scaling: fewer, and a short pause of traffic would
/// remove tasks that are needed at once.
const SCALE_IN_COOLDOWN: u32 = 300;
/// Seconds between two increases, decided by us: the time in which a task starts and changes the metric. Application Auto
/// Scaling's own 300 s leave a service overloaded for longer.
const SCALE_OUT_COOLDOWN: u32 = 60;

/// Limits of a service's number of tasks, and the metrics that it follows by target tracking: Application Auto Scaling
/// adds tasks while a metric is above its target, and removes some once all metrics are below.
///
/// The service then has no `DesiredCount` in the template: each deployment would reset the number of tasks. A new service
/// starts with one task, which Application Auto Scaling raises to the minimum. The local runner starts one task.
#[derive(Debug, Clone)]
pub struct Autoscaling {
    min: u32,
    max: u32,
    metrics: Vec<(Metric, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metric {
    Cpu,
    Memory,
    Requests,
}

impl Metric {
    /// The name of its policy, in logical ids.
    fn policy(self) -> &'static str {
        match self {
            Self::Cpu => "CpuScalingPolicy",
            Self::Memory => "MemoryScalingPolicy",
            Self::Requests => "RequestScalingPolicy",
        }
    }

    fn predefined(self) -> &'static str {
        match self {
            Self::Cpu => "ECSServiceAverageCPUUtilization",
            Self::Memory => "ECSServiceAverageMemoryUtilization",
            Self::Requests => "ALBRequestCountPerTarget",
        }
    }
}

impl Autoscaling {
    /// Between `min` and `max` tasks. At least one metric is required.
    #[must_use]
    pub fn new(min: u32, max: u32) -> Self {
        Self {
            min,
            max,
            metrics: Vec::new(),
        }
    }

    /// Keeps the average CPU utilization of its tasks, Envoys included, at this percentage of the task's CPU.
    #[must_use]
    pub fn with_cpu_target(self, percent: u32) -> Self {
        self.with(Metric::Cpu, percent)
    }

    /// Keeps the average memory utilization of its tasks, Envoys included, at this percentage of the task's memory.
    #[must_use]
    pub fn with_memory_target(self, percent: u32) -> Self {
        self.with(Metric::Memory, percent)
    }

    /// Keeps the requests per task and minute at this number. The service is behind an application load balancer, which
    /// counts them.
    #[must_use]
    pub fn with_requests_target(self, per_minute: u32) -> Self {
        self.with(Metric::Requests, per_minute)
    }

    /// The number of tasks that a service has at least.
    pub(super) fn min(&self) -> u32 {
        self.min
    }

    /// Sets the target of a metric, replacing an earlier one.
    fn with(mut self, metric: Metric, target: u32) -> Self {
        self.metrics.retain(|(other, _)| *other != metric);
        self.metrics.push((metric, target));
        self
    }

    /// Adds the target and the policies of a service.
    pub(super) fn add(
        &self,
        service: &LogicalId,
        cluster: &ClusterHandle,
        load_balancer: Option<&LoadBalancerHandle>,
        scope: &mut Scope<'_>,
    ) {
        let target = scope.part("ScalableTarget");
        self.check(&target, scope);
        let cluster = cluster.logical_id().qualified();
        let properties = ScalableTarget::new(
            "ecs",
            Value::Sub(format!("service/${{{cluster}}}/${{{service}.Name}}")),
            "ecs:service:DesiredCount",
            self.min,
            self.max,
        );
        scope.add_resource(&target, Resource::of(&properties));
        for (metric, value) in &self.metrics {
            let policy = scope.part(metric.policy());
            let label = match metric {
                Metric::Requests => load_balancer.and_then(LoadBalancerHandle::request_metric),
                Metric::Cpu | Metric::Memory => None,
            };
            if *metric == Metric::Requests && label.is_none() {
                let message = "follow requests, which only an application load balancer counts; add one by \
                               Service::with_load_balancer, or follow CPU or memory";
                scope.diagnostics().add(format!("Resources.{policy}"), message);
            }
            let properties = ScalingPolicy {
                scaling_target_id: Some(Value::reference(target.as_str())),
                target_tracking_scaling_policy_configuration: Some(TargetTracking {
                    predefined_metric_specification: Some(PredefinedMetric {
                        resource_label: label,
                        ..PredefinedMetric::new(metric.predefined())
                    }),
                    scale_in_cooldown: Some(Value::Known(SCALE_IN_COOLDOWN)),
                    scale_out_cooldown: Some(Value::Known(SCALE_OUT_COOLDOWN)),
                    ..TargetTracking::new(json!(value))
                }),
                ..ScalingPolicy::new(policy.as_str(), "TargetTrackingScaling")
            };
            scope.add_resource(&policy, Resource::of(&properties));
        }
    }

    fn check(&self, target: &LogicalId, scope: &mut Scope<'_>) {
        let path = format!("Resources.{target}.Properties");
        let mut report = |field: &str, message: String| scope.diagnostics().add(format!("{path}.{field}"), message);
        if self.min > self.max {
            report(
                "MinCapacity",
                format!("is {}; the maximum is {}, which is lower", self.min, self.max),
            );
        }
        if self.metrics.is_empty() {
            report(
                "ScalableDimension",
                "follows no metric; add Autoscaling::with_cpu_target, with_memory_target or with_requests_target"
                    .to_owned(),
            );
        }
        for (metric, value) in &self.metrics {
            let allowed = match metric {
                Metric::Cpu | Metric::Memory => 1..=100,
                Metric::Requests => 1..=u32::MAX,
            };
            if !allowed.contains(value) {
                report(
                    "ScalableDimension",
                    format!(
                        "has the target {value} for {}; allowed is {} to {}",
                        metric.predefined(),
                        allowed.start(),
                        allowed.end()
                    ),
                );
            }
        }
    }
}
