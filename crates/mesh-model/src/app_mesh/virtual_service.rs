//! Virtual services: the names that applications call.

use serde::{Deserialize, Serialize};

/// `VirtualServiceSpec`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct VirtualServiceSpec {
    /// What stands behind the name. Without one, calls are answered 503.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<VirtualServiceProvider>,
}

/// What stands behind a virtual service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VirtualServiceProvider {
    /// All calls go to one virtual node.
    VirtualNode(VirtualNodeServiceProvider),
    /// The routes of a virtual router decide.
    VirtualRouter(VirtualRouterServiceProvider),
}

/// A virtual node behind a virtual service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualNodeServiceProvider {
    /// Its name, 1 to 255 characters.
    pub virtual_node_name: String,
}

/// A virtual router behind a virtual service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualRouterServiceProvider {
    /// Its name, 1 to 255 characters.
    pub virtual_router_name: String,
}
