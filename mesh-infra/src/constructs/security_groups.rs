//! Security groups of a network's tasks, which allow only traffic between tasks of the network.
//!
//! CloudFormation does not let a group refer to itself in its own rules, so there are two, and every task has both:
//! `Members` has no ingress rule and identifies the tasks of the network; `Tasks` allows ingress from `Members`.
//!
//! `Members` allows all egress. Tasks pull images from registries on the internet and call CloudWatch Logs, Cloud Map
//! and Parameter Store, whose addresses change; without a NAT gateway or VPC endpoints no narrower rule is possible.
//! All other groups allow no egress. They need a rule for that, because CloudFormation adds a rule that allows
//! everything to a group without one (CloudFormation template reference, `AWS::EC2::SecurityGroup`, "Remove the
//! default rule", read 2026-11-23).

use cfn::{
    Resource, Value,
    ec2::{Egress, Ingress, SecurityGroup},
};
use serde_json::{Value as Json, json};

use crate::stack::{LogicalId, Scope};

/// The groups of every task of a network.
#[derive(Debug, Clone)]
pub(super) struct SecurityGroups {
    pub(super) members: LogicalId,
    tasks: LogicalId,
}

impl SecurityGroups {
    /// Adds the two groups of a network in this VPC.
    pub(super) fn add(vpc: &Value<String>, scope: &mut Scope<'_>) -> Self {
        let members = scope.part("MembersSecurityGroup");
        let everywhere = Egress {
            cidr_ip: Some(Value::from("0.0.0.0/0")),
            description: Some(Value::from("Registries and AWS, whose addresses change")),
            ..Egress::new("-1")
        };
        let group = group("What every task of the network carries", vpc, None, &everywhere);
        scope.add_resource(&members, Resource::of(&group));

        let tasks = scope.part("TasksSecurityGroup");
        let from_members = from_group(&id_of(&members), 0..=65535, "Tasks of the same network");
        let group = self::group(
            "What tasks take from each other",
            vpc,
            Some(json!([from_members])),
            &no_egress(),
        );
        scope.add_resource(&tasks, Resource::of(&group));
        Self { members, tasks }
    }

    /// Their ids.
    pub(super) fn ids(&self) -> [Value<String>; 2] {
        [&self.members, &self.tasks].map(id_of)
    }
}

/// The id of a group.
pub(super) fn id_of(group: &LogicalId) -> Value<String> {
    Value::attribute(group.qualified(), "GroupId")
}

/// A group. Its ingress rules may be an expression; `None` allows none.
pub(super) fn group(description: &str, vpc: &Value<String>, ingress: Option<Json>, egress: &Egress) -> SecurityGroup {
    SecurityGroup {
        vpc_id: Some(vpc.clone()),
        security_group_ingress: ingress,
        security_group_egress: Some(json!([egress])),
        ..SecurityGroup::new(description)
    }
}

/// Allows TCP to these ports from members of a group.
pub(super) fn from_group(source: &Value<String>, ports: std::ops::RangeInclusive<u16>, description: &str) -> Ingress {
    Ingress {
        from_port: Some(Value::Known((*ports.start()).into())),
        to_port: Some(Value::Known((*ports.end()).into())),
        source_security_group_id: Some(source.clone()),
        description: Some(Value::from(description)),
        ..Ingress::new("tcp")
    }
}

/// A rule that allows no egress.
pub(super) fn no_egress() -> Egress {
    Egress {
        cidr_ip: Some(Value::from("127.0.0.1/32")),
        description: Some(Value::from("Nothing leaves by this group")),
        ..Egress::new("-1")
    }
}
