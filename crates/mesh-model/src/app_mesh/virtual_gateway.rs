//! Virtual gateways: doors into the mesh.

use serde::{Deserialize, Serialize};

use super::client_policy::BackendDefaults;
use super::listener::Listener;
use super::logging::Logging;

/// `VirtualGatewaySpec`. The gateway routes are resources of their own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VirtualGatewaySpec {
    /// Where it takes requests.
    pub listeners: Vec<Listener>,
    /// How it calls virtual services.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_defaults: Option<BackendDefaults>,
    /// Where its Envoy writes what passes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logging: Option<Logging>,
}
