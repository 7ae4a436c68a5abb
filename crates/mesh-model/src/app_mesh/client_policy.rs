//! How a virtual node or gateway calls others.

use serde::{Deserialize, Serialize};

use super::tls::ClientPolicyTls;

/// What holds for all backends unless they say otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackendDefaults {
    /// How to call them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_policy: Option<ClientPolicy>,
}

/// How to call a virtual service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClientPolicy {
    /// With TLS, and which. Default, decided by App Mesh: with TLS if the other side offers it, unvalidated unless
    /// its certificate is from ACM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<ClientPolicyTls>,
}
