//! A network load balancer, reachable only from the addresses that the deployment specifies.

use cfn::{
    Output, Parameter, Resource, Value,
    ec2::{Egress, Ingress},
    ecs, elbv2,
};
use serde_json::{Value as Json, json};

use super::NetworkHandle;
use super::security_groups::{from_group, group, id_of, no_egress};
use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

/// The port of URLs without one, decided by us.
const DEFAULT_PORT: u16 = 80;
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
const DEREGISTRATION_DELAY: u32 = 180;
/// Seconds after a task's start in which failed checks do not count, decided by us: a target is unhealthy until its
/// registration is complete, which takes minutes, and a task that is replaced meanwhile never starts (aws/aws-cdk
/// issue 16675, read 2026-11-23).
const GRACE_PERIOD: u32 = 300;

/// The condition that the parameter is not empty.
const IS_ANYBODY_ALLOWED: &str = "IsAnybodyAllowed";

/// A network load balancer: a public address that forwards TCP connections to a port of a service's tasks.
///
/// The stack parameter `AllowedCidr`, an IPv4 block such as `203.0.113.7/32`, specifies who can connect. Its default,
/// decided by us, is empty: no address is allowed. The tasks accept connections from the load balancer on this one
/// port, and it can connect to no other.
///
/// The output `<Id>Url` is its URL. It forwards to tasks in all availability zones (cross-zone load balancing,
/// decided by us, so that a service of one task is reachable from every zone), and tasks see its addresses instead of
/// the clients'.
#[derive(Debug, Clone)]
pub struct LoadBalancer {
    network: NetworkHandle,
    target_port: u16,
    port: u16,
    name: Option<String>,
    health_check_path: Option<String>,
}

impl LoadBalancer {
    /// The name of the stack parameter with the IPv4 block that may connect. All load balancers of a stack share it.
    pub const ALLOWED_CIDR: &'static str = "AllowedCidr";

    /// A network load balancer in the subnets of a network. It forwards port 80 to this port of the tasks of the
    /// service that is added with [`Service::with_load_balancer`](crate::Service::with_load_balancer).
    #[must_use]
    pub fn network(network: &NetworkHandle, target_port: u16) -> Self {
        Self {
            network: network.clone(),
            target_port,
            port: DEFAULT_PORT,
            name: None,
            health_check_path: None,
        }
    }

    /// Sets the port on which it listens. Default, decided by us: 80.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Sets the name: at most 32 letters, digits and hyphens. Default, decided by CloudFormation: stack name, logical
    /// id and a random part, truncated.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Checks tasks by HTTP: a task is healthy if this path returns a status from 200 to 399. Default, decided by us:
    /// a task is healthy if its port accepts connections. An Envoy's port does so once it is configured; a virtual
    /// gateway has no path of its own to check.
    #[must_use]
    pub fn with_health_check_path(mut self, path: impl Into<String>) -> Self {
        self.health_check_path = Some(path.into());
        self
    }
}

/// A load balancer that was added to a stack.
#[derive(Debug, Clone)]
pub struct LoadBalancerHandle {
    id: LogicalId,
    target_group: LogicalId,
    listener: LogicalId,
    /// The security group of its targets.
    targets: LogicalId,
    target_port: u16,
}

impl LoadBalancerHandle {
    /// The load balancer's logical id.
    #[must_use]
    pub fn logical_id(&self) -> &LogicalId {
        &self.id
    }

    /// The load balancer's ARN.
    #[must_use]
    pub fn arn(&self) -> Value<String> {
        Value::reference(self.id.as_str())
    }

    /// Its DNS name.
    #[must_use]
    pub fn dns_name(&self) -> Value<String> {
        Value::attribute(self.id.as_str(), "DNSName")
    }

    /// The port of the tasks to which it forwards.
    #[must_use]
    pub fn target_port(&self) -> u16 {
        self.target_port
    }

    /// The security group with which tasks accept its connections.
    pub(super) fn security_group(&self) -> Value<String> {
        id_of(&self.targets)
    }

    /// The listener, which must exist before the service: ECS rejects a target group without one.
    pub(super) fn listener(&self) -> &LogicalId {
        &self.listener
    }

    /// Adds it to the properties of a service, with the container to which it forwards.
    pub(super) fn attach(&self, service: &mut ecs::Service, container: &Value<String>) {
        service.load_balancers.push(ecs::LoadBalancer {
            container_name: Some(container.clone()),
            container_port: Some(Value::Known(self.target_port.into())),
            target_group_arn: Some(Value::reference(self.target_group.as_str())),
            ..ecs::LoadBalancer::default()
        });
        service.health_check_grace_period_seconds = Some(Value::Known(GRACE_PERIOD));
    }
}

impl Construct for LoadBalancer {
    type Handle = LoadBalancerHandle;
    const KIND: &'static str = "LoadBalancer";

    fn add_to(self, scope: &mut Scope<'_>) -> LoadBalancerHandle {
        let id = scope.logical_id();
        let path = format!("Resources.{id}.Properties");
        scope.expect_own(self.network.logical_id(), &format!("{path}.Subnets"));
        if !self.network.has_security_groups() {
            let message = "are unknown: the tasks of the network use the VPC's default group, which the load balancer's \
                           group would replace; set Network::with_vpc_id or Network::with_security_groups";
            scope.diagnostics().add(format!("{path}.SecurityGroups"), message);
        }
        let vpc = self.network.vpc_id(scope);
        let (own_group, targets) = self.add_groups(&vpc, scope);
        let properties = elbv2::LoadBalancer {
            name: self.name.clone().map(Value::Known),
            kind: Some(Value::from("network")),
            scheme: Some(Value::from("internet-facing")),
            subnets: self.network.subnets().cloned(),
            security_groups: Some(cfn::StringList::list([id_of(&own_group)])),
            load_balancer_attributes: vec![attribute("load_balancing.cross_zone.enabled", "true")],
            ..elbv2::LoadBalancer::default()
        };
        let ways_out = self.network.internet_access().iter().map(LogicalId::as_str);
        scope.add_resource(&id, Resource::of(&properties).with_depends_on(ways_out));

        let target_group = scope.part("TargetGroup");
        scope.add_resource(&target_group, Resource::of(&self.target_group(vpc)));
        let listener = scope.part("Listener");
        let forward = elbv2::Action::forward(Value::reference(target_group.as_str()));
        let properties = elbv2::Listener {
            protocol: Some(Value::from("TCP")),
            port: Some(Value::Known(self.port.into())),
            ..elbv2::Listener::new(Value::reference(id.as_str()), vec![forward])
        };
        scope.add_resource(&listener, Resource::of(&properties));

        let port = match self.port {
            80 => String::new(),
            port => format!(":{port}"),
        };
        let url = Value::<String>::Sub(format!("http://${{{id}.DNSName}}{port}"));
        let output = Output::new(url).with_description("Where it is reached, by those whom AllowedCidr allows");
        scope.add_output(&scope.part("Url"), output);
        LoadBalancerHandle {
            id,
            target_group,
            listener,
            targets,
            target_port: self.target_port,
        }
    }
}

impl LoadBalancer {
    /// Adds its own security group and that of its targets.
    fn add_groups(&self, vpc: &Value<String>, scope: &mut Scope<'_>) -> (LogicalId, LogicalId) {
        let own = scope.part("LoadBalancerSecurityGroup");
        let to_tasks = Egress {
            from_port: Some(Value::Known(self.target_port.into())),
            to_port: Some(Value::Known(self.target_port.into())),
            // In an existing network, no group identifies the tasks, and the targets' group refers to this one: two groups
            // cannot refer to each other.
            cidr_ip: self.network.members().is_none().then(|| Value::from("0.0.0.0/0")),
            destination_security_group_id: self.network.members().map(id_of),
            description: Some(Value::from("The port of the tasks behind it")),
            ..Egress::new("tcp")
        };
        let allowed = self.allowed(scope);
        let properties = group("Who may reach the load balancer", vpc, Some(allowed), &to_tasks);
        scope.add_resource(&own, Resource::of(&properties));

        let targets = scope.part("TargetsSecurityGroup");
        let port = self.target_port;
        let from_own = from_group(&own, port..=port, "The load balancer, its checks included");
        let properties = group(
            "What tasks take from the load balancer",
            vpc,
            Some(json!([from_own])),
            &no_egress(),
        );
        scope.add_resource(&targets, Resource::of(&properties));
        (own, targets)
    }

    /// The ingress rules: the block of the parameter, or none if the parameter is empty.
    fn allowed(&self, scope: &mut Scope<'_>) -> Json {
        let pattern = r"^$|^([0-9]{1,3}\.){3}[0-9]{1,3}/([0-9]|[12][0-9]|3[0-2])$";
        let constraints = [
            ("AllowedPattern", pattern),
            (
                "ConstraintDescription",
                "must be a block of IPv4 addresses, such as 203.0.113.7/32, or nothing",
            ),
        ];
        let parameter = Parameter {
            other: constraints
                .map(|(name, text)| (name.to_owned(), Json::from(text)))
                .into_iter()
                .collect(),
            ..Parameter::new("String")
                .with_default("")
                .with_description("The IPv4 addresses that may reach the load balancer; empty for nobody")
        };
        scope.share_parameter(&scope.shared(Self::ALLOWED_CIDR), parameter);
        let is_empty = json!({"Fn::Equals": [{"Ref": Self::ALLOWED_CIDR}, ""]});
        scope.share_condition(&scope.shared(IS_ANYBODY_ALLOWED), json!({ "Fn::Not": [is_empty] }));
        let rule = Ingress {
            from_port: Some(Value::Known(self.port.into())),
            to_port: Some(Value::Known(self.port.into())),
            cidr_ip: Some(Value::reference(Self::ALLOWED_CIDR)),
            description: Some(Value::from("Whom the deployment allows")),
            ..Ingress::new("tcp")
        };
        json!({"Fn::If": [IS_ANYBODY_ALLOWED, [rule], {"Ref": "AWS::NoValue"}]})
    }

    fn target_group(&self, vpc: Value<String>) -> elbv2::TargetGroup {
        elbv2::TargetGroup {
            vpc_id: Some(vpc),
            target_type: Some(Value::from("ip")),
            protocol: Some(Value::from("TCP")),
            port: Some(Value::Known(self.target_port.into())),
            health_check_protocol: Some(Value::from(match self.health_check_path {
                Some(_) => "HTTP",
                None => "TCP",
            })),
            health_check_path: self.health_check_path.clone().map(Value::Known),
            health_check_interval_seconds: Some(Value::Known(CHECK_INTERVAL)),
            health_check_timeout_seconds: Some(Value::Known(CHECK_TIMEOUT)),
            healthy_threshold_count: Some(Value::Known(CHECKS)),
            unhealthy_threshold_count: Some(Value::Known(CHECKS)),
            target_group_attributes: vec![attribute(
                "deregistration_delay.timeout_seconds",
                &DEREGISTRATION_DELAY.to_string(),
            )],
            ..elbv2::TargetGroup::default()
        }
    }
}

fn attribute(key: &str, value: &str) -> elbv2::Attribute {
    elbv2::Attribute {
        key: Value::from(key),
        value: Value::from(value),
    }
}
