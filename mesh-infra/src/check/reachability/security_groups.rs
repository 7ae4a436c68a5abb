//! Rules of security groups, as far as the template contains them.

use std::fmt;

use cfn::{ResourceType, StringList, Value, ec2, intrinsic};
use serde_json::Value as Json;

use super::network::Network;

/// TCP by name and number, and every protocol.
const TCP: [&str; 3] = ["tcp", "6", "-1"];

/// Inbound or outbound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Ingress,
    Egress,
}

impl Direction {
    /// The resource type of a rule outside of its group.
    fn kind(self) -> &'static str {
        match self {
            Self::Ingress => "AWS::EC2::SecurityGroupIngress",
            Self::Egress => "AWS::EC2::SecurityGroupEgress",
        }
    }

    /// The property with the group at the other end.
    fn peer(self) -> &'static str {
        match self {
            Self::Ingress => "SourceSecurityGroupId",
            Self::Egress => "DestinationSecurityGroupId",
        }
    }
}

/// The security groups of a load balancer or a task.
#[derive(Debug)]
pub(super) struct Groups {
    known: Vec<Group>,
    /// Whether there may be others.
    is_complete: bool,
}

/// A security group.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Group {
    /// In the template, by logical id.
    Own(String),
    /// Another one, by the value of its id.
    Other(Json),
}

impl Group {
    fn read(json: &Json, network: &Network<'_>) -> Self {
        let referenced = Value::from_json(json).ok().and_then(|value| network.referenced(&value));
        match referenced {
            Some((id, resource)) if resource.kind == ec2::SecurityGroup::KIND => Self::Own(id.to_owned()),
            _ => Self::Other(json.clone()),
        }
    }
}

impl Groups {
    pub(super) fn read(list: &StringList, network: &Network<'_>) -> Self {
        let mut groups = Self {
            known: Vec::new(),
            is_complete: true,
        };
        match list {
            Value::Known(items) => {
                for item in items {
                    match item {
                        Value::Function { .. } => groups.add_partly(&item.to_json(), network),
                        item => groups.known.push(Group::read(&item.to_json(), network)),
                    }
                }
            }
            unresolved => groups.add_partly(&unresolved.to_json(), network),
        }
        groups
    }

    /// Adds the groups of the template to which an expression refers.
    fn add_partly(&mut self, json: &Json, network: &Network<'_>) {
        self.is_complete = false;
        if let group @ Group::Own(_) = Group::read(json, network) {
            self.known.push(group);
            return;
        }
        match json {
            Json::Array(items) => items.iter().for_each(|item| self.add_partly(item, network)),
            Json::Object(object) => object.values().for_each(|value| self.add_partly(value, network)),
            _ => {}
        }
    }

    /// Whether no rule of these groups can allow TCP on a port to or from members of `peers`.
    pub(super) fn certainly_block(
        &self,
        direction: Direction,
        port: u32,
        peers: &Groups,
        network: &Network<'_>,
    ) -> bool {
        let may_allow = |group: &Group| match group {
            Group::Own(id) => rules_of(id, direction, network)
                .is_none_or(|rules| rules.iter().any(|rule| rule.may_allow(port, peers))),
            Group::Other(_) => true,
        };
        self.is_complete && !self.known.iter().any(may_allow)
    }
}

/// For people: `` `A`, `B` ``.
impl fmt::Display for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self
            .known
            .iter()
            .map(|group| match group {
                Group::Own(id) => format!("`{id}`"),
                Group::Other(Json::String(id)) => format!("`{id}`"),
                Group::Other(expression) => format!("`{expression}`"),
            })
            .collect();
        f.write_str(&names.join(", "))
    }
}

/// A rule of a group.
#[derive(Debug)]
struct Rule {
    protocol: Option<Value<String>>,
    from_port: Option<Value<u32>>,
    to_port: Option<Value<u32>>,
    peer: Peer,
}

/// The other end of a rule.
#[derive(Debug)]
enum Peer {
    Group(Group),
    /// Loopback addresses: a rule that allows nothing.
    Nothing,
    /// Addresses, among which the tasks and load balancers may be.
    Addresses,
}

impl Rule {
    fn read(json: &Json, direction: Direction, network: &Network<'_>) -> Self {
        let port = |name: &str| json.get(name).and_then(|port| Value::from_json(port).ok());
        let text = |name: &str| json.get(name).and_then(Json::as_str);
        let peer = match json.get(direction.peer()) {
            Some(group) => Peer::Group(Group::read(group, network)),
            None if text("CidrIp").is_some_and(|cidr| cidr.starts_with("127.")) => Peer::Nothing,
            None if text("CidrIpv6").is_some_and(|cidr| cidr.starts_with("::1/")) => Peer::Nothing,
            None => Peer::Addresses,
        };
        Self {
            protocol: json
                .get("IpProtocol")
                .and_then(|protocol| Value::from_json(protocol).ok()),
            from_port: port("FromPort"),
            to_port: port("ToPort"),
            peer,
        }
    }

    fn may_allow(&self, port: u32, peers: &Groups) -> bool {
        let protocol = self.protocol.as_ref().and_then(Value::known);
        let is_protocol = protocol.is_none_or(|protocol| TCP.contains(&protocol.as_str()));
        let known = |port: &Option<Value<u32>>| port.as_ref().and_then(Value::known).copied();
        // The protocol `-1` has all ports, whatever else the rule specifies.
        let is_port = protocol.is_some_and(|protocol| protocol == "-1")
            || (known(&self.from_port).is_none_or(|from| from <= port)
                && known(&self.to_port).is_none_or(|to| port <= to));
        let is_peer = match &self.peer {
            Peer::Group(group) => peers.known.contains(group) || !peers.is_complete,
            Peer::Nothing => false,
            Peer::Addresses => true,
        };
        is_protocol && is_port && is_peer
    }
}

/// The rules of a group in the template; `None` if they allow everything, or are unresolved.
fn rules_of(group: &str, direction: Direction, network: &Network<'_>) -> Option<Vec<Rule>> {
    let properties = &network.template().resources[group].properties;
    let inline = match direction {
        Direction::Ingress => properties.get("SecurityGroupIngress"),
        Direction::Egress => properties.get("SecurityGroupEgress"),
    };
    let mut found = Vec::new();
    match inline {
        Some(list) => {
            if !collect(list, &mut found) {
                return None;
            }
            // EC2 lets a group without egress rules send everything, an empty list included.
            if direction == Direction::Egress && found.is_empty() {
                return None;
            }
        }
        None if direction == Direction::Egress => return None,
        None => {}
    }
    for resource in network.template().resources.values() {
        if resource.kind == direction.kind()
            && let Some(id) = resource.properties.get("GroupId")
            && Group::read(id, network) == Group::Own(group.to_owned())
        {
            found.push(&resource.properties);
        }
    }
    Some(
        found
            .into_iter()
            .map(|rule| Rule::read(rule, direction, network))
            .collect(),
    )
}

/// Collects the rules of a list, those of both values of an `Fn::If` included. False if an expression is unresolved.
fn collect<'j>(json: &'j Json, found: &mut Vec<&'j Json>) -> bool {
    match (intrinsic(json), json) {
        (Some(("Fn::If", Json::Array(arguments))), _) => match arguments.as_slice() {
            [_, yes, no] => collect(yes, found) & collect(no, found),
            _ => false,
        },
        (Some(("Ref", Json::String(name))), _) if name == "AWS::NoValue" => true,
        (Some(_), _) => false,
        (None, Json::Array(items)) => items.iter().fold(true, |all, item| collect(item, found) & all),
        (None, rule) => {
            found.push(rule);
            true
        }
    }
}
