//! A VPC in the stack: by default as small and cheap as tasks on Fargate allow, with private subnets by choice.

use std::net::Ipv4Addr;

use cfn::{Resource, StringList, Value, ec2};
use serde_json::{Map, json};

use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

mod private;
mod zones;

use self::zones::Zones;
use super::NetworkHandle;
use super::network::{NetworkParts, PublicSubnets};
use super::security_groups::SecurityGroups;

/// The addresses of the VPC, decided by us: the largest possible block, in the private range that is rarest in home
/// networks.
const DEFAULT_CIDR: &str = "10.0.0.0/16";
/// Availability zones: as many as a load balancer needs and as every region has.
const ZONES: u32 = 2;

/// A VPC with public subnets in two availability zones, an internet gateway, and private subnets if wanted.
///
/// By default it has no private subnets and no NAT gateway, decided by us: two gateways would cost more than everything
/// else in a small stack. Instead, tasks have public IP addresses, with which they pull images and call AWS. Nothing can
/// connect to these addresses: the security groups allow only traffic between tasks of the network.
/// [`Vpc::with_private_subnets`] is the alternative. For an existing VPC see
/// [`Network::in_subnets`](crate::Network::in_subnets).
#[derive(Debug, Clone)]
pub struct Vpc {
    cidr: String,
    private: Option<PrivateEgress>,
    has_ipv6: bool,
}

/// How tasks in private subnets pull images and call AWS.
///
/// The costs are list prices of us-east-1 for 730 h, from the pricing pages of Amazon VPC and AWS PrivateLink (read
/// 2026-11-30). Traffic comes on top: $0.045 per GB through a NAT gateway, $0.01 per GB through an interface endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivateEgress {
    /// By a way that is added to the stack, such as a transit gateway. Costs nothing. Without such a way, no task
    /// starts, because it cannot pull its image.
    None,
    /// By one NAT gateway in the first availability zone, at $33 a month. If this zone fails, tasks in the other zone
    /// have no way out.
    NatGateway,
    /// By one NAT gateway in each of the two availability zones, at $66 a month.
    NatGatewayPerZone,
    /// By VPC endpoints for ECR, CloudWatch Logs, Parameter Store and Cloud Map, each in two availability zones, and for
    /// S3, in which ECR keeps image layers: six interface endpoints at $88 a month, S3's is free. Nothing else can be
    /// reached, so all images are in ECR. In regions that opened after 2023-12-23, ECS itself needs three endpoints more
    /// (`ecs-agent`, `ecs-telemetry`, `ecs`; ECS developer guide, "Amazon ECS interface VPC endpoints", read
    /// 2026-11-30), which are added as raw resources.
    VpcEndpoints,
}

impl Vpc {
    /// A VPC with the addresses `10.0.0.0/16`.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "constructs are made by `new`")]
    pub fn new() -> Self {
        Self {
            cidr: DEFAULT_CIDR.to_owned(),
            private: None,
            has_ipv6: false,
        }
    }

    /// Sets the addresses, for a VPC that is connected to other networks: an IPv4 block from /16 to /26, of which
    /// each subnet gets a quarter. Default, decided by us: `10.0.0.0/16`. A change replaces everything in the VPC.
    #[must_use]
    pub fn with_cidr(mut self, cidr: impl Into<String>) -> Self {
        self.cidr = cidr.into();
        self
    }

    /// Adds two private subnets, in which tasks and internal load balancers are; tasks have no public addresses then.
    /// Internet-facing load balancers stay in the public subnets. Default, decided by us: no private subnets. A change
    /// moves the tasks of all services, and replaces internal load balancers.
    #[must_use]
    pub fn with_private_subnets(mut self, egress: PrivateEgress) -> Self {
        self.private = Some(egress);
        self
    }

    /// Gives the public subnets IPv6 addresses from a block of Amazon, for load balancers with
    /// [`LoadBalancer::with_dual_stack`](crate::LoadBalancer::with_dual_stack). Default, decided by EC2: IPv4 alone.
    #[must_use]
    pub fn with_ipv6(mut self) -> Self {
        self.has_ipv6 = true;
        self
    }
}

/// The blocks of the public subnets and of the private ones: quarters of the VPC's block.
fn subnets(cidr: &str) -> Option<Vec<String>> {
    let (address, length) = cidr.split_once('/')?;
    let first = u32::from(address.parse::<Ipv4Addr>().ok()?);
    let length: u32 = length.parse().ok().filter(|length| (16..=26).contains(length))?;
    let size = 1_u32 << (32 - length);
    let blocks = (0..2 * ZONES).map(|zone| format!("{}/{}", Ipv4Addr::from(first + zone * (size / 4)), length + 2));
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
        let vpc = Value::reference(id.qualified());
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

        let zones = Zones::new(&id, blocks, self.has_ipv6);
        let public = zones.add_public(scope);
        let groups = SecurityGroups::add(&vpc, scope);
        let private = self
            .private
            .map(|egress| zones.add_private(egress, &public, &groups, scope));
        let public_subnets = list(&public.subnets);
        let (subnets, public_subnets, egress) = match &private {
            Some(private) => (
                list(&private.subnets),
                PublicSubnets::Ids(public_subnets),
                private.egress.clone(),
            ),
            None => (public_subnets, PublicSubnets::OfTasks, public.internet_access.clone()),
        };
        NetworkHandle::new(NetworkParts {
            id: id.clone(),
            subnets: Some(subnets),
            public_subnets,
            public_subnets_parameter: scope.part("PublicSubnets"),
            security_groups: Some(StringList::list(groups.ids())),
            vpc: Some(vpc),
            vpc_parameter: scope.part("VpcId"),
            public_ips: private.is_none(),
            egress,
            internet_access: public.internet_access,
        })
    }
}

fn list(subnets: &[LogicalId]) -> StringList {
    StringList::list(subnets.iter().map(|subnet| Value::reference(subnet.qualified())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_are_quarters_of_the_vpc() {
        let of = |cidr| subnets(cidr).map(|blocks| blocks.join(" "));
        for (cidr, blocks) in [
            ("10.0.0.0/16", "10.0.0.0/18 10.0.64.0/18 10.0.128.0/18 10.0.192.0/18"),
            (
                "192.168.5.64/26",
                "192.168.5.64/28 192.168.5.80/28 192.168.5.96/28 192.168.5.112/28",
            ),
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
