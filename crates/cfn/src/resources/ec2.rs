//! EC2: VPCs, subnets, routes and security groups.

mod generated;

pub use generated::*;
