//! Client policy: how a virtual node or gateway calls its backends.

use super::schema::structure;
use super::tls::ClientPolicyTls;

structure! {
    /// Defaults for all backends.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct BackendDefaults {
        /// Policy for backends without one of their own.
        client_policy: Option<ClientPolicy> = optional("clientPolicy"),
    }
}

structure! {
    /// Policy for calls to a virtual service.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct ClientPolicy {
        /// TLS. Default, decided by App Mesh: TLS if the server offers it, unvalidated unless its certificate is from
        /// ACM.
        tls: Option<ClientPolicyTls> = optional("tls"),
    }
}
