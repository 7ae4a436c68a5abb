//! The security groups of a network's tasks: nothing is open but what tasks of the same network need of each other.
//!
//! A group cannot name itself in its own rules as CloudFormation writes them, so there are two, and every task carries
//! both: `Members` has no rule for what may come, and stands for "a task of this network"; `Tasks` lets come what
//! `Members` sends, and nothing else.
//!
//! What may leave: everything, from `Members`. Tasks pull their images from registries on the internet, and call
//! CloudWatch Logs, Cloud Map and Parameter Store, whose addresses change; without a NAT gateway or endpoints in the VPC
//! no narrower rule is possible. All other groups let nothing leave. The last is said by a rule that leads nowhere: a
//! group without a rule would be given one that allows everything (CloudFormation template reference,
//! `AWS::EC2::SecurityGroup`, "Remove the default rule", read 2026-11-23).

use cfn::{
    Resource, Value,
    ec2::{Egress, Ingress, SecurityGroup},
};
use serde_json::{Value as Json, json};

use crate::stack::{LogicalId, Scope};

/// The groups that every task of a network carries.
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
            ip_protocol: Value::from("-1"),
            from_port: None,
            to_port: None,
            cidr_ip: Some(Value::from("0.0.0.0/0")),
            destination_security_group_id: None,
            description: Some(Value::from("Registries and AWS, whose addresses change")),
        };
        let group = group("What every task of the network carries", vpc, None, &everywhere);
        scope.add_resource(&members, Resource::of(&group));

        let tasks = scope.part("TasksSecurityGroup");
        let from_members = from_group(&members, 0..=65535, "Tasks of the same network");
        let group = self::group(
            "What tasks take from each other",
            vpc,
            Some(json!([from_members])),
            &nowhere(),
        );
        scope.add_resource(&tasks, Resource::of(&group));
        Self { members, tasks }
    }

    /// Their ids, as tasks carry them.
    pub(super) fn ids(&self) -> [Value<String>; 2] {
        [&self.members, &self.tasks].map(id_of)
    }
}

/// The id of a group that was added.
pub(super) fn id_of(group: &LogicalId) -> Value<String> {
    Value::attribute(group.as_str(), "GroupId")
}

/// A group. Its ingress may be an expression; `None` lets nothing come.
pub(super) fn group(description: &str, vpc: &Value<String>, ingress: Option<Json>, egress: &Egress) -> SecurityGroup {
    SecurityGroup {
        group_description: Value::from(description),
        vpc_id: Some(vpc.clone()),
        security_group_ingress: ingress,
        security_group_egress: Some(json!([egress])),
        other: serde_json::Map::new(),
    }
}

/// Lets TCP come to these ports from whoever carries a group.
pub(super) fn from_group(source: &LogicalId, ports: std::ops::RangeInclusive<u16>, why: &str) -> Ingress {
    Ingress {
        ip_protocol: Value::from("tcp"),
        from_port: Some(Value::Known((*ports.start()).into())),
        to_port: Some(Value::Known((*ports.end()).into())),
        cidr_ip: None,
        source_security_group_id: Some(id_of(source)),
        description: Some(Value::from(why)),
    }
}

/// A rule that lets nothing leave.
pub(super) fn nowhere() -> Egress {
    Egress {
        ip_protocol: Value::from("-1"),
        from_port: None,
        to_port: None,
        cidr_ip: Some(Value::from("127.0.0.1/32")),
        destination_security_group_id: None,
        description: Some(Value::from("Nothing leaves by this group")),
    }
}
