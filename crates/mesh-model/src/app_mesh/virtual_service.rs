//! Virtual services: the names that applications call.

use super::schema::{structure, text, union};

structure! {
    /// `VirtualServiceSpec`.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct VirtualServiceSpec {
        /// Provider of the service. Without one, calls get a 503 response.
        provider: Option<VirtualServiceProvider> = optional("provider"),
    }
}

union! {
    /// Provider of a virtual service.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum VirtualServiceProvider {
        /// A virtual node, which gets all calls.
        VirtualNode(VirtualNodeServiceProvider) = "virtualNode",
        /// A virtual router, whose routes distribute the calls.
        VirtualRouter(VirtualRouterServiceProvider) = "virtualRouter",
    }
}

structure! {
    /// A virtual node as a provider.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct VirtualNodeServiceProvider {
        /// Name, 1 to 255 characters.
        virtual_node_name: String = required("virtualNodeName", text(1, 255)),
    }
}

structure! {
    /// A virtual router as a provider.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct VirtualRouterServiceProvider {
        /// Name, 1 to 255 characters.
        virtual_router_name: String = required("virtualRouterName", text(1, 255)),
    }
}
