//! The mesh itself.

use super::IpPreference;
use super::schema::{keywords, structure};

structure! {
    /// `MeshSpec`.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct MeshSpec {
        /// Egress to destinations outside the mesh. Default, decided by App Mesh: none.
        egress_filter: Option<EgressFilter> = optional("egressFilter"),
        /// Service discovery of virtual nodes without a setting of their own.
        service_discovery: Option<MeshServiceDiscovery> = optional("serviceDiscovery"),
    }
}

structure! {
    /// Egress to destinations outside the mesh.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct EgressFilter {
        /// The rule.
        kind: EgressFilterType = required("type"),
    }
}

keywords! {
    /// A rule for egress to destinations outside the mesh.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub enum EgressFilterType {
        /// All destinations.
        AllowAll = "ALLOW_ALL",
        /// AWS's own endpoints only.
        #[default]
        DropAll = "DROP_ALL",
    }
}

structure! {
    /// Service discovery of virtual nodes.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct MeshServiceDiscovery {
        /// IP version of the addresses.
        ip_preference: Option<IpPreference> = optional("ipPreference"),
    }
}

impl MeshSpec {
    /// The egress rule, with App Mesh's default.
    #[must_use]
    pub fn egress(&self) -> EgressFilterType {
        self.egress_filter.map(|filter| filter.kind).unwrap_or_default()
    }
}
