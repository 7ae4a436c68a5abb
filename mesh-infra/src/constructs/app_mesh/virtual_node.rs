//! Virtual nodes: groups of equal tasks.

use cfn::appmesh;
use mesh_model::app_mesh::client_policy::{BackendDefaults, ClientPolicy};
use mesh_model::app_mesh::logging::{AccessLog, FileAccessLog, Logging};
use mesh_model::app_mesh::virtual_node::{
    AwsCloudMapServiceDiscovery, Backend, DnsResponseType, DnsServiceDiscovery, ServiceDiscovery, VirtualServiceBackend,
};
use mesh_model::app_mesh::{KeyCasing, Kind, PortMapping, Spec, VirtualNodeSpec};

use super::Listener;
use super::mesh::MeshHandle;
use super::resource_ref::{ResourceRef, handle};
use crate::construct::Construct;
use crate::constructs::ControlPlaneHandle;
use crate::stack::Scope;

/// A group of equal tasks, as the mesh sees them: as a rule those of one ECS service, which joins by
/// [`Service::with_virtual_node`](crate::Service::with_virtual_node).
#[derive(Debug, Clone)]
pub struct VirtualNode {
    mesh: MeshHandle,
    name: String,
    spec: VirtualNodeSpec,
    /// Backends that are called by TCP, with the port.
    tcp_backends: Vec<(String, u16)>,
}

impl VirtualNode {
    /// A virtual node that takes no requests and calls nobody.
    #[must_use]
    pub fn new(mesh: &MeshHandle, name: impl Into<String>) -> Self {
        Self::from_spec(mesh, name, VirtualNodeSpec::default())
    }

    /// A virtual node with this spec.
    #[must_use]
    pub fn from_spec(mesh: &MeshHandle, name: impl Into<String>, spec: VirtualNodeSpec) -> Self {
        Self {
            mesh: mesh.clone(),
            name: name.into(),
            spec,
            tcp_backends: Vec::new(),
        }
    }

    /// The same node, taking requests on one more port. It must be discovered somehow then.
    #[must_use]
    pub fn with_listener(mut self, listener: Listener) -> Self {
        self.spec.listeners.push(listener.into());
        self
    }

    /// The same node, its tasks found by resolving `hostname`: one address of the answer is used at a time, as for a
    /// load balancer. Default: not found at all.
    #[must_use]
    pub fn with_dns_discovery(self, hostname: impl Into<String>) -> Self {
        // App Mesh's own default, written out: the other answer makes other Envoys.
        self.with_dns(hostname.into(), DnsResponseType::Loadbalancer)
    }

    /// The same node, its tasks found by resolving `hostname`, each address being a task of its own. For names that
    /// ECS registers tasks under ([`Service::with_service_discovery`](crate::Service::with_service_discovery)) this
    /// balances requests over all of them.
    #[must_use]
    pub fn with_dns_endpoints(self, hostname: impl Into<String>) -> Self {
        self.with_dns(hostname.into(), DnsResponseType::Endpoints)
    }

    /// The same node, its tasks found in Cloud Map under the name of a service in a namespace.
    #[must_use]
    pub fn with_cloud_map_discovery(self, namespace: impl Into<String>, service: impl Into<String>) -> Self {
        self.with_discovery(ServiceDiscovery::AwsCloudMap(AwsCloudMapServiceDiscovery {
            namespace_name: namespace.into(),
            service_name: service.into(),
            attributes: Vec::new(),
            ip_preference: None,
        }))
    }

    /// The same node, its tasks found in this way.
    #[must_use]
    pub fn with_discovery(mut self, discovery: ServiceDiscovery) -> Self {
        self.spec.service_discovery = Some(discovery);
        self
    }

    /// The same node, calling a virtual service, by its name: its Envoy knows of no others.
    ///
    /// A name and not a handle: services that call each other would each have to be created before the other.
    #[must_use]
    pub fn with_backend(self, virtual_service: impl Into<String>) -> Self {
        self.with_backend_called(virtual_service, None)
    }

    /// The same node, calling a virtual service in this way. [`VirtualNode::with_backend`] has the backend defaults.
    #[must_use]
    pub fn with_backend_policy(self, virtual_service: impl Into<String>, policy: ClientPolicy) -> Self {
        self.with_backend_called(virtual_service, Some(policy))
    }

    /// The same node, calling a virtual service by TCP on this port: [`VirtualNode::with_backend`] for those that speak no
    /// HTTP. A TCP connection does not say whom it is for, so in explicit wiring such a backend has a listener of its own
    /// at the Envoy, of which `MESHWRIGHT_TCP_EGRESS` tells the application. Where connections are redirected, both are the
    /// same.
    #[must_use]
    pub fn with_tcp_backend(mut self, virtual_service: impl Into<String>, port: u16) -> Self {
        let virtual_service = virtual_service.into();
        self.tcp_backends.push((virtual_service.clone(), port));
        self.with_backend(virtual_service)
    }

    /// The same node, calling its backends in this way. Default, decided by App Mesh: with TLS if the other side
    /// offers it.
    #[must_use]
    pub fn with_backend_defaults(mut self, policy: ClientPolicy) -> Self {
        self.spec.backend_defaults = Some(BackendDefaults {
            client_policy: Some(policy),
        });
        self
    }

    /// The same node, its Envoy writing a line per request to a file, `/dev/stdout` as a rule. Default: it does not.
    #[must_use]
    pub fn with_access_log(mut self, path: impl Into<String>) -> Self {
        self.spec.logging = Some(access_log(path.into()));
        self
    }

    fn with_dns(self, hostname: String, response_type: DnsResponseType) -> Self {
        self.with_discovery(ServiceDiscovery::Dns(DnsServiceDiscovery {
            hostname,
            response_type: Some(response_type),
            ip_preference: None,
        }))
    }

    fn with_backend_called(mut self, virtual_service: impl Into<String>, client_policy: Option<ClientPolicy>) -> Self {
        self.spec.backends.push(Backend::VirtualService(VirtualServiceBackend {
            virtual_service_name: virtual_service.into(),
            client_policy,
        }));
        self
    }
}

/// A line per request, in a file, as Envoy words it.
pub(super) fn access_log(path: String) -> Logging {
    Logging {
        access_log: Some(AccessLog::File(FileAccessLog { path, format: None })),
    }
}

handle! {
    /// A virtual node that was added to a stack.
    VirtualNodeHandle {
        /// The ports on which it takes requests.
        listeners: Vec<PortMapping>,
        /// The virtual services that it calls.
        backends: Vec<String>,
        /// Those that it calls by TCP, with the port.
        tcp_backends: Vec<(String, u16)>,
        /// Where its Envoys are configured.
        control_plane: Option<ControlPlaneHandle>
    }
}

impl Construct for VirtualNode {
    type Handle = VirtualNodeHandle;
    const KIND: &'static str = "VirtualNode";

    fn add_to(self, scope: &mut Scope<'_>) -> VirtualNodeHandle {
        let resource = ResourceRef::in_mesh(&self.mesh.resource, Kind::VirtualNode, &self.name, scope);
        let spec = self.spec.write(KeyCasing::Pascal);
        let properties = appmesh::VirtualNode::new(self.mesh.resource.mesh_name(), self.name, spec);
        resource.add(&properties, scope);
        let listeners = self.spec.listeners.iter().map(|listener| listener.port_mapping);
        let backends = self.spec.backends.iter().map(|backend| match backend {
            Backend::VirtualService(backend) => backend.virtual_service_name.clone(),
        });
        VirtualNodeHandle {
            resource,
            listeners: listeners.collect(),
            backends: backends.collect(),
            tcp_backends: self.tcp_backends,
            control_plane: self.mesh.control_plane,
        }
    }
}
