//! The target group of a load balancer: its tasks, and their health checks.

use cfn::{Value, elbv2};

use super::{Kind, LoadBalancer, attribute};

/// Interval and timeout of health checks in seconds, and the number of checks that change the state, decided by us: a
/// stopped task gets no new connections after 30 to 40 s (aws/containers-roadmap issue 470, read 2026-11-23). Elastic
/// Load Balancing's own 30 s and five successes would add minutes to each deployment.
const CHECK_INTERVAL: u32 = 10;
const CHECK_TIMEOUT: u32 = 5;
const CHECKS: u32 = 2;
/// Seconds between the deregistration of a task and its stop, decided by us. A network load balancer sends new
/// connections for two minutes or more after deregistration (aws/containers-roadmap issue 470,
/// kubernetes-sigs/aws-load-balancer-controller issues 1834 and 2366, read 2026-11-23), and ECS stops the task at the
/// end of this delay.
const NETWORK_DEREGISTRATION_DELAY: u32 = 180;
/// The same for an application load balancer, decided by us: it sends no new requests after deregistration, so only those
/// in progress need the time.
const APPLICATION_DEREGISTRATION_DELAY: u32 = 30;

impl LoadBalancer {
    pub(super) fn target_group(&self, vpc: Value<String>) -> elbv2::TargetGroup {
        let (protocol, delay) = match self.kind {
            Kind::Network => ("TCP", NETWORK_DEREGISTRATION_DELAY),
            Kind::Application => ("HTTP", APPLICATION_DEREGISTRATION_DELAY),
        };
        let (check_protocol, path, codes) = match (self.kind, &self.health_check_path) {
            (_, Some(path)) => ("HTTP", Some(path.as_str()), Some("200-399")),
            (Kind::Network, None) => ("TCP", None, None),
            (Kind::Application, None) => ("HTTP", Some("/"), Some("200-499")),
        };
        elbv2::TargetGroup {
            vpc_id: Some(vpc),
            target_type: Some(Value::from("ip")),
            protocol: Some(Value::from(protocol)),
            port: Some(Value::Known(self.target_port.into())),
            health_check_protocol: Some(Value::from(check_protocol)),
            health_check_path: path.map(Value::from),
            // Elastic Load Balancing's own default behind a network load balancer.
            matcher: codes
                .filter(|_| self.kind == Kind::Application)
                .map(|codes| elbv2::Matcher {
                    http_code: Some(Value::from(codes)),
                    ..elbv2::Matcher::default()
                }),
            health_check_interval_seconds: Some(Value::Known(CHECK_INTERVAL)),
            health_check_timeout_seconds: Some(Value::Known(CHECK_TIMEOUT)),
            healthy_threshold_count: Some(Value::Known(CHECKS)),
            unhealthy_threshold_count: Some(Value::Known(CHECKS)),
            target_group_attributes: vec![attribute("deregistration_delay.timeout_seconds", &delay.to_string())],
            ..elbv2::TargetGroup::default()
        }
    }
}
