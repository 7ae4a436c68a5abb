//! EC2: VPCs, subnets, routes and security groups.

mod network;
mod security_group;

pub use network::{InternetGateway, Route, RouteTable, Subnet, SubnetRouteTableAssociation, Vpc, VpcGatewayAttachment};
pub use security_group::{Egress, Ingress, SecurityGroup};
