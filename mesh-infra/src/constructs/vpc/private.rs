//! Private subnets of a VPC, and the way of their tasks to AWS.

use cfn::{Resource, StringList, Value, ec2};
use serde_json::json;

use super::zones::{Public, Zones, add};
use super::{PrivateEgress, ZONES, list};
use crate::constructs::security_groups::{SecurityGroups, from_group, group, id_of, no_egress};
use crate::stack::{LogicalId, Scope};

/// The interface endpoints: their names in logical ids and in service names.
///
/// Sources: ECR user guide, "Amazon ECR interface VPC endpoints"; CloudWatch Logs user guide, "Using CloudWatch Logs with
/// interface VPC endpoints"; Systems Manager user guide, "VPC endpoints"; Cloud Map developer guide, "Access AWS Cloud Map
/// using an interface endpoint", whose calls to discover instances have an endpoint of their own (read 2026-11-30).
const INTERFACES: [(&str, &str); 6] = [
    ("EcrApi", "ecr.api"),
    ("EcrDocker", "ecr.dkr"),
    ("Logs", "logs"),
    ("ParameterStore", "ssm"),
    ("CloudMap", "servicediscovery"),
    ("CloudMapDiscovery", "data-servicediscovery"),
];

/// The private subnets.
pub(super) struct Private {
    pub(super) subnets: Vec<LogicalId>,
    /// The resources without which tasks cannot pull images and call AWS.
    pub(super) egress: Vec<LogicalId>,
}

impl Zones<'_> {
    /// Adds the private subnets and the way of their tasks to AWS.
    pub(super) fn add_private(
        &self,
        egress: PrivateEgress,
        public: &Public,
        groups: &SecurityGroups,
        scope: &mut Scope<'_>,
    ) -> Private {
        // Zones that share a NAT gateway share their route table.
        let suffixes: Vec<String> = match egress {
            PrivateEgress::NatGatewayPerZone => (1..=ZONES).map(|zone| zone.to_string()).collect(),
            PrivateEgress::None | PrivateEgress::NatGateway | PrivateEgress::VpcEndpoints => vec![String::new()],
        };
        let tables: Vec<LogicalId> = suffixes
            .iter()
            .map(|suffix| self.add_route_table(&format!("PrivateRouteTable{suffix}"), scope))
            .collect();
        let mut private = Private {
            subnets: Vec::new(),
            egress: Vec::new(),
        };
        for (zone, table) in (0..ZONES).zip(tables.iter().cycle()) {
            let (subnet, association) = self.add_subnet("Private", zone, table, None, scope);
            private.subnets.push(subnet);
            private.egress.push(association);
        }
        match egress {
            PrivateEgress::None => {}
            PrivateEgress::NatGateway | PrivateEgress::NatGatewayPerZone => {
                for ((suffix, table), subnet) in suffixes.iter().zip(&tables).zip(&public.subnets) {
                    private
                        .egress
                        .push(add_nat_gateway(suffix, table, subnet, public, scope));
                }
            }
            PrivateEgress::VpcEndpoints => self.add_endpoints(&mut private, &tables, groups, scope),
        }
        private
    }

    fn add_endpoints(
        &self,
        private: &mut Private,
        tables: &[LogicalId],
        groups: &SecurityGroups,
        scope: &mut Scope<'_>,
    ) {
        let own = scope.part("EndpointsSecurityGroup");
        let from_tasks = from_group(&id_of(&groups.members), 443..=443, "Tasks of the network");
        let properties = group(
            "Access to the VPC endpoints",
            &self.vpc_id(),
            Some(json!([from_tasks])),
            &no_egress(),
        );
        add(&own, &properties, scope);
        let service = |name: &str| Some(Value::Sub(format!("com.amazonaws.${{AWS::Region}}.{name}")));
        for (part, name) in INTERFACES {
            let id = scope.part(&format!("{part}Endpoint"));
            let properties = ec2::VpcEndpoint {
                service_name: service(name),
                vpc_endpoint_type: Some(Value::from("Interface")),
                private_dns_enabled: Some(Value::Known(true)),
                subnet_ids: Some(list(&private.subnets)),
                security_group_ids: Some(StringList::list([id_of(&own)])),
                ..ec2::VpcEndpoint::new(self.vpc_id())
            };
            add(&id, &properties, scope);
            private.egress.push(id);
        }
        let id = scope.part("S3Endpoint");
        let properties = ec2::VpcEndpoint {
            service_name: service("s3"),
            vpc_endpoint_type: Some(Value::from("Gateway")),
            route_table_ids: Some(list(tables)),
            ..ec2::VpcEndpoint::new(self.vpc_id())
        };
        add(&id, &properties, scope);
        private.egress.push(id);
    }
}

/// Adds a NAT gateway in a public subnet, and the route to it. Returns the route.
fn add_nat_gateway(
    suffix: &str,
    table: &LogicalId,
    subnet: &LogicalId,
    public: &Public,
    scope: &mut Scope<'_>,
) -> LogicalId {
    let address = scope.part(&format!("NatGatewayAddress{suffix}"));
    let properties = ec2::Eip {
        domain: Some(Value::from("vpc")),
        ..ec2::Eip::default()
    };
    // An address of a VPC without an internet gateway is rejected.
    let before = || public.internet_access.iter().map(LogicalId::as_str);
    scope.add_resource(&address, Resource::of(&properties).with_depends_on(before()));
    let gateway = scope.part(&format!("NatGateway{suffix}"));
    let properties = ec2::NatGateway {
        subnet_id: Some(Value::reference(subnet.as_str())),
        allocation_id: Some(Value::attribute(address.as_str(), "AllocationId")),
        ..ec2::NatGateway::default()
    };
    scope.add_resource(&gateway, Resource::of(&properties).with_depends_on(before()));
    let route = scope.part(&format!("NatRoute{suffix}"));
    let properties = ec2::Route {
        destination_cidr_block: Some(Value::from("0.0.0.0/0")),
        nat_gateway_id: Some(Value::reference(gateway.as_str())),
        ..ec2::Route::new(Value::reference(table.as_str()))
    };
    add(&route, &properties, scope);
    route
}
