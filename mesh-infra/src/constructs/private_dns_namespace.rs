//! Cloud Map namespaces with DNS.

use cfn::{Resource, Value, servicediscovery};
use serde_json::json;

use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

use super::NetworkHandle;

/// Seconds for which resolvers cache that a name does not exist, decided by us: a task that queries too early can
/// retry soon. Cloud Map's own default is not documented; users of App Mesh observed 300 s (aws/aws-app-mesh-roadmap
/// issue 221, read 2026-11-23).
const NEGATIVE_TTL: u32 = 15;

/// A Cloud Map namespace whose names resolve within a VPC, with a Route 53 hosted zone.
///
/// Virtual nodes are discovered in it by DNS, and applications resolve the names of virtual services in it.
#[derive(Debug, Clone)]
pub struct PrivateDnsNamespace {
    name: String,
    network: NetworkHandle,
    description: Option<Value<String>>,
}

impl PrivateDnsNamespace {
    /// A namespace in the VPC of the network. The DNS names of services are `<service>.<name>`. Changing the name or
    /// the VPC replaces the namespace.
    #[must_use]
    pub fn new(name: impl Into<String>, network: &NetworkHandle) -> Self {
        Self {
            name: name.into(),
            network: network.clone(),
            description: None,
        }
    }

    /// Sets the description, at most 1024 characters. Default: none.
    #[must_use]
    pub fn with_description(mut self, description: impl Into<Value<String>>) -> Self {
        self.description = Some(description.into());
        self
    }
}

/// A namespace that was added to a stack.
#[derive(Debug, Clone)]
pub struct PrivateDnsNamespaceHandle {
    id: LogicalId,
    name: String,
}

impl PrivateDnsNamespaceHandle {
    /// The namespace's logical id.
    #[must_use]
    pub fn logical_id(&self) -> &LogicalId {
        &self.id
    }

    /// The namespace's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The DNS name of a service in the namespace: `blue.appmesh` for `blue`.
    #[must_use]
    pub fn dns_name(&self, service: &str) -> String {
        format!("{service}.{}", self.name)
    }

    /// The namespace's ARN.
    #[must_use]
    pub fn arn(&self) -> Value<String> {
        Value::attribute(self.id.qualified(), "Arn")
    }

    /// The namespace's id (`ns-…`).
    #[must_use]
    pub fn id(&self) -> Value<String> {
        Value::reference(self.id.qualified())
    }
}

impl Construct for PrivateDnsNamespace {
    type Handle = PrivateDnsNamespaceHandle;
    const KIND: &'static str = "Namespace";

    fn add_to(self, scope: &mut Scope<'_>) -> PrivateDnsNamespaceHandle {
        let id = scope.logical_id();
        scope.refer_to(self.network.logical_id(), &format!("Resources.{id}.Properties.Vpc"));
        let vpc = self.network.vpc_id(scope);
        let properties = servicediscovery::PrivateDnsNamespace {
            description: self.description,
            properties: Some(json!({"DnsProperties": {"SOA": {"TTL": NEGATIVE_TTL}}})),
            ..servicediscovery::PrivateDnsNamespace::new(self.name.as_str(), vpc)
        };
        scope.add_resource(&id, Resource::of(&properties));
        PrivateDnsNamespaceHandle { id, name: self.name }
    }
}
