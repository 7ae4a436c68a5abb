//! Security groups of a load balancer and of its targets.
//!
//! Groups that refer to each other by their own rules are a circular dependency, so the targets have two groups: the load
//! balancer allows egress to `TargetMembers`, which has no ingress rule, and `Targets` allows ingress from the load balancer.
//! Both belong to the load balancer, not to a network: a service in any network of the VPC can be behind it.

use cfn::{Resource, Value, ec2::Egress};
use serde_json::json;

use super::{HTTP, LoadBalancer};
use crate::constructs::security_groups::{from_group, group, id_of, no_egress};
use crate::stack::{LogicalId, Scope};

/// The groups that a load balancer adds or is given.
pub(super) struct Groups {
    /// The ids of its own groups.
    pub(super) own: Vec<Value<String>>,
    /// The groups of its targets.
    pub(super) of_targets: Vec<LogicalId>,
}

impl LoadBalancer {
    pub(super) fn add_security_groups(&self, vpc: &Value<String>, scope: &mut Scope<'_>) -> Groups {
        let (own, members) = match &self.security_groups {
            Some(given) => (given.clone(), None),
            None => {
                let members = scope.part("TargetMembersSecurityGroup");
                let properties = group("Identifies the tasks behind the load balancer", vpc, None, &no_egress());
                scope.add_resource(&members, Resource::of(&properties));
                (vec![self.add_own_group(&members, vpc, scope)], Some(members))
            }
        };
        let targets = scope.part("TargetsSecurityGroup");
        let port = self.target_port;
        let ingress = own
            .iter()
            .map(|own| from_group(own, port..=port, "The load balancer, its checks included"));
        let ingress: Vec<_> = ingress.collect();
        let properties = group(
            "What tasks take from the load balancer",
            vpc,
            Some(json!(ingress)),
            &no_egress(),
        );
        scope.add_resource(&targets, Resource::of(&properties));
        Groups {
            own,
            of_targets: members.into_iter().chain([targets]).collect(),
        }
    }

    fn add_own_group(&self, members: &LogicalId, vpc: &Value<String>, scope: &mut Scope<'_>) -> Value<String> {
        let own = scope.part("LoadBalancerSecurityGroup");
        let to_tasks = Egress {
            from_port: Some(Value::Known(self.target_port.into())),
            to_port: Some(Value::Known(self.target_port.into())),
            destination_security_group_id: Some(id_of(members)),
            description: Some(Value::from("The port of the tasks behind it")),
            ..Egress::new("tcp")
        };
        let ports: &[u16] = match self.has_redirect() {
            true => &[self.port(), HTTP],
            false => &[self.port()],
        };
        let ingress = self.ingress(ports, scope);
        let properties = group("Who may reach the load balancer", vpc, Some(ingress), &to_tasks);
        scope.add_resource(&own, Resource::of(&properties));
        id_of(&own)
    }
}
