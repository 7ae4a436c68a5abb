//! Service Connect: the services that an ECS service offers, and its namespace.

use mesh_model::service_connect::{self, ClientAlias, ServiceConnectConfiguration, Timeout};

use super::{HttpNamespaceHandle, PortMapping, TaskDefinition};

/// The Service Connect configuration of a service. With it, a service can call all services of the namespace; it may
/// offer some itself.
#[derive(Debug, Clone, Default)]
pub struct ServiceConnect {
    namespace: Option<HttpNamespaceHandle>,
    services: Vec<ServiceConnectService>,
}

impl ServiceConnect {
    /// A client: it calls services and offers none.
    #[must_use]
    pub fn client() -> Self {
        Self::default()
    }

    /// A service that offers this Service Connect service, and can call others.
    #[must_use]
    pub fn offering(service: ServiceConnectService) -> Self {
        Self::client().with_service(service)
    }

    /// Offers one more Service Connect service.
    #[must_use]
    pub fn with_service(mut self, service: ServiceConnectService) -> Self {
        self.services.push(service);
        self
    }

    /// Sets the namespace. Default: the cluster's.
    ///
    /// The template always specifies the namespace. ECS would use the cluster's default, but only when it creates the
    /// service, and CloudFormation would not know that the namespace must outlive the service.
    #[must_use]
    pub fn with_namespace(mut self, namespace: &HttpNamespaceHandle) -> Self {
        self.namespace = Some(namespace.clone());
        self
    }

    pub(super) fn namespace(&self) -> Option<&HttpNamespaceHandle> {
        self.namespace.as_ref()
    }

    /// Whether the Service Connect proxy receives all inbound traffic of the tasks. A service with an ingress port
    /// override receives traffic on another port (ECS API reference, `ServiceConnectService`, read 2026-11-23).
    pub(super) fn receives_all(&self) -> bool {
        let is_bypassed = |service: &ServiceConnectService| service.ingress_port_override.is_some();
        !self.services.is_empty() && !self.services.iter().any(is_bypassed)
    }

    pub(super) fn to_model(&self, task_definition: &TaskDefinition) -> ServiceConnectConfiguration {
        ServiceConnectConfiguration {
            enabled: true,
            services: self
                .services
                .iter()
                .map(|service| service.to_model(task_definition))
                .collect(),
            ..ServiceConnectConfiguration::default()
        }
    }
}

/// A port of a service, and the name by which it is called in the namespace.
#[derive(Debug, Clone)]
pub struct ServiceConnectService {
    port_name: String,
    discovery_name: Option<String>,
    client_port: Option<u16>,
    dns_name: Option<String>,
    ingress_port_override: Option<u16>,
    timeout: Timeout,
}

impl ServiceConnectService {
    /// A service on the port mapping with this name.
    #[must_use]
    pub fn new(port_name: impl Into<String>) -> Self {
        Self {
            port_name: port_name.into(),
            discovery_name: None,
            client_port: None,
            dns_name: None,
            ingress_port_override: None,
            timeout: Timeout::default(),
        }
    }

    /// Sets the name in Cloud Map: 1 to 64 of `a-z 0-9 _ -`, not starting with `-`, unique in the namespace. Default,
    /// decided by ECS: the port's name.
    #[must_use]
    pub fn with_discovery_name(mut self, name: impl Into<String>) -> Self {
        self.discovery_name = Some(name.into());
        self
    }

    /// Sets the port for clients. Default, decided by ECS: the container's port.
    #[must_use]
    pub fn with_client_port(mut self, port: u16) -> Self {
        self.client_port = Some(port);
        self
    }

    /// Sets the name for clients: 1 to 127 of `a-z 0-9 _ - .`. Default, decided by ECS: `<discovery
    /// name>.<namespace>`.
    #[must_use]
    pub fn with_dns_name(mut self, name: impl Into<String>) -> Self {
        self.dns_name = Some(name.into());
        self
    }

    /// Sets the port on which the proxy receives requests. Default, decided by ECS in `awsvpc` mode: the container's
    /// port.
    #[must_use]
    pub fn with_ingress_port_override(mut self, port: u16) -> Self {
        self.ingress_port_override = Some(port);
        self
    }

    /// Sets the timeout of a request in seconds, retries included; 0 for none. Default, decided by ECS: 15. An error
    /// for TCP.
    #[must_use]
    pub fn with_per_request_timeout_seconds(mut self, seconds: u32) -> Self {
        self.timeout.per_request_timeout_seconds = Some(seconds);
        self
    }

    /// Sets the idle timeout of a connection in seconds; 0 for none. Default, decided by ECS: 300, and 3600 for TCP.
    #[must_use]
    pub fn with_idle_timeout_seconds(mut self, seconds: u32) -> Self {
        self.timeout.idle_timeout_seconds = Some(seconds);
        self
    }

    fn to_model(&self, task_definition: &TaskDefinition) -> service_connect::ServiceConnectServiceSpec {
        service_connect::ServiceConnectServiceSpec {
            port_name: self.port_name.clone(),
            discovery_name: self.discovery_name.clone(),
            client_aliases: self.alias(task_definition).into_iter().collect(),
            ingress_port_override: self.ingress_port_override.map(Into::into),
            timeout: (self.timeout != Timeout::default()).then_some(self.timeout),
            tls: None,
        }
    }

    /// The client alias. An alias always has a port; one with only a name gets the port that ECS would choose.
    fn alias(&self, task_definition: &TaskDefinition) -> Option<ClientAlias> {
        let container_port = || task_definition.port(&self.port_name).map(PortMapping::container_port);
        let port = match (self.client_port, &self.dns_name) {
            (Some(port), _) => Some(port),
            (None, Some(_)) => container_port(),
            (None, None) => None,
        };
        Some(ClientAlias {
            port: port?.into(),
            dns_name: self.dns_name.clone(),
            test_traffic_rules: None,
        })
    }
}
