//! The mesh itself.

use serde::{Deserialize, Serialize};

use super::IpPreference;

/// `MeshSpec`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeshSpec {
    /// What services may call outside the mesh. Default, decided by App Mesh: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egress_filter: Option<EgressFilter>,
    /// How services find each other, unless a virtual node says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_discovery: Option<MeshServiceDiscovery>,
}

/// What services may call outside the mesh.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EgressFilter {
    /// The rule.
    #[serde(rename = "type")]
    pub kind: EgressFilterType,
}

/// A rule for what lies outside the mesh.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EgressFilterType {
    /// Everything.
    AllowAll,
    /// Nothing but AWS's own endpoints.
    #[default]
    DropAll,
}

/// How services find each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MeshServiceDiscovery {
    /// Which family of addresses to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip_preference: Option<IpPreference>,
}

impl MeshSpec {
    /// The rule for what lies outside the mesh, with App Mesh's default.
    #[must_use]
    pub fn egress(&self) -> EgressFilterType {
        self.egress_filter.map(|filter| filter.kind).unwrap_or_default()
    }
}
