//! Settings of a service: the account and region in ARNs, and quotas.

use std::fmt;

use mesh_model::app_mesh::{Kind, ResourcePath};

/// Settings of a [`Service`](crate::Service).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The AWS account, 12 digits: owner of all resources, and part of their ARNs. Default: `000000000000`.
    pub account: String,
    /// The AWS region in ARNs. Default: `us-east-1`.
    pub region: String,
    /// The AWS partition in ARNs. Default: `aws`.
    pub partition: String,
    /// Maximum numbers of resources. Default: AWS's.
    pub quotas: Quotas,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            partition: "aws".to_owned(),
            quotas: Quotas::default(),
        }
    }
}

impl Settings {
    /// These settings for a region, with its partition.
    #[must_use]
    pub fn in_region(self, region: impl Into<String>) -> Self {
        let region = region.into();
        Self {
            partition: mesh_model::region::partition(&region).to_owned(),
            region,
            ..self
        }
    }

    /// The account and region.
    #[must_use]
    pub fn environment(&self) -> Environment {
        Environment {
            account: self.account.clone(),
            region: self.region.clone(),
        }
    }

    /// The ARN of a resource, `arn:aws:appmesh:us-east-1:000000000000:mesh/demo/virtualNode/blue`.
    #[must_use]
    pub fn arn(&self, path: &ResourcePath) -> String {
        let Self {
            account,
            region,
            partition,
            ..
        } = self;
        format!("arn:{partition}:appmesh:{region}:{account}:{path}")
    }
}

/// The account and region of stored resources, which are part of their ARNs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// The AWS account, 12 digits.
    pub account: String,
    /// The AWS region.
    pub region: String,
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the account {} in the region {}", self.account, self.region)
    }
}

/// Maximum numbers of resources. Targets of a route (10) and backends of a virtual node (50) are fixed.
///
/// Source of the defaults: "AWS App Mesh endpoints and quotas" in AWS's general reference (read 2026-11-23).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    /// Meshes. Default: 15.
    pub meshes: usize,
    /// Virtual nodes of a mesh. Default: 200.
    pub virtual_nodes: usize,
    /// Virtual routers of a mesh. Default: 200.
    pub virtual_routers: usize,
    /// Virtual services of a mesh. Default: 200.
    pub virtual_services: usize,
    /// Virtual gateways of a mesh. Default: 3.
    pub virtual_gateways: usize,
    /// Routes of a virtual router. Default: 50.
    pub routes: usize,
    /// Gateway routes of a virtual gateway. Default: 10.
    pub gateway_routes: usize,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            meshes: 15,
            virtual_nodes: 200,
            virtual_routers: 200,
            virtual_services: 200,
            virtual_gateways: 3,
            routes: 50,
            gateway_routes: 10,
        }
    }
}

impl Quotas {
    /// No quotas.
    #[must_use]
    pub fn unlimited() -> Self {
        Self {
            meshes: usize::MAX,
            virtual_nodes: usize::MAX,
            virtual_routers: usize::MAX,
            virtual_services: usize::MAX,
            virtual_gateways: usize::MAX,
            routes: usize::MAX,
            gateway_routes: usize::MAX,
        }
    }

    /// The maximum number of resources of this type in their container: the account, a mesh, a virtual router or a
    /// virtual gateway.
    #[must_use]
    pub fn of(&self, kind: Kind) -> usize {
        match kind {
            Kind::Mesh => self.meshes,
            Kind::VirtualNode => self.virtual_nodes,
            Kind::VirtualRouter => self.virtual_routers,
            Kind::VirtualService => self.virtual_services,
            Kind::VirtualGateway => self.virtual_gateways,
            Kind::Route => self.routes,
            Kind::GatewayRoute => self.gateway_routes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns_have_partition_region_and_account() {
        let settings = Settings {
            account: "123456789012".to_owned(),
            ..Settings::default()
        };
        let settings = settings.in_region("cn-north-1");
        let path = ResourcePath::within("m", "r", Kind::Route, "all");
        assert_eq!(
            settings.arn(&path),
            "arn:aws-cn:appmesh:cn-north-1:123456789012:mesh/m/virtualRouter/r/route/all"
        );
    }
}
