//! ECS services with everything that they refer to in the template.

use cfn::{Value, ecs};
use mesh_model::app_mesh::ResourcePath;
use serde_json::Value as Json;

use super::TemplateModel;
use crate::env::APPMESH_RESOURCE_ARN;

/// An ECS service and what it refers to.
#[derive(Debug, Clone, Copy)]
pub struct ServiceView<'m> {
    model: &'m TemplateModel<'m>,
    /// The service's logical id.
    pub logical_id: &'m str,
    /// The service.
    pub service: &'m ecs::Service,
    /// Its task definition, if the template contains it.
    pub task_definition: Option<&'m ecs::TaskDefinition>,
}

/// The identity of a cluster or namespace that services share.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
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
pub struct EnvoyResourceArn<'m> {
    /// The index of the container in its task definition.
    pub container: usize,
    /// The index of the variable in its container.
    pub variable: usize,
    /// The value of the variable.
    pub value: &'m Value<String>,
}

impl<'m> ServiceView<'m> {
    pub(super) fn new(model: &'m TemplateModel<'_>, logical_id: &'m str, service: &'m ecs::Service) -> Self {
        let task_definition = service.task_definition.as_ref().and_then(|arn| model.referenced(arn));
        Self {
            model,
            logical_id,
            service,
            task_definition: task_definition.and_then(|(id, _)| model.resources.task_definitions.get(id)),
        }
    }

    /// The Service Connect configuration, if it is enabled.
    #[must_use]
    pub fn service_connect(&self) -> Option<&'m ecs::ServiceConnectConfiguration> {
        let configuration = self.service.service_connect_configuration.as_ref();
        configuration.filter(|configuration| configuration.is_enabled())
    }

    /// The containers of the tasks; none if the task definition is not in the template.
    #[must_use]
    pub fn containers(&self) -> &'m [ecs::ContainerDefinition] {
        self.task_definition
            .map_or(&[], |task_definition| &task_definition.container_definitions)
    }

    /// The virtual node or gateway that the Envoys of its tasks belong to, if it is known.
    #[must_use]
    pub fn mesh_path(&self) -> Option<ResourcePath> {
        let arn = envoy_resource_arns(self.task_definition?).next()?;
        self.model.resource_path(arn.value)
    }

    /// The cluster that it runs in.
    #[must_use]
    pub fn cluster(&self) -> Identity {
        match &self.service.cluster {
            // `Ref` is the cluster's name and `Arn` its ARN: the same cluster.
            Some(Value::Ref(id) | Value::GetAtt { logical_id: id, .. }) => Identity::named(id),
            Some(other) => Identity::of_value(other),
            // The cluster that ECS uses when none is specified.
            None => Identity::named("default"),
        }
    }

    /// The Service Connect namespace, given that Service Connect is enabled. `None` if neither the service nor its
    /// cluster, which is in the template, specifies one.
    #[must_use]
    pub fn namespace(&self) -> Option<Identity> {
        let own = self
            .service_connect()
            .and_then(cfn::ecs::ServiceConnectConfiguration::namespace);
        if let Some(namespace) = own {
            return Some(self.namespace_identity(&namespace));
        }
        let cluster = self.service.cluster.as_ref();
        let cluster = cluster.and_then(|cluster| self.model.referenced(cluster));
        match cluster.and_then(|(id, _)| self.model.resources.clusters.get(id)) {
            Some(cluster) => {
                let defaults = cluster.service_connect_defaults.as_ref()?;
                Some(self.namespace_identity(defaults.namespace.as_ref()?))
            }
            None => {
                let Identity { key, label, .. } = self.cluster();
                Some(Identity {
                    key: format!("default of {key}"),
                    label: format!("default of cluster {label}"),
                    is_named: false,
                })
            }
        }
    }

    /// The resources that are created before the service, beyond those that its properties refer to.
    pub(crate) fn depends_on(&self) -> &'m [String] {
        &self.model.template.resources[self.logical_id].depends_on
    }

    /// The condition under which the service exists.
    pub(crate) fn condition(&self) -> Option<&'m str> {
        self.model.template.resources[self.logical_id].condition.as_deref()
    }

    /// A namespace by its own name if it is in the template.
    fn namespace_identity(&self, namespace: &Value<String>) -> Identity {
        let declared = self.model.referenced(namespace);
        let name = declared.and_then(|(id, _)| self.model.resources.namespace_names.get(id));
        match name {
            Some(Value::Known(name)) => Identity::named(name),
            _ => Identity::of_value(namespace),
        }
    }
}

impl TemplateModel<'_> {
    /// The mesh resource that the value of `APPMESH_RESOURCE_ARN` identifies, if it is known.
    #[must_use]
    pub fn resource_path(&self, arn: &Value<String>) -> Option<ResourcePath> {
        match arn {
            Value::Known(arn) => ResourcePath::parse(arn),
            unresolved => match self.names.resolve_known(&unresolved.to_json()) {
                Json::String(arn) => ResourcePath::parse(&arn),
                _ => None,
            },
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
