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

/// A group of equal tasks in the mesh, usually those of one ECS service, which joins by
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
    /// A virtual node without listeners and backends.
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

    /// Adds a port for requests, which requires a service discovery.
    #[must_use]
    pub fn with_listener(mut self, listener: Listener) -> Self {
        self.spec.listeners.push(listener.into());
        self
    }

    /// Discovers its tasks by resolving `hostname`; Envoy connects to one of the addresses at a time, as for a load
    /// balancer. Default: no discovery.
    #[must_use]
    pub fn with_dns_discovery(self, hostname: impl Into<String>) -> Self {
        // App Mesh's own default, explicit because the other response type changes Envoy's cluster.
        self.with_dns(hostname.into(), DnsResponseType::Loadbalancer)
    }

    /// Discovers its tasks by resolving `hostname`; each address is a task. For names in which ECS registers tasks
    /// ([`Service::with_service_discovery`](crate::Service::with_service_discovery)), this balances requests over all
    /// tasks.
    #[must_use]
    pub fn with_dns_endpoints(self, hostname: impl Into<String>) -> Self {
        self.with_dns(hostname.into(), DnsResponseType::Endpoints)
    }

    /// Discovers its tasks in Cloud Map, by the names of a namespace and a service.
    #[must_use]
    pub fn with_cloud_map_discovery(self, namespace: impl Into<String>, service: impl Into<String>) -> Self {
        self.with_discovery(ServiceDiscovery::AwsCloudMap(AwsCloudMapServiceDiscovery {
            namespace_name: namespace.into(),
            service_name: service.into(),
            attributes: Vec::new(),
            ip_preference: None,
        }))
    }

    /// Sets the service discovery.
    #[must_use]
    pub fn with_discovery(mut self, discovery: ServiceDiscovery) -> Self {
        self.spec.service_discovery = Some(discovery);
        self
    }

    /// Adds a virtual service that it calls, by name; its Envoy knows no others.
    ///
    /// A name instead of a handle, because two services that call each other would each have to be created first.
    #[must_use]
    pub fn with_backend(self, virtual_service: impl Into<String>) -> Self {
        self.with_client_policy(virtual_service, None)
    }

    /// Adds a virtual service that it calls with this client policy instead of the backend defaults.
    #[must_use]
    pub fn with_backend_policy(self, virtual_service: impl Into<String>, policy: ClientPolicy) -> Self {
        self.with_client_policy(virtual_service, Some(policy))
    }

    /// Adds a virtual service that it calls by TCP on this port: [`VirtualNode::with_backend`] for protocols other
    /// than HTTP. A TCP connection does not name its destination, so with an explicit proxy such a backend has a
    /// listener of its own at the Envoy, whose address `MESHWRIGHT_TCP_EGRESS` passes to the application. With a
    /// transparent proxy, both methods are equivalent.
    #[must_use]
    pub fn with_tcp_backend(mut self, virtual_service: impl Into<String>, port: u16) -> Self {
        let virtual_service = virtual_service.into();
        self.tcp_backends.push((virtual_service.clone(), port));
        self.with_backend(virtual_service)
    }

    /// Sets how it calls its backends. Default, decided by App Mesh: with TLS if the service offers it.
    #[must_use]
    pub fn with_backend_defaults(mut self, policy: ClientPolicy) -> Self {
        self.spec.backend_defaults = Some(BackendDefaults {
            client_policy: Some(policy),
        });
        self
    }

    /// Writes an access log to a file, usually `/dev/stdout`. Default: none.
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

    fn with_client_policy(mut self, virtual_service: impl Into<String>, client_policy: Option<ClientPolicy>) -> Self {
        self.spec.backends.push(Backend::VirtualService(VirtualServiceBackend {
            virtual_service_name: virtual_service.into(),
            client_policy,
        }));
        self
    }
}

/// An access log in Envoy's default format.
pub(super) fn access_log(path: String) -> Logging {
    Logging {
        access_log: Some(AccessLog::File(FileAccessLog { path, format: None })),
    }
}

handle! {
    /// A virtual node that was added to a stack.
    VirtualNodeHandle {
        /// Its ports and their protocols.
        listeners: Vec<PortMapping>,
        /// The virtual services that it calls.
        backends: Vec<String>,
        /// The virtual services that it calls by TCP, with the port.
        tcp_backends: Vec<(String, u16)>,
        /// The control plane of its Envoys.
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
