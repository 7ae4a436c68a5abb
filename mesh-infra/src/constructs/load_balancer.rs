//! Load balancers: entrances to a service, reachable only from the addresses that the deployment specifies.

mod allowed;
mod listeners;
mod security_groups;
mod target_group;

use cfn::{Output, Resource, StringList, Value, ecs, elbv2};

use super::NetworkHandle;
use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

/// The port of URLs without one, decided by us.
const HTTP: u16 = 80;
/// The same with a certificate.
const HTTPS: u16 = 443;
/// Seconds after a task's start in which failed checks do not count, decided by us: a target is unhealthy until its
/// registration is complete, which takes minutes, and a task that is replaced meanwhile never starts (aws/aws-cdk
/// issue 16675, read 2026-11-23).
const GRACE_PERIOD: u32 = 300;

/// A load balancer: an address that forwards connections or requests to a port of a service's tasks.
///
/// Stack parameters specify who can connect: `AllowedCidr`, `AllowedCidr2` and `AllowedCidr3`, each an IPv4 block such
/// as `203.0.113.7/32`; `AllowedPrefixList`, the id of a managed prefix list, which holds any number of blocks; with
/// [`LoadBalancer::with_dual_stack`], also `AllowedIpv6Cidr`, `AllowedIpv6Cidr2` and `AllowedIpv6Cidr3`. Their default,
/// decided by us, is empty: no address is allowed. The tasks accept connections from the load balancer on this one port,
/// and it can connect to no other.
///
/// The output `<Id>Url` is its URL. It forwards to tasks in all availability zones (cross-zone load balancing,
/// decided by us, so that a service of one task is reachable from every zone), and tasks see its addresses instead of
/// the clients'. A service behind it has two more security groups, of the five that a task can have.
#[derive(Debug, Clone)]
pub struct LoadBalancer {
    kind: Kind,
    network: NetworkHandle,
    target_port: u16,
    port: Option<u16>,
    name: Option<String>,
    health_check_path: Option<String>,
    is_internal: bool,
    is_dual_stack: bool,
    subnets: Option<StringList>,
    security_groups: Option<Vec<Value<String>>>,
    certificate: Option<Certificate>,
}

/// The type of a load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// TCP and TLS.
    Network,
    /// HTTP and HTTPS.
    Application,
}

/// The certificate of the listener.
#[derive(Debug, Clone)]
enum Certificate {
    Arn(Value<String>),
    Parameter,
}

impl LoadBalancer {
    /// The name of the stack parameter with the first IPv4 block that may connect. All load balancers of a stack share
    /// it, as they share the other parameters of allowed addresses.
    pub const ALLOWED_CIDR: &'static str = "AllowedCidr";
    /// The names of all stack parameters with an IPv4 block that may connect.
    pub const ALLOWED_CIDRS: [&'static str; 3] = [Self::ALLOWED_CIDR, "AllowedCidr2", "AllowedCidr3"];
    /// The names of the stack parameters with an IPv6 block that may connect. A stack has them if one of its load
    /// balancers has IPv6 addresses.
    pub const ALLOWED_IPV6_CIDRS: [&'static str; 3] = ["AllowedIpv6Cidr", "AllowedIpv6Cidr2", "AllowedIpv6Cidr3"];
    /// The name of the stack parameter with a managed prefix list whose addresses may connect, such as `pl-0123abcd`.
    pub const ALLOWED_PREFIX_LIST: &'static str = "AllowedPrefixList";

    /// A network load balancer in the subnets of a network. It forwards port 80 by TCP to this port of the tasks of the
    /// service that is added with [`Service::with_load_balancer`](crate::Service::with_load_balancer).
    #[must_use]
    pub fn network(network: &NetworkHandle, target_port: u16) -> Self {
        Self::new(Kind::Network, network, target_port)
    }

    /// An application load balancer in the subnets of a network, which are in two availability zones or more. It
    /// forwards HTTP requests to this port of the tasks, as [`LoadBalancer::network`] does connections. It removes
    /// invalid header fields, decided by us.
    #[must_use]
    pub fn application(network: &NetworkHandle, target_port: u16) -> Self {
        Self::new(Kind::Application, network, target_port)
    }

    fn new(kind: Kind, network: &NetworkHandle, target_port: u16) -> Self {
        Self {
            kind,
            network: network.clone(),
            target_port,
            port: None,
            name: None,
            health_check_path: None,
            is_internal: false,
            is_dual_stack: false,
            subnets: None,
            security_groups: None,
            certificate: None,
        }
    }

    /// Sets the port on which it listens. Default, decided by us: 80, with a certificate 443.
    #[must_use]
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = Some(port);
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
    /// behind a network load balancer, a task is healthy if its port accepts connections; behind an application load
    /// balancer, which has no such check, if `/` returns a status from 200 to 499. An Envoy's port accepts connections
    /// once it is configured; a virtual gateway has no path of its own to check, and returns 404 without a route.
    #[must_use]
    pub fn with_health_check_path(mut self, path: impl Into<String>) -> Self {
        self.health_check_path = Some(path.into());
        self
    }

    /// Gives it private addresses alone, in the subnets of the tasks: scheme `internal`. Default, decided by us as by
    /// Elastic Load Balancing: `internet-facing`, in the public subnets. A change replaces it.
    #[must_use]
    pub fn with_internal_scheme(mut self) -> Self {
        self.is_internal = true;
        self
    }

    /// Gives it IPv6 addresses as well: its subnets have IPv6 blocks, as those of
    /// [`Vpc::with_ipv6`](crate::Vpc::with_ipv6) do. It connects to tasks by IPv4 in any case. Default, decided by
    /// Elastic Load Balancing: IPv4 alone.
    #[must_use]
    pub fn with_dual_stack(mut self) -> Self {
        self.is_dual_stack = true;
        self
    }

    /// Sets its subnets, by id, one for each availability zone. Default: the public subnets of the network for an
    /// internet-facing one, the subnets of the tasks for an internal one.
    #[must_use]
    pub fn with_subnets(mut self, subnets: impl IntoIterator<Item = impl Into<Value<String>>>) -> Self {
        self.subnets = Some(StringList::list(subnets));
        self
    }

    /// Sets existing security groups in place of one in the stack. They decide who can connect, and allow egress to
    /// the tasks; the parameters with allowed addresses have no effect on this load balancer, so a stack with no other
    /// one does not have them. A parameter of type `AWS::EC2::SecurityGroup::Id` lets the deployment choose a group:
    /// its [`value`](crate::ParameterHandle::value) is an id here. Default: a group in the stack.
    #[must_use]
    pub fn with_security_groups(mut self, groups: impl IntoIterator<Item = impl Into<Value<String>>>) -> Self {
        self.security_groups = Some(groups.into_iter().map(Into::into).collect());
        self
    }

    /// Terminates TLS with a certificate of Certificate Manager, by ARN, in the region of the stack. A network load
    /// balancer then accepts TLS on port 443. An application load balancer accepts HTTPS on port 443 and redirects
    /// requests on port 80 to it. Both allow TLS 1.2 and 1.3, decided by us. Connections to tasks are not encrypted.
    /// Default: none, for connections without TLS.
    ///
    /// The certificate is for a domain of yours, which is a CNAME or an alias of the load balancer's DNS name.
    #[must_use]
    pub fn with_certificate_arn(mut self, arn: impl Into<Value<String>>) -> Self {
        self.certificate = Some(Certificate::Arn(arn.into()));
        self
    }

    /// As [`LoadBalancer::with_certificate_arn`], with the ARN from a stack parameter, `<Id>CertificateArn`. It has no
    /// default, so that no deployment is without TLS by accident; the local runner needs any value as well.
    #[must_use]
    pub fn with_certificate_from_parameter(mut self) -> Self {
        self.certificate = Some(Certificate::Parameter);
        self
    }

    /// The port on which it listens.
    fn port(&self) -> u16 {
        let default = if self.certificate.is_some() { HTTPS } else { HTTP };
        self.port.unwrap_or(default)
    }

    /// Whether requests on port 80 are redirected to HTTPS.
    fn has_redirect(&self) -> bool {
        self.kind == Kind::Application && self.certificate.is_some() && self.port() != HTTP
    }

    fn url(&self, id: &LogicalId) -> Value<String> {
        let (scheme, default) = match self.certificate {
            Some(_) => ("https", HTTPS),
            None => ("http", HTTP),
        };
        let port = match self.port() {
            port if port == default => String::new(),
            port => format!(":{port}"),
        };
        Value::Sub(format!("{scheme}://${{{id}.DNSName}}{port}"))
    }

    fn attributes(&self) -> Vec<elbv2::Attribute> {
        match self.kind {
            Kind::Network => vec![attribute("load_balancing.cross_zone.enabled", "true")],
            // Cross-zone load balancing is always on.
            Kind::Application => vec![attribute("routing.http.drop_invalid_header_fields.enabled", "true")],
        }
    }
}

/// A load balancer that was added to a stack.
#[derive(Debug, Clone)]
pub struct LoadBalancerHandle {
    id: LogicalId,
    kind: Kind,
    target_group: LogicalId,
    listener: LogicalId,
    /// The security groups of its targets.
    target_groups: Vec<LogicalId>,
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
        Value::reference(self.id.qualified())
    }

    /// Its DNS name.
    #[must_use]
    pub fn dns_name(&self) -> Value<String> {
        Value::attribute(self.id.qualified(), "DNSName")
    }

    /// The port of the tasks to which it forwards.
    #[must_use]
    pub fn target_port(&self) -> u16 {
        self.target_port
    }

    pub(super) fn is_application(&self) -> bool {
        self.kind == Kind::Application
    }

    /// Its name in metrics.
    pub(super) fn full_name(&self) -> Value<String> {
        Value::attribute(self.id.qualified(), "LoadBalancerFullName")
    }

    /// The name of its target group in metrics.
    pub(super) fn target_group_full_name(&self) -> Value<String> {
        Value::attribute(self.target_group.qualified(), "TargetGroupFullName")
    }

    /// The security groups with which tasks accept its connections.
    pub(super) fn security_groups(&self) -> Vec<Value<String>> {
        self.target_groups.iter().map(super::security_groups::id_of).collect()
    }

    /// The listener, which must exist before the service: ECS rejects a target group without one.
    pub(super) fn listener(&self) -> &LogicalId {
        &self.listener
    }

    /// Its name for metrics of requests to a target, with that of the target group. A network load balancer counts no
    /// requests.
    pub(super) fn request_metric(&self) -> Option<Value<String>> {
        let (own, targets) = (self.id.qualified(), self.target_group.qualified());
        (self.kind == Kind::Application).then(|| {
            Value::Sub(format!(
                "${{{own}.LoadBalancerFullName}}/${{{targets}.TargetGroupFullName}}"
            ))
        })
    }

    /// Adds it to the properties of a service, with the container to which it forwards.
    pub(super) fn attach(&self, service: &mut ecs::Service, container: &Value<String>) {
        service.load_balancers.push(ecs::LoadBalancer {
            container_name: Some(container.clone()),
            container_port: Some(Value::Known(self.target_port.into())),
            target_group_arn: Some(Value::reference(self.target_group.qualified())),
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
        scope.refer_to(self.network.logical_id(), &format!("{path}.Subnets"));
        if !self.network.has_security_groups() {
            let message = "are unknown: the tasks of the network use the VPC's default group, which the load balancer's \
                           group would replace; set Network::with_vpc_id or Network::with_security_groups";
            scope.diagnostics().add(format!("{path}.SecurityGroups"), message);
        }
        let vpc = self.network.vpc_id(scope);
        let groups = self.add_security_groups(&vpc, scope);
        let subnets = match (&self.subnets, self.is_internal) {
            (Some(subnets), _) => Some(subnets.clone()),
            (None, true) => self.network.subnets().cloned(),
            (None, false) => self.network.public_subnets(scope),
        };
        let properties = elbv2::LoadBalancer {
            name: self.name.clone().map(Value::Known),
            kind: Some(Value::from(match self.kind {
                Kind::Network => "network",
                Kind::Application => "application",
            })),
            scheme: Some(Value::from(match self.is_internal {
                true => "internal",
                false => "internet-facing",
            })),
            ip_address_type: self.is_dual_stack.then(|| Value::from("dualstack")),
            subnets,
            security_groups: Some(StringList::list(groups.own)),
            load_balancer_attributes: self.attributes(),
            ..elbv2::LoadBalancer::default()
        };
        let internet_access = match self.is_internal {
            true => &[][..],
            false => self.network.internet_access(),
        };
        let dependencies = internet_access.iter().map(LogicalId::qualified);
        scope.add_resource(&id, Resource::of(&properties).with_depends_on(dependencies));

        let target_group = scope.part("TargetGroup");
        scope.add_resource(&target_group, Resource::of(&self.target_group(vpc)));
        let listener = self.add_listeners(&id, &target_group, scope);

        let description = match self.security_groups {
            None => "Where it is reached, by those whom AllowedCidr allows",
            Some(_) => "Where it is reached, by those whom its security groups allow",
        };
        let output = Output::new(self.url(&id)).with_description(description);
        scope.add_output(&scope.part("Url"), output);
        LoadBalancerHandle {
            id,
            kind: self.kind,
            target_group,
            listener,
            target_groups: groups.of_targets,
            target_port: self.target_port,
        }
    }
}

fn attribute(key: &str, value: &str) -> elbv2::Attribute {
    elbv2::Attribute {
        key: Value::from(key),
        value: Value::from(value),
    }
}
