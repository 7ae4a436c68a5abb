//! The addresses that may connect: stack parameters, and a security group rule for each that is not empty.
//!
//! CloudFormation has no loops without macros, so the number of blocks is fixed; a managed prefix list has no such limit.
//! Each rule has a condition of its own, because EC2 rejects a rule without a source.

use cfn::{Parameter, Value, ec2::Ingress};
use serde_json::{Value as Json, json};

use super::LoadBalancer;
use crate::stack::Scope;

/// The kinds of addresses.
#[derive(Clone, Copy)]
enum Family {
    Ipv4,
    Ipv6,
    PrefixList,
}

impl Family {
    /// The pattern of values. An IPv6 block is checked by EC2, and by the command line before.
    fn pattern(self) -> &'static str {
        match self {
            Self::Ipv4 => r"^$|^([0-9]{1,3}\.){3}[0-9]{1,3}/([0-9]|[12][0-9]|3[0-2])$",
            Self::Ipv6 => r"^$|^[0-9a-fA-F:]*:[0-9a-fA-F:.]*/([0-9]|[1-9][0-9]|1[01][0-9]|12[0-8])$",
            Self::PrefixList => r"^$|^pl-[0-9a-f]+$",
        }
    }

    fn constraint(self) -> &'static str {
        match self {
            Self::Ipv4 => "must be a block of IPv4 addresses, such as 203.0.113.7/32, or nothing",
            Self::Ipv6 => "must be a block of IPv6 addresses, such as 2001:db8::/56, or nothing",
            Self::PrefixList => "must be the id of a managed prefix list, such as pl-0123abcd, or nothing",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Ipv4 => "IPv4 addresses that may reach the load balancers; empty for none",
            Self::Ipv6 => "IPv6 addresses that may reach the load balancers; empty for none",
            Self::PrefixList => "Managed prefix list whose addresses may reach the load balancers; empty for none",
        }
    }

    fn parameter(self) -> Parameter {
        let constraints = [
            ("AllowedPattern", self.pattern()),
            ("ConstraintDescription", self.constraint()),
        ];
        Parameter {
            other: constraints
                .map(|(name, text)| (name.to_owned(), Json::from(text)))
                .into_iter()
                .collect(),
            ..Parameter::new("String")
                .with_default("")
                .with_description(self.description())
        }
    }

    fn rule(self, port: u16, parameter: &str) -> Ingress {
        let rule = Ingress {
            from_port: Some(Value::Known(port.into())),
            to_port: Some(Value::Known(port.into())),
            description: Some(Value::from("Allowed by the deployment")),
            ..Ingress::new("tcp")
        };
        let source = Some(Value::reference(parameter));
        match self {
            Self::Ipv4 => Ingress {
                cidr_ip: source,
                ..rule
            },
            Self::Ipv6 => Ingress {
                cidr_ipv6: source,
                ..rule
            },
            Self::PrefixList => Ingress {
                source_prefix_list_id: source,
                ..rule
            },
        }
    }
}

impl LoadBalancer {
    /// The ingress rules of its own security group, for each of these ports.
    pub(super) fn ingress(&self, ports: &[u16], scope: &mut Scope<'_>) -> Json {
        let ipv4 = Self::ALLOWED_CIDRS.map(|name| (name, Family::Ipv4));
        let ipv6 = Self::ALLOWED_IPV6_CIDRS.map(|name| (name, Family::Ipv6));
        let prefix_list = [(Self::ALLOWED_PREFIX_LIST, Family::PrefixList)];
        let ipv6 = ipv6.into_iter().filter(|_| self.is_dual_stack);
        let parameters = ipv4.into_iter().chain(ipv6).chain(prefix_list);
        let mut rules = Vec::new();
        for (name, family) in parameters {
            scope.share_parameter(&scope.shared(name), family.parameter());
            let condition = format!("Has{name}");
            let is_empty = json!({"Fn::Equals": [{"Ref": name}, ""]});
            scope.share_condition(&scope.shared(&condition), json!({ "Fn::Not": [is_empty] }));
            for port in ports {
                rules.push(json!({"Fn::If": [condition, family.rule(*port, name), {"Ref": "AWS::NoValue"}]}));
            }
        }
        Json::from(rules)
    }
}
