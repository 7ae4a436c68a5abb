//! ECS clusters.

use cfn::{Resource, StringList, Value, ecs};

use crate::construct::Construct;
use crate::stack::{LogicalId, Scope};

use super::HttpNamespaceHandle;

/// An ECS cluster.
#[derive(Debug, Clone, Default)]
pub struct Cluster {
    name: Option<Value<String>>,
    namespace: Option<HttpNamespaceHandle>,
    capacity_providers: Option<StringList>,
}

impl Cluster {
    /// A cluster with nothing set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name. Default, decided by CloudFormation: stack name, logical id and a random part. CloudFormation
    /// cannot replace a named resource unless the name changes.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<Value<String>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the default Service Connect namespace of its services. Default: none, so each service must specify one.
    #[must_use]
    pub fn with_service_connect_namespace(mut self, namespace: &HttpNamespaceHandle) -> Self {
        self.namespace = Some(namespace.clone());
        self
    }

    /// Sets the capacity providers that its services can use: [`CapacityProvider::FARGATE`],
    /// [`CapacityProvider::FARGATE_SPOT`], and those of Auto Scaling groups by name. Default, decided by ECS: none;
    /// services have the launch type Fargate.
    ///
    /// [`CapacityProvider::FARGATE`]: crate::CapacityProvider::FARGATE
    /// [`CapacityProvider::FARGATE_SPOT`]: crate::CapacityProvider::FARGATE_SPOT
    #[must_use]
    pub fn with_capacity_providers(mut self, names: impl IntoIterator<Item = impl Into<Value<String>>>) -> Self {
        self.capacity_providers = Some(StringList::list(names));
        self
    }
}

/// A cluster that was added to a stack.
#[derive(Debug, Clone)]
pub struct ClusterHandle {
    id: LogicalId,
    namespace: Option<HttpNamespaceHandle>,
}

impl ClusterHandle {
    /// The cluster's logical id.
    #[must_use]
    pub fn logical_id(&self) -> &LogicalId {
        &self.id
    }

    /// The cluster's name.
    #[must_use]
    pub fn name(&self) -> Value<String> {
        Value::reference(self.id.qualified())
    }

    /// The cluster's ARN.
    #[must_use]
    pub fn arn(&self) -> Value<String> {
        Value::attribute(self.id.qualified(), "Arn")
    }

    /// The default Service Connect namespace of its services.
    #[must_use]
    pub fn service_connect_namespace(&self) -> Option<&HttpNamespaceHandle> {
        self.namespace.as_ref()
    }
}

impl Construct for Cluster {
    type Handle = ClusterHandle;
    const KIND: &'static str = "Cluster";

    fn add_to(self, scope: &mut Scope<'_>) -> ClusterHandle {
        let id = scope.logical_id();
        if let Some(namespace) = &self.namespace {
            let path = format!("Resources.{id}.Properties.ServiceConnectDefaults.Namespace");
            scope.refer_to(namespace.logical_id(), &path);
        }
        let properties = ecs::Cluster {
            cluster_name: self.name,
            capacity_providers: self.capacity_providers,
            service_connect_defaults: self.namespace.as_ref().map(|namespace| ecs::ServiceConnectDefaults {
                namespace: Some(namespace.arn()),
            }),
            ..ecs::Cluster::default()
        };
        scope.add_resource(&id, Resource::of(&properties));
        ClusterHandle {
            id,
            namespace: self.namespace,
        }
    }
}
