//! Alarms and a dashboard of services, load balancers and control planes.

mod alarms;
mod dashboard;
mod metric;

use cfn::{Resource, StringList, Value, cloudwatch};

use super::{ControlPlaneHandle, LoadBalancerHandle, ServiceHandle};
use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

/// CloudWatch alarms for services and load balancers, and a dashboard with their metrics.
///
/// | of | alarm, with the thresholds decided by us |
/// |---|---|
/// | a service | CPU above 90 % and memory above 90 % of the task, for five minutes; fewer running tasks than wanted, for five minutes |
/// | an application load balancer | ten responses with 5xx a minute, of itself or its targets, in three of five minutes; 99th percentile of latency above one second, for five minutes |
/// | each load balancer | a target that its health check finds unhealthy, for five minutes |
///
/// A control plane is a service. The number of tasks that is wanted is the desired count of the service, or the minimum of
/// its autoscaling; a service whose count is a parameter has no such alarm. All metrics are free; an alarm costs $0.10 a
/// month, a dashboard $3 beyond the first three of an account (CloudWatch pricing, us-east-1, read 2026-11-30).
///
/// Source of the metrics: ECS developer guide, "Amazon ECS CloudWatch metrics", and the user guides of the load balancers,
/// "CloudWatch metrics for your Application Load Balancer" and "… Network Load Balancer" (read 2026-11-30).
#[derive(Debug, Clone)]
pub struct Monitoring {
    services: Vec<ServiceHandle>,
    load_balancers: Vec<LoadBalancerHandle>,
    topics: Vec<Value<String>>,
    has_dashboard: bool,
    thresholds: Thresholds,
}

/// Where alarms begin.
#[derive(Debug, Clone, Copy)]
struct Thresholds {
    /// Percent of a task.
    cpu: u32,
    /// Percent of a task.
    memory: u32,
    /// Responses with 5xx a minute.
    errors: u32,
    /// Milliseconds.
    latency: u32,
}

impl Monitoring {
    /// A dashboard without metrics; add what is monitored.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "constructs are made by `new`")]
    pub fn new() -> Self {
        Self {
            services: Vec::new(),
            load_balancers: Vec::new(),
            topics: Vec::new(),
            has_dashboard: true,
            thresholds: Thresholds {
                cpu: 90,
                memory: 90,
                errors: 10,
                latency: 1000,
            },
        }
    }

    /// Monitors a service.
    #[must_use]
    pub fn with_service(mut self, service: &ServiceHandle) -> Self {
        self.services.push(service.clone());
        self
    }

    /// Monitors the service of a control plane.
    #[must_use]
    pub fn with_control_plane(self, control_plane: &ControlPlaneHandle) -> Self {
        self.with_service(control_plane.service())
    }

    /// Monitors a load balancer.
    #[must_use]
    pub fn with_load_balancer(mut self, load_balancer: &LoadBalancerHandle) -> Self {
        self.load_balancers.push(load_balancer.clone());
        self
    }

    /// Notifies a topic of SNS, given by its ARN, when an alarm begins and when it ends; at most five topics. Default:
    /// none; alarms appear in the console alone.
    #[must_use]
    pub fn with_topic_arn(mut self, arn: impl Into<Value<String>>) -> Self {
        self.topics.push(arn.into());
        self
    }

    /// Leaves the dashboard out. Default: there is one.
    #[must_use]
    pub fn without_dashboard(mut self) -> Self {
        self.has_dashboard = false;
        self
    }

    /// Sets the CPU in percent of the task above which an alarm begins. Default, decided by us: 90.
    #[must_use]
    pub fn with_cpu_threshold(mut self, percent: u32) -> Self {
        self.thresholds.cpu = percent;
        self
    }

    /// Sets the memory in percent of the task above which an alarm begins. Default, decided by us: 90.
    #[must_use]
    pub fn with_memory_threshold(mut self, percent: u32) -> Self {
        self.thresholds.memory = percent;
        self
    }

    /// Sets the responses with 5xx a minute from which on an alarm begins. Default, decided by us: 10.
    #[must_use]
    pub fn with_errors_threshold(mut self, per_minute: u32) -> Self {
        self.thresholds.errors = per_minute;
        self
    }

    /// Sets the 99th percentile of latency in milliseconds above which an alarm begins. Default, decided by us: 1000.
    #[must_use]
    pub fn with_latency_threshold(mut self, milliseconds: u32) -> Self {
        self.thresholds.latency = milliseconds;
        self
    }

    fn check(&self, id: &LogicalId, scope: &mut Scope<'_>) {
        let path = format!("Resources.{id}");
        let services = self.services.iter().map(ServiceHandle::logical_id);
        let load_balancers = self.load_balancers.iter().map(LoadBalancerHandle::logical_id);
        let all: Vec<&LogicalId> = services.chain(load_balancers).collect();
        if all.is_empty() {
            let message = "monitors nothing; add Monitoring::with_service or with_load_balancer";
            scope.diagnostics().add(path.as_str(), message);
        }
        for (index, handle) in all.iter().enumerate() {
            scope.refer_to(handle, &path);
            if all[..index].contains(handle) {
                let message = format!("monitors `{handle}` twice; add it once");
                scope.diagnostics().add(path.as_str(), message);
            }
        }
        if self.topics.len() > 5 {
            let message = format!("notifies {} topics; an alarm notifies at most 5", self.topics.len());
            scope.diagnostics().add(path.as_str(), message);
        }
        for topic in self.topics.iter().filter_map(Value::known) {
            let parts: Vec<&str> = topic.split(':').collect();
            if !matches!(parts[..], ["arn", _, "sns", _, _, _]) {
                let message =
                    format!("notifies `{topic}`; expected the ARN of a topic: arn:aws:sns:REGION:ACCOUNT:NAME");
                scope.diagnostics().add(path.as_str(), message);
            }
        }
        for percent in [self.thresholds.cpu, self.thresholds.memory] {
            if !(1..=100).contains(&percent) {
                let message = format!("has a threshold of {percent} %; allowed is 1 to 100");
                scope.diagnostics().add(path.as_str(), message);
            }
        }
    }
}

/// A monitoring that was added to a stack.
#[derive(Debug, Clone)]
pub struct MonitoringHandle {
    alarms: Vec<LogicalId>,
}

impl MonitoringHandle {
    /// The logical ids of its alarms.
    #[must_use]
    pub fn alarms(&self) -> &[LogicalId] {
        &self.alarms
    }
}

impl Construct for Monitoring {
    type Handle = MonitoringHandle;
    const KIND: &'static str = "Dashboard";

    fn add_to(self, scope: &mut Scope<'_>) -> MonitoringHandle {
        let id = scope.logical_id();
        self.check(&id, scope);
        if self.has_dashboard {
            let body = dashboard::body(&self.services, &self.load_balancers);
            scope.add_resource(
                &id,
                Resource::of(&cloudwatch::Dashboard::new(Value::<String>::Sub(body))),
            );
        }
        let topics = (!self.topics.is_empty()).then(|| StringList::list(self.topics.iter().cloned()));
        let mut alarms = Vec::new();
        for (name, alarm) in self.alarms() {
            let id = scope.part(&name);
            let alarm = cloudwatch::Alarm {
                alarm_actions: topics.clone(),
                ok_actions: topics.clone(),
                ..alarm
            };
            scope.add_resource(&id, Resource::of(&alarm));
            alarms.push(id);
        }
        MonitoringHandle { alarms }
    }
}
