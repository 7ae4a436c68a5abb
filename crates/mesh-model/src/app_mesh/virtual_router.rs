//! Virtual routers: places where routes divide traffic.

use serde::{Deserialize, Serialize};

use super::PortMapping;

/// `VirtualRouterSpec`. The routes are resources of their own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct VirtualRouterSpec {
    /// The ports that applications dial.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listeners: Vec<VirtualRouterListener>,
}

/// A port that applications dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualRouterListener {
    /// The port, and what is spoken there.
    pub port_mapping: PortMapping,
}
