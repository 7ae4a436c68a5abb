//! Public subnets of a VPC and their route to the internet, and what private subnets share with them.

use cfn::{Resource, ResourceType, Value, ec2};
use serde_json::json;

use super::ZONES;
use crate::stack::{LogicalId, Scope};

/// The availability zones of a VPC, with the blocks of their subnets.
pub(super) struct Zones<'v> {
    vpc: &'v LogicalId,
    /// The blocks of the public subnets, then those of the private ones.
    blocks: Vec<String>,
    has_ipv6: bool,
}

/// The public subnets.
pub(super) struct Public {
    pub(super) subnets: Vec<LogicalId>,
    /// The resources without which nothing in the VPC can reach the internet, and which must exist as long as anything has
    /// a public address.
    pub(super) internet_access: Vec<LogicalId>,
}

impl<'v> Zones<'v> {
    pub(super) fn new(vpc: &'v LogicalId, blocks: Vec<String>, has_ipv6: bool) -> Self {
        Self { vpc, blocks, has_ipv6 }
    }

    /// The VPC's id.
    pub(super) fn vpc_id(&self) -> Value<String> {
        Value::reference(self.vpc.as_str())
    }

    /// Adds the public subnets, with their route table and the internet gateway.
    pub(super) fn add_public(&self, scope: &mut Scope<'_>) -> Public {
        let gateway = scope.part("InternetGateway");
        add(&gateway, &ec2::InternetGateway::default(), scope);
        let attachment = scope.part("InternetGatewayAttachment");
        let properties = ec2::VpcGatewayAttachment {
            internet_gateway_id: Some(Value::reference(gateway.as_str())),
            ..ec2::VpcGatewayAttachment::new(self.vpc_id())
        };
        add(&attachment, &properties, scope);
        let ipv6_block = self.has_ipv6.then(|| {
            let id = scope.part("Ipv6CidrBlock");
            let properties = ec2::VpcCidrBlock {
                amazon_provided_ipv6_cidr_block: Some(Value::Known(true)),
                ..ec2::VpcCidrBlock::new(self.vpc_id())
            };
            add(&id, &properties, scope);
            id
        });
        let table = self.add_route_table("RouteTable", scope);
        let mut internet_access = vec![self.add_internet_route(&table, &gateway, &attachment, false, scope)];
        if self.has_ipv6 {
            internet_access.push(self.add_internet_route(&table, &gateway, &attachment, true, scope));
        }
        let mut subnets = Vec::new();
        for zone in 0..ZONES {
            let (subnet, association) = self.add_subnet("Public", zone, &table, ipv6_block.as_ref(), scope);
            subnets.push(subnet);
            internet_access.push(association);
        }
        Public {
            subnets,
            internet_access,
        }
    }

    pub(super) fn add_route_table(&self, part: &str, scope: &mut Scope<'_>) -> LogicalId {
        let table = scope.part(part);
        add(&table, &ec2::RouteTable::new(self.vpc_id()), scope);
        table
    }

    fn add_internet_route(
        &self,
        table: &LogicalId,
        gateway: &LogicalId,
        attachment: &LogicalId,
        is_ipv6: bool,
        scope: &mut Scope<'_>,
    ) -> LogicalId {
        let route = scope.part(if is_ipv6 { "Ipv6InternetRoute" } else { "InternetRoute" });
        let properties = ec2::Route {
            destination_cidr_block: (!is_ipv6).then(|| Value::from("0.0.0.0/0")),
            destination_ipv6_cidr_block: is_ipv6.then(|| Value::from("::/0")),
            gateway_id: Some(Value::reference(gateway.as_str())),
            ..ec2::Route::new(Value::reference(table.as_str()))
        };
        // A route to a gateway without an attachment is rejected.
        let resource = Resource::of(&properties).with_depends_on([attachment.as_str()]);
        scope.add_resource(&route, resource);
        route
    }

    /// Adds a subnet of a zone to a route table. Returns the subnet and the association with its table.
    pub(super) fn add_subnet(
        &self,
        kind: &str,
        zone: u32,
        table: &LogicalId,
        ipv6_block: Option<&LogicalId>,
        scope: &mut Scope<'_>,
    ) -> (LogicalId, LogicalId) {
        let id = scope.part(&format!("{kind}Subnet{}", zone + 1));
        let block = if kind == "Public" { zone } else { ZONES + zone };
        let function = |name: &str, argument| Value::Function {
            name: name.to_owned(),
            argument,
        };
        let ipv6 = ipv6_block.map(|_| {
            let vpc_blocks = Value::<String>::attribute(self.vpc.as_str(), "Ipv6CidrBlocks").to_json();
            let first = json!({"Fn::Select": [0, vpc_blocks]});
            function("Fn::Select", json!([zone, {"Fn::Cidr": [first, ZONES, 64]}]))
        });
        let properties = ec2::Subnet {
            cidr_block: self.blocks.get(block as usize).cloned().map(Value::Known),
            availability_zone: Some(function("Fn::Select", json!([zone, {"Fn::GetAZs": ""}]))),
            ipv6_cidr_block: ipv6,
            ..ec2::Subnet::new(self.vpc_id())
        };
        let resource = Resource::of(&properties).with_depends_on(ipv6_block.map(LogicalId::as_str));
        scope.add_resource(&id, resource);
        let association = scope.part(&format!("{kind}Subnet{}RouteTableAssociation", zone + 1));
        let (subnet, table) = (Value::reference(id.as_str()), Value::reference(table.as_str()));
        let properties = ec2::SubnetRouteTableAssociation::new(subnet, table);
        add(&association, &properties, scope);
        (id, association)
    }
}

pub(super) fn add<T: ResourceType>(id: &LogicalId, properties: &T, scope: &mut Scope<'_>) {
    scope.add_resource(id, Resource::of(properties));
}
