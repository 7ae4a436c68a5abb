//! How a service takes part in Service Connect: what it offers, and in which namespace.

use mesh_model::service_connect::{self, ClientAlias, ServiceConnectConfiguration, Timeout};

use super::{HttpNamespaceHandle, PortMapping, TaskDefinition};

/// A service's part in Service Connect. Every service that takes part can call all endpoints of the namespace;
/// some offer endpoints as well.
#[derive(Debug, Clone, Default)]
pub struct ServiceConnect {
    namespace: Option<HttpNamespaceHandle>,
    endpoints: Vec<ServiceConnectService>,
}

impl ServiceConnect {
    /// A service that calls others and offers nothing.
    #[must_use]
    pub fn client() -> Self {
        Self::default()
    }

    /// A service that offers an endpoint, and calls others.
    #[must_use]
    pub fn offering(endpoint: ServiceConnectService) -> Self {
        Self::client().with_endpoint(endpoint)
    }

    /// The same, offering one more endpoint.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: ServiceConnectService) -> Self {
        self.endpoints.push(endpoint);
        self
    }

    /// The same in another namespace. Default: the cluster's.
    ///
    /// Either way the service names its namespace in the template. ECS would take the cluster's default by
    /// itself, but only when the service is created, and CloudFormation would not know that the namespace must
    /// outlive the service.
    #[must_use]
    pub fn with_namespace(mut self, namespace: &HttpNamespaceHandle) -> Self {
        self.namespace = Some(namespace.clone());
        self
    }

    pub(super) fn namespace(&self) -> Option<&HttpNamespaceHandle> {
        self.namespace.as_ref()
    }

    /// Whether its Envoy takes all that comes to the ports of its tasks from outside. A port that is passed by is one whose
    /// endpoint takes requests elsewhere (ECS API reference, `ServiceConnectService`, read 2026-11-23).
    pub(super) fn takes_all(&self) -> bool {
        let passed_by = |endpoint: &ServiceConnectService| endpoint.ingress_port_override.is_some();
        !self.endpoints.is_empty() && !self.endpoints.iter().any(passed_by)
    }

    pub(super) fn to_model(&self, task_definition: &TaskDefinition) -> ServiceConnectConfiguration {
        ServiceConnectConfiguration {
            enabled: true,
            services: self
                .endpoints
                .iter()
                .map(|endpoint| endpoint.to_model(task_definition))
                .collect(),
            ..ServiceConnectConfiguration::default()
        }
    }
}

/// A port of a service, and the name under which others call it.
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
    /// An endpoint for the port mapping of this name.
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

    /// The same endpoint under this name in Cloud Map: 1 to 64 of `a-z 0-9 _ -`, not starting with `-`, unique
    /// in the namespace. Default, decided by ECS: the port's name.
    #[must_use]
    pub fn with_discovery_name(mut self, name: impl Into<String>) -> Self {
        self.discovery_name = Some(name.into());
        self
    }

    /// The same endpoint, called on this port. Default, decided by ECS: the container's port.
    #[must_use]
    pub fn with_client_port(mut self, port: u16) -> Self {
        self.client_port = Some(port);
        self
    }

    /// The same endpoint, called by this name: 1 to 127 of `a-z 0-9 _ - .`. Default, decided by ECS: the
    /// discovery name, a dot and the namespace.
    #[must_use]
    pub fn with_dns_name(mut self, name: impl Into<String>) -> Self {
        self.dns_name = Some(name.into());
        self
    }

    /// The same endpoint, its proxy taking requests on this port. Default, decided by ECS in `awsvpc` mode: the
    /// container's.
    #[must_use]
    pub fn with_ingress_port_override(mut self, port: u16) -> Self {
        self.ingress_port_override = Some(port);
        self
    }

    /// The same endpoint, an answer cut off after this many seconds, retries included; 0 for never. Default,
    /// decided by ECS: 15. TCP knows no requests, and there it is a problem.
    #[must_use]
    pub fn with_per_request_timeout_seconds(mut self, seconds: u32) -> Self {
        self.timeout.per_request_timeout_seconds = Some(seconds);
        self
    }

    /// The same endpoint, an idle connection closed after this many seconds; 0 for never. Default, decided by
    /// ECS: 300, and 3600 for TCP.
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

    /// An alias has a port, always. One that only has a name gets the port that ECS would have chosen.
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
