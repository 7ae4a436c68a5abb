//! The way in from outside: a network load balancer, which only those may reach whom the deployment names.

use cfn::{
    Output, Parameter, Resource, Value,
    ec2::{Egress, Ingress},
    ecs, elbv2,
};
use serde_json::{Map, Value as Json, json};

use super::NetworkHandle;
use super::security_groups::{from_group, group, id_of, nowhere};
use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

/// The port that addresses without one lead to, decided by us.
const DEFAULT_PORT: u16 = 80;
/// Seconds between checks, for an answer, and how many of them count, decided by us: a task that is gone gets no new
/// connections after 30 to 40 s (aws/containers-roadmap issue 470, read 2026-11-23). Elastic Load Balancing's own 30 s and
/// five successes would make each deployment wait for minutes more.
const CHECK_INTERVAL: u32 = 10;
const CHECK_TIMEOUT: u32 = 5;
const CHECKS: u32 = 2;
/// Seconds for which connections to a task that is to stop are left alone, decided by us. A network load balancer goes on
/// sending new ones for two minutes or more, whatever it is told (aws/containers-roadmap issue 470,
/// kubernetes-sigs/aws-load-balancer-controller issues 1834 and 2366, read 2026-11-23), and ECS stops the task when this
/// time is over.
const DEREGISTRATION_DELAY: u32 = 180;
/// Seconds at a task's start in which failed checks do not count, decided by us: a target is called unhealthy until it is
/// registered, which takes minutes, and a task that is replaced for that never comes up (aws/aws-cdk issue 16675, read
/// 2026-11-23).
const GRACE_PERIOD: u32 = 300;

/// The condition that somebody may.
const IS_ANYBODY_ALLOWED: &str = "IsAnybodyAllowed";

/// A network load balancer: an address on the internet, from which TCP connections go to a port of a service's tasks.
///
/// Who may connect is said by the stack's parameter `AllowedCidr`, a block of IPv4 addresses such as `203.0.113.7/32`.
/// Its default, decided by us, is empty: nobody. The tasks behind it take connections from it on this one port, and it
/// can open none to any other.
///
/// An output, `<Id>Url`, tells its address. Connections reach tasks in every availability zone (cross-zone load balancing,
/// decided by us: a service of one task is then reached whichever zone is asked), and tasks see its addresses, not those
/// of the clients.
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

    /// A network load balancer in the subnets of a network, from port 80 to this port of the tasks of the service that is
    /// put behind it by [`Service::with_load_balancer`](crate::Service::with_load_balancer).
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

    /// The same load balancer, reached at another port. Default, decided by us: 80.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// The same load balancer with a name: at most 32 letters, digits and hyphens. Default, decided by CloudFormation:
    /// stack name, logical id and a random part, cut short.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The same load balancer, a task counting as well if it answers this path by HTTP with a status from 200 to 399.
    /// Default, decided by us: if its port takes connections. An Envoy's does once it has its configuration; a virtual
    /// gateway has no path of its own that could be asked for.
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
    /// The group of the tasks behind it.
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

    /// The name under which DNS finds it.
    #[must_use]
    pub fn dns_name(&self) -> Value<String> {
        Value::attribute(self.id.as_str(), "DNSName")
    }

    /// The port of tasks that it forwards to.
    #[must_use]
    pub fn target_port(&self) -> u16 {
        self.target_port
    }

    /// The group that tasks behind it carry, so that it reaches them.
    pub(super) fn security_group(&self) -> Value<String> {
        id_of(&self.targets)
    }

    /// What has to be there before a service can be put behind it: ECS refuses a target group that no listener uses.
    pub(super) fn listener(&self) -> &LogicalId {
        &self.listener
    }

    /// The service's part: which container it forwards to.
    pub(super) fn put_behind(&self, service: &mut ecs::Service, container: &Value<String>) {
        service.load_balancers.push(ecs::LoadBalancer {
            container_name: Some(container.clone()),
            container_port: Some(Value::Known(self.target_port.into())),
            target_group_arn: Some(Value::reference(self.target_group.as_str())),
            other: Map::new(),
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
            let message = "are those of a network whose tasks carry the VPC's default group, and would not if they \
                           carried the load balancer's; say Network::with_vpc_id or Network::with_security_groups";
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
            other: Map::new(),
        };
        let ways_out = self.network.ways_out().iter().map(LogicalId::as_str);
        scope.add_resource(&id, Resource::of(&properties).with_depends_on(ways_out));

        let target_group = scope.part("TargetGroup");
        scope.add_resource(&target_group, Resource::of(&self.target_group(vpc)));
        let listener = scope.part("Listener");
        let properties = elbv2::Listener {
            load_balancer_arn: Value::reference(id.as_str()),
            protocol: Some(Value::from("TCP")),
            port: Some(Value::Known(self.port.into())),
            default_actions: vec![elbv2::Action::forward(Value::reference(target_group.as_str()))],
            other: Map::new(),
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
    /// Adds the group that it carries itself, and the one of the tasks behind it.
    fn add_groups(&self, vpc: &Value<String>, scope: &mut Scope<'_>) -> (LogicalId, LogicalId) {
        let own = scope.part("LoadBalancerSecurityGroup");
        let to_tasks = Egress {
            ip_protocol: Value::from("tcp"),
            from_port: Some(Value::Known(self.target_port.into())),
            to_port: Some(Value::Known(self.target_port.into())),
            // A network that is not ours has no group that stands for its tasks, and theirs trusts this one: they
            // cannot name each other.
            cidr_ip: self.network.members().is_none().then(|| Value::from("0.0.0.0/0")),
            destination_security_group_id: self.network.members().map(id_of),
            description: Some(Value::from("The port of the tasks behind it")),
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
            &nowhere(),
        );
        scope.add_resource(&targets, Resource::of(&properties));
        (own, targets)
    }

    /// What may come to it: what the parameter says, and nothing if it says nothing.
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
            ip_protocol: Value::from("tcp"),
            from_port: Some(Value::Known(self.port.into())),
            to_port: Some(Value::Known(self.port.into())),
            cidr_ip: Some(Value::reference(Self::ALLOWED_CIDR)),
            source_security_group_id: None,
            description: Some(Value::from("Whom the deployment allows")),
        };
        json!({"Fn::If": [IS_ANYBODY_ALLOWED, [rule], {"Ref": "AWS::NoValue"}]})
    }

    fn target_group(&self, vpc: Value<String>) -> elbv2::TargetGroup {
        elbv2::TargetGroup {
            name: None,
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
            other: Map::new(),
        }
    }
}

fn attribute(key: &str, value: &str) -> elbv2::Attribute {
    elbv2::Attribute {
        key: Value::from(key),
        value: Value::from(value),
    }
}
