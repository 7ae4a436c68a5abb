//! EC2: the network that tasks are in, and who may reach whom in it.

mod network;
mod security_group;

pub use network::{InternetGateway, Route, RouteTable, Subnet, SubnetRouteTableAssociation, Vpc, VpcGatewayAttachment};
pub use security_group::{Egress, Ingress, SecurityGroup};
