//! The alarms.

use cfn::{Value, cloudwatch};
use serde_json::json;

use super::Monitoring;
use super::metric::Metric;
use crate::constructs::{LoadBalancerHandle, ServiceHandle};

const ABOVE: &str = "GreaterThanThreshold";
const FROM: &str = "GreaterThanOrEqualToThreshold";
const BELOW: &str = "LessThanThreshold";

impl Monitoring {
    /// The alarms, by the ends of their logical ids.
    pub(super) fn alarms(&self) -> Vec<(String, cloudwatch::Alarm)> {
        let services = self.services.iter().flat_map(|service| self.of_service(service));
        let load_balancers = self
            .load_balancers
            .iter()
            .flat_map(|entrance| self.of_load_balancer(entrance));
        services.chain(load_balancers).collect()
    }

    fn of_service(&self, service: &ServiceHandle) -> Vec<(String, cloudwatch::Alarm)> {
        let id = service.logical_id();
        let utilization = |name: &str, metric: &'static str, percent: u32| {
            let alarm = cloudwatch::Alarm {
                alarm_description: description(&format!("{id} uses more than {percent} % of its {name}")),
                statistic: Some(Value::from("Average")),
                threshold: Some(json!(percent)),
                ..Metric::of_service(service, metric).alarm(ABOVE)
            };
            (format!("{id}{name}Alarm"), alarm)
        };
        let mut alarms = vec![
            utilization("Cpu", "CPUUtilization", self.thresholds.cpu),
            utilization("Memory", "MemoryUtilization", self.thresholds.memory),
        ];
        if let Some(tasks) = service.min_tasks().filter(|tasks| *tasks > 0) {
            let alarm = cloudwatch::Alarm {
                alarm_description: description(&format!("{id} has less than {tasks} running tasks")),
                // Each running task reports once a minute.
                statistic: Some(Value::from("SampleCount")),
                threshold: Some(json!(tasks)),
                // Without tasks, there are no values.
                treat_missing_data: Some(Value::from("breaching")),
                ..Metric::of_service(service, "CPUUtilization").alarm(BELOW)
            };
            alarms.push((format!("{id}TasksAlarm"), alarm));
        }
        alarms
    }

    fn of_load_balancer(&self, entrance: &LoadBalancerHandle) -> Vec<(String, cloudwatch::Alarm)> {
        let id = entrance.logical_id();
        let unhealthy = cloudwatch::Alarm {
            alarm_description: description(&format!("{id} has unhealthy targets")),
            statistic: Some(Value::from("Maximum")),
            threshold: Some(json!(0)),
            ..Metric::of_targets(entrance, "UnHealthyHostCount").alarm(ABOVE)
        };
        let mut alarms = vec![(format!("{id}TargetsAlarm"), unhealthy)];
        if !entrance.is_application() {
            return alarms;
        }
        let errors = self.thresholds.errors;
        for (of, metric) in [
            ("Own", "HTTPCode_ELB_5XX_Count"),
            ("Target", "HTTPCode_Target_5XX_Count"),
        ] {
            let source = if of == "Own" { "itself" } else { "its targets" };
            let text = format!("{id} returns {errors} or more responses with 5xx a minute, of {source}");
            let alarm = cloudwatch::Alarm {
                alarm_description: description(&text),
                statistic: Some(Value::from("Sum")),
                threshold: Some(json!(errors)),
                datapoints_to_alarm: Some(Value::Known(3)),
                // Without such responses, there are no values.
                treat_missing_data: Some(Value::from("notBreaching")),
                ..Metric::of_load_balancer(entrance, metric).alarm(FROM)
            };
            alarms.push((format!("{id}{of}ErrorsAlarm"), alarm));
        }
        let latency = self.thresholds.latency;
        let alarm = cloudwatch::Alarm {
            alarm_description: description(&format!("The 99th percentile of {id}'s latency is above {latency} ms")),
            extended_statistic: Some(Value::from("p99")),
            threshold: Some(json!(f64::from(latency) / 1000.0)),
            treat_missing_data: Some(Value::from("notBreaching")),
            ..Metric::of_load_balancer(entrance, "TargetResponseTime").alarm(ABOVE)
        };
        alarms.push((format!("{id}LatencyAlarm"), alarm));
        alarms
    }
}

fn description(text: &str) -> Option<Value<String>> {
    Some(Value::from(text))
}
