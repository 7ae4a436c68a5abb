//! Virtual nodes: groups of equal tasks.

use super::IpPreference;
use super::client_policy::{BackendDefaults, ClientPolicy};
use super::listener::Listener;
use super::logging::Logging;
use super::schema::{Shape, keywords, list, structure, text, union};

structure! {
    /// `VirtualNodeSpec`.
    #[derive(Debug, Clone, Default, PartialEq)]
    pub struct VirtualNodeSpec {
        /// Ports on which it accepts requests, all different. Empty for a node that only calls others.
        listeners: Vec<Listener> = optional("listeners"),
        /// Service discovery of its tasks. Required with a listener.
        service_discovery: Option<ServiceDiscovery> = optional("serviceDiscovery"),
        /// Virtual services that it may call; its Envoys have no routes to others.
        backends: Vec<Backend> = optional("backends", list::<Backend>(0, 50)),
        /// Policy for backends without one of their own.
        backend_defaults: Option<BackendDefaults> = optional("backendDefaults"),
        /// Logs of its Envoys.
        logging: Option<Logging> = optional("logging"),
    }
}

impl VirtualNodeSpec {
    /// The host name of its tasks: that of DNS, or service and namespace of Cloud Map.
    #[must_use]
    pub fn host_name(&self) -> Option<String> {
        Some(match self.service_discovery.as_ref()? {
            ServiceDiscovery::Dns(dns) => dns.hostname.clone(),
            ServiceDiscovery::AwsCloudMap(cloud_map) => {
                format!("{}.{}", cloud_map.service_name, cloud_map.namespace_name)
            }
        })
    }
}

union! {
    /// Service discovery of a virtual node's tasks.
    #[derive(Debug, Clone, PartialEq)]
    pub enum ServiceDiscovery {
        /// DNS.
        Dns(DnsServiceDiscovery) = "dns",
        /// Cloud Map.
        AwsCloudMap(AwsCloudMapServiceDiscovery) = "awsCloudMap",
    }
}

structure! {
    /// Service discovery by DNS.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct DnsServiceDiscovery {
        /// The name to resolve.
        hostname: String = required("hostname"),
        /// Meaning of the addresses. Default, decided by App Mesh: [`DnsResponseType::Loadbalancer`].
        response_type: Option<DnsResponseType> = optional("responseType"),
        /// IP version of the addresses. Default: the mesh's.
        ip_preference: Option<IpPreference> = optional("ipPreference"),
    }
}

keywords! {
    /// Meaning of the addresses in a DNS response.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub enum DnsResponseType {
        /// Addresses of a load balancer: one is used at a time.
        #[default]
        Loadbalancer = "LOADBALANCER",
        /// Addresses of tasks: all are used.
        Endpoints = "ENDPOINTS",
    }
}

structure! {
    /// Service discovery by Cloud Map.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct AwsCloudMapServiceDiscovery {
        /// Name of the namespace, 1 to 1024 characters.
        namespace_name: String = required("namespaceName", text(1, 1024)),
        /// Name of the service in it, 1 to 1024 characters.
        service_name: String = required("serviceName", text(1, 1024)),
        /// Attributes that an instance must have, all of them.
        attributes: Vec<AwsCloudMapInstanceAttribute> = optional("attributes"),
        /// IP version of the addresses. Default: the mesh's.
        ip_preference: Option<IpPreference> = optional("ipPreference"),
    }
}

structure! {
    /// An attribute of a Cloud Map instance.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct AwsCloudMapInstanceAttribute {
        /// Name, 1 to 255 printable characters without spaces.
        key: String = required("key", Shape::Printable { min: 1, max: 255, spaces: false }),
        /// Value, 1 to 1024 printable characters.
        value: String = required("value", Shape::Printable { min: 1, max: 1024, spaces: true }),
    }
}

union! {
    /// A backend of a virtual node.
    #[derive(Debug, Clone, PartialEq)]
    pub enum Backend {
        /// A virtual service.
        VirtualService(VirtualServiceBackend) = "virtualService",
    }
}

structure! {
    /// A virtual service as a backend.
    #[derive(Debug, Clone, PartialEq)]
    pub struct VirtualServiceBackend {
        /// Its name.
        virtual_service_name: String = required("virtualServiceName"),
        /// Policy for calls to it. Default: the backend defaults.
        client_policy: Option<ClientPolicy> = optional("clientPolicy"),
    }
}
