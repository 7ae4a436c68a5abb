//! A VPC in the stack, as small and cheap as tasks on Fargate allow.

use std::net::Ipv4Addr;

use cfn::{Resource, ResourceType, StringList, Value, ec2};
use serde_json::{Map, json};

use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

use super::NetworkHandle;
use super::network::NetworkParts;
use super::security_groups::SecurityGroups;

/// The addresses of the VPC, decided by us: the largest possible block, in the private range that is rarest in home
/// networks.
const DEFAULT_CIDR: &str = "10.0.0.0/16";
/// Availability zones: as many as a load balancer needs and as every region has.
const ZONES: u32 = 2;

/// A VPC with two public subnets in two availability zones, an internet gateway, and one route table.
///
/// It has no NAT gateway, decided by us: two of them would cost more than everything else in a small stack. Instead,
/// tasks have public IP addresses, with which they pull images and call AWS. Nothing can connect to these addresses:
/// the security groups allow only traffic between tasks of the network. For an existing VPC see
/// [`Network::in_subnets`](crate::Network::in_subnets).
#[derive(Debug, Clone)]
pub struct Vpc {
    cidr: String,
}

impl Vpc {
    /// A VPC with the addresses `10.0.0.0/16`.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "constructs are made by `new`")]
    pub fn new() -> Self {
        Self {
            cidr: DEFAULT_CIDR.to_owned(),
        }
    }

    /// Sets the addresses, for a VPC that is connected to other networks: an IPv4 block from /16 to /26, of which
    /// each subnet gets a quarter. Default, decided by us: `10.0.0.0/16`. A change replaces everything in the VPC.
    #[must_use]
    pub fn with_cidr(mut self, cidr: impl Into<String>) -> Self {
        self.cidr = cidr.into();
        self
    }
}

/// The blocks of the subnets: the first quarters of the VPC's block.
fn subnets(cidr: &str) -> Option<Vec<String>> {
    let (address, length) = cidr.split_once('/')?;
    let first = u32::from(address.parse::<Ipv4Addr>().ok()?);
    let length: u32 = length.parse().ok().filter(|length| (16..=26).contains(length))?;
    let size = 1_u32 << (32 - length);
    let blocks = (0..ZONES).map(|zone| format!("{}/{}", Ipv4Addr::from(first + zone * (size / 4)), length + 2));
    first.is_multiple_of(size).then(|| blocks.collect())
}

impl Construct for Vpc {
    type Handle = NetworkHandle;
    const KIND: &'static str = "Vpc";

    fn add_to(self, scope: &mut Scope<'_>) -> NetworkHandle {
        let id = scope.logical_id();
        let blocks = subnets(&self.cidr).unwrap_or_else(|| {
            let message = format!(
                "is `{}`; allowed is an IPv4 block from /16 to /26, aligned to its size, such as {DEFAULT_CIDR}",
                self.cidr
            );
            scope
                .diagnostics()
                .add(format!("Resources.{id}.Properties.CidrBlock"), message);
            // The rest of the stack is still checked.
            subnets(DEFAULT_CIDR).unwrap_or_default()
        });
        let vpc = Value::reference(id.as_str());
        // The name by which the VPC appears in the console.
        let name = json!([{"Key": "Name", "Value": {"Ref": "AWS::StackName"}}]);
        let properties = ec2::Vpc {
            cidr_block: Some(Value::Known(self.cidr)),
            // Private hosted zones, and therefore names in Cloud Map, need both.
            enable_dns_hostnames: Some(Value::Known(true)),
            enable_dns_support: Some(Value::Known(true)),
            other: Map::from_iter([("Tags".to_owned(), name)]),
        };
        scope.add_resource(&id, Resource::of(&properties));

        let mut routing = Routing::add(&vpc, scope);
        let zones = (0_u32..).zip(blocks);
        let subnets: Vec<LogicalId> = zones
            .map(|(zone, block)| routing.add_subnet(&vpc, zone, block, scope))
            .collect();
        let groups = SecurityGroups::add(&vpc, scope);
        NetworkHandle::new(NetworkParts {
            id,
            subnets: Some(StringList::list(
                subnets.iter().map(|subnet| Value::reference(subnet.as_str())),
            )),
            security_groups: Some(StringList::list(groups.ids())),
            members: Some(groups.members),
            vpc: Some(vpc),
            vpc_parameter: scope.part("VpcId"),
            public_ips: true,
            internet_access: routing.internet_access,
        })
    }
}

/// The route table and the way to the internet.
struct Routing {
    table: LogicalId,
    /// The resources without which nothing in the VPC can reach the internet, and which must exist as long as anything has
    /// a public address.
    internet_access: Vec<LogicalId>,
}

impl Routing {
    fn add(vpc: &Value<String>, scope: &mut Scope<'_>) -> Self {
        let gateway = scope.part("InternetGateway");
        add(&gateway, &ec2::InternetGateway::default(), scope);
        let attachment = scope.part("InternetGatewayAttachment");
        let properties = ec2::VpcGatewayAttachment {
            internet_gateway_id: Some(Value::reference(gateway.as_str())),
            ..ec2::VpcGatewayAttachment::new(vpc.clone())
        };
        add(&attachment, &properties, scope);
        let table = scope.part("RouteTable");
        add(&table, &ec2::RouteTable::new(vpc.clone()), scope);
        let route = scope.part("InternetRoute");
        let properties = ec2::Route {
            destination_cidr_block: Some(Value::from("0.0.0.0/0")),
            gateway_id: Some(Value::reference(gateway.as_str())),
            ..ec2::Route::new(Value::reference(table.as_str()))
        };
        // A route to a gateway without an attachment is rejected.
        let resource = Resource::of(&properties).with_depends_on([attachment.as_str()]);
        scope.add_resource(&route, resource);
        Self {
            table,
            internet_access: vec![route],
        }
    }

    fn add_subnet(&mut self, vpc: &Value<String>, zone: u32, block: String, scope: &mut Scope<'_>) -> LogicalId {
        let id = scope.part(&format!("PublicSubnet{}", zone + 1));
        let properties = ec2::Subnet {
            cidr_block: Some(Value::Known(block)),
            availability_zone: Some(Value::Function {
                name: "Fn::Select".to_owned(),
                argument: json!([zone, {"Fn::GetAZs": ""}]),
            }),
            ..ec2::Subnet::new(vpc.clone())
        };
        add(&id, &properties, scope);
        let association = scope.part(&format!("PublicSubnet{}RouteTableAssociation", zone + 1));
        let (subnet, table) = (Value::reference(id.as_str()), Value::reference(self.table.as_str()));
        let properties = ec2::SubnetRouteTableAssociation::new(subnet, table);
        add(&association, &properties, scope);
        self.internet_access.push(association);
        id
    }
}

fn add<T: ResourceType>(id: &LogicalId, properties: &T, scope: &mut Scope<'_>) {
    scope.add_resource(id, Resource::of(properties));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_are_quarters_of_the_vpc() {
        let of = |cidr| subnets(cidr).map(|blocks| blocks.join(" "));
        for (cidr, blocks) in [
            ("10.0.0.0/16", "10.0.0.0/18 10.0.64.0/18"),
            ("192.168.5.64/26", "192.168.5.64/28 192.168.5.80/28"),
        ] {
            assert_eq!(of(cidr).as_deref(), Some(blocks));
        }
        for cidr in [
            "10.0.0.0",
            "10.0.0.0/8",
            "10.0.0.0/27",
            "10.1.2.0/16",
            "fd00::/16",
            "x/16",
        ] {
            assert_eq!(of(cidr), None, "{cidr}");
        }
    }
}
