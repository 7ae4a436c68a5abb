//! Cloud Map namespaces for Service Connect.

use cfn::{Resource, Value, servicediscovery};

use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

/// A Cloud Map namespace for Service Connect.
///
/// The cheapest kind of namespace: it has no Route 53 hosted zone, because Service Connect queries Cloud Map and
/// needs no DNS records (ECS developer guide, Service Connect concepts, read 2026-11-23).
#[derive(Debug, Clone)]
pub struct HttpNamespace {
    name: String,
    description: Option<Value<String>>,
}

impl HttpNamespace {
    /// A namespace with this name. By default, services are called `<discovery name>.<name>`, so a short name is
    /// practical. Changing the name replaces the namespace.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
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
pub struct HttpNamespaceHandle {
    id: LogicalId,
    name: String,
}

impl HttpNamespaceHandle {
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

    /// The namespace's ARN. With it in a Service Connect configuration, CloudFormation creates the namespace before
    /// the service and deletes it afterwards.
    #[must_use]
    pub fn arn(&self) -> Value<String> {
        Value::attribute(self.id.qualified(), "Arn")
    }

    /// The namespace's id (`ns-…`), which Cloud Map's API accepts and Service Connect does not.
    #[must_use]
    pub fn id(&self) -> Value<String> {
        Value::reference(self.id.qualified())
    }
}

impl Construct for HttpNamespace {
    type Handle = HttpNamespaceHandle;
    const KIND: &'static str = "Namespace";

    fn add_to(self, scope: &mut Scope<'_>) -> HttpNamespaceHandle {
        let id = scope.logical_id();
        let properties = servicediscovery::HttpNamespace {
            description: self.description,
            ..servicediscovery::HttpNamespace::new(self.name.as_str())
        };
        scope.add_resource(&id, Resource::of(&properties));
        HttpNamespaceHandle { id, name: self.name }
    }
}
