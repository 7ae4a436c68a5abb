//! Virtual gateways: ingress to the mesh.

use super::client_policy::BackendDefaults;
use super::listener::Listener;
use super::logging::Logging;
use super::schema::structure;

structure! {
    /// `VirtualGatewaySpec`. Gateway routes are separate resources.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct VirtualGatewaySpec {
        /// Ports on which it accepts requests.
        listeners: Vec<Listener> = required("listeners"),
        /// Policy for calls to virtual services.
        backend_defaults: Option<BackendDefaults> = optional("backendDefaults"),
        /// Logs of its Envoys.
        logging: Option<Logging> = optional("logging"),
    }
}
