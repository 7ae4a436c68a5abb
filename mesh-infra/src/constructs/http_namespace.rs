//! Namespaces in which services are found by name.

use cfn::{Resource, Value, servicediscovery};

use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

/// A Cloud Map namespace for Service Connect.
///
/// The cheapest kind there is: no Route 53 hosted zone comes with it, since Service Connect asks Cloud Map
/// directly and needs no DNS records (ECS developer guide, Service Connect concepts, read 2026-11-23).
#[derive(Debug, Clone)]
pub struct HttpNamespace {
    name: String,
    description: Option<Value<String>>,
}

impl HttpNamespace {
    /// A namespace. Endpoints are called `<discovery name>.<name>` unless they say otherwise, so a short name
    /// reads best. It is replaced when its name changes.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: None,
        }
    }

    /// The same namespace with a description, at most 1024 characters. Default: none.
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

    /// The namespace's ARN. The one to give to Service Connect: it makes CloudFormation create the namespace
    /// first and delete it last.
    #[must_use]
    pub fn arn(&self) -> Value<String> {
        Value::attribute(self.id.as_str(), "Arn")
    }

    /// The namespace's id (`ns-…`), which Service Connect does not take but Cloud Map's API does.
    #[must_use]
    pub fn id(&self) -> Value<String> {
        Value::reference(self.id.as_str())
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
