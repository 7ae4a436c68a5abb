//! Virtual routers: the ports to which routes apply.

use super::PortMapping;
use super::schema::structure;

structure! {
    /// `VirtualRouterSpec`. Routes are separate resources.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct VirtualRouterSpec {
        /// Ports that applications call.
        listeners: Vec<VirtualRouterListener> = optional("listeners"),
    }
}

structure! {
    /// A port that applications call.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct VirtualRouterListener {
        /// Port and protocol.
        port_mapping: PortMapping = required("portMapping"),
    }
}
