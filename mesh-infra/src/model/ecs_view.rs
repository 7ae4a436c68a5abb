//! ECS services with everything that they refer to in the input.

use cfn::{ResourceType, Value, ecs};
use mesh_model::app_mesh::ResourcePath;

use super::TemplateModel;
use super::input::InputResource;
use super::typed_resources::TypedResource;
use crate::env::APPMESH_RESOURCE_ARN;

/// An ECS service and what it refers to.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ServiceView<'m> {
    model: &'m TemplateModel<'m>,
    /// The service's resource.
    pub resource: &'m InputResource<'m>,
    /// The service.
    pub service: &'m ecs::Service,
    /// Its task definition, if the input contains it.
    pub task_definition: Option<TypedResource<'m, ecs::TaskDefinition>>,
}

/// The Service Connect namespace of a service.
#[derive(Debug, Clone, PartialEq)]
pub enum NamespaceReference {
    /// The service or its cluster specifies it.
    To(Value<String>),
    /// Neither the service nor its cluster specifies one.
    Missing,
    /// The service specifies none, and its cluster is not in the input.
    DefaultOfCluster,
}

/// The identity of a cluster or namespace that services share.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Identity {
    /// Equal for two services if and only if they certainly share the cluster or namespace. Two calls of one function
    /// differ in their arguments, which the label does not show.
    pub key: String,
    /// Its name, or an expression if the name is unresolved.
    pub label: String,
    /// Whether the label is its name.
    pub is_named: bool,
}

/// The variable `APPMESH_RESOURCE_ARN` of a container, which makes the container an Envoy of the mesh.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct EnvoyResourceArn<'m> {
    /// The index of the container in its task definition.
    pub container: usize,
    /// The index of the variable in its container.
    pub variable: usize,
    /// The value of the variable.
    pub value: &'m Value<String>,
}

impl<'m> ServiceView<'m> {
    pub(super) fn new(model: &'m TemplateModel<'_>, service: TypedResource<'m, ecs::Service>) -> Self {
        let task_definition = service.value.task_definition.as_ref();
        Self {
            model,
            resource: service.resource,
            service: service.value,
            task_definition: task_definition.and_then(|value| model.task_definition(value)),
        }
    }

    /// The service's logical id.
    #[must_use]
    pub fn logical_id(&self) -> &'m str {
        self.resource.logical_id
    }

    /// The Service Connect configuration, if it is enabled.
    #[must_use]
    pub fn service_connect(&self) -> Option<&'m ecs::ServiceConnectConfiguration> {
        let configuration = self.service.service_connect_configuration.as_ref();
        configuration.filter(|configuration| configuration.is_enabled())
    }

    /// The containers of the tasks; none if the task definition is not in the input.
    #[must_use]
    pub fn containers(&self) -> &'m [ecs::ContainerDefinition] {
        self.task_definition
            .map_or(&[], |task_definition| &task_definition.value.container_definitions)
    }

    /// The virtual node or gateway that the Envoys of its tasks belong to, if it is known.
    #[must_use]
    pub fn mesh_path(&self) -> Option<ResourcePath> {
        let arn = envoy_resource_arns(self.task_definition?.value).next()?;
        ResourcePath::parse(arn.value.known()?)
    }

    /// The cluster that it runs in, if the input contains it.
    #[must_use]
    pub fn cluster(&self) -> Option<TypedResource<'m, ecs::Cluster>> {
        let cluster = self.service.cluster.as_ref()?;
        let position = self
            .model
            .position(cluster, |resource| resource.kind() == ecs::Cluster::KIND)?;
        self.model.typed_at(&self.model.typed.clusters, position)
    }

    /// The identity of the cluster that it runs in.
    #[must_use]
    pub fn cluster_identity(&self) -> Identity {
        match &self.service.cluster {
            // `Ref` is the cluster's name and `Arn` its ARN: the same cluster.
            Some(Value::Ref(id) | Value::GetAtt { logical_id: id, .. }) => Identity::named(id),
            Some(other) => Identity::of_value(other),
            // The cluster that ECS uses when none is specified.
            None => Identity::named("default"),
        }
    }

    /// The Service Connect namespace, given that Service Connect is enabled.
    #[must_use]
    pub fn namespace(&self) -> NamespaceReference {
        let configuration = self.service.service_connect_configuration.as_ref();
        if let Some(namespace) = configuration.and_then(ecs::ServiceConnectConfiguration::namespace) {
            return NamespaceReference::To(namespace);
        }
        let Some(cluster) = self.cluster() else {
            return NamespaceReference::DefaultOfCluster;
        };
        let defaults = cluster.value.service_connect_defaults.as_ref();
        let namespace = defaults.and_then(|defaults| defaults.namespace.clone());
        namespace.map_or(NamespaceReference::Missing, NamespaceReference::To)
    }

    /// The identity of the Service Connect namespace. `None` if neither the service nor its cluster specifies one.
    #[must_use]
    pub fn namespace_identity(&self) -> Option<Identity> {
        match self.namespace() {
            NamespaceReference::To(namespace) => {
                let name = self.model.namespace(&namespace).and_then(|namespace| namespace.name);
                Some(name.map_or_else(|| Identity::of_value(&namespace), Identity::named))
            }
            NamespaceReference::Missing => None,
            NamespaceReference::DefaultOfCluster => {
                let Identity { key, label, .. } = self.cluster_identity();
                Some(Identity {
                    key: format!("default of {key}"),
                    label: format!("default of cluster {label}"),
                    is_named: false,
                })
            }
        }
    }
}

/// The variables of a task definition that make containers Envoys of a mesh.
pub(crate) fn envoy_resource_arns(task_definition: &ecs::TaskDefinition) -> impl Iterator<Item = EnvoyResourceArn<'_>> {
    let containers = task_definition.container_definitions.iter().enumerate();
    containers.flat_map(|(container, definition)| {
        let variables = definition.environment.iter().enumerate();
        let named = variables.filter(|(_, variable)| variable.name == Value::from(APPMESH_RESOURCE_ARN));
        named.map(move |(index, variable)| EnvoyResourceArn {
            container,
            variable: index,
            value: &variable.value,
        })
    })
}

impl Identity {
    /// The identity of something that is not specified.
    pub(crate) fn missing() -> Self {
        Self {
            key: "missing".to_owned(),
            label: "(missing)".to_owned(),
            is_named: false,
        }
    }

    fn named(name: &str) -> Self {
        Self {
            key: name.to_owned(),
            label: name.to_owned(),
            is_named: true,
        }
    }

    fn of_value(value: &Value<String>) -> Self {
        match value {
            Value::Known(name) => Self::named(name),
            unresolved => Self {
                key: unresolved.to_json().to_string(),
                label: unresolved.to_string(),
                is_named: false,
            },
        }
    }
}
