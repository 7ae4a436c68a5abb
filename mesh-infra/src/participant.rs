//! The ECS services of a template with what belongs to them, as far as the template alone tells.
//!
//! Checking and drawing both ask: which task definition does this service run, in which cluster, in which
//! namespace? The answers hang on references between resources, and any of them may lead outside the template.

use cfn::{Resource, Template, Value, ecs, servicediscovery};
use mesh_model::app_mesh::ResourcePath;

use crate::env::APPMESH_RESOURCE_ARN;
use crate::mesh_resource::Names;

/// A service, and its task definition if that is in the template.
#[derive(Debug)]
pub(crate) struct Participant<'a> {
    pub(crate) logical_id: &'a str,
    pub(crate) service: ecs::Service,
    pub(crate) task_definition: Option<ecs::TaskDefinition>,
}

/// Something that services share, a namespace or a cluster: what it is called, and what tells it from others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Shared {
    /// Equal for two services if and only if they certainly share it. Two calls of one function differ in their
    /// arguments, which the label does not show.
    pub(crate) key: String,
    /// Its name, or what stands for it when the name is late.
    pub(crate) label: String,
    /// Whether the label is its name.
    pub(crate) is_named: bool,
}

/// The services of a template that can be read, in order.
pub(crate) fn participants(template: &Template) -> Vec<Participant<'_>> {
    template
        .resources_of::<ecs::Service>()
        .filter_map(|(logical_id, service)| {
            let service = service.ok()?;
            let task_definition = service
                .task_definition
                .as_ref()
                .and_then(|arn| referred(template, arn))
                .and_then(|(_, resource)| read_as(resource));
            Some(Participant {
                logical_id,
                service,
                task_definition,
            })
        })
        .collect()
}

impl Participant<'_> {
    /// The Service Connect configuration, if the service takes part.
    pub(crate) fn service_connect(&self) -> Option<&ecs::ServiceConnectConfiguration> {
        self.service
            .service_connect_configuration
            .as_ref()
            .filter(|configuration| configuration.is_enabled())
    }

    /// The containers of the tasks; none if the task definition is not in the template.
    pub(crate) fn containers(&self) -> &[ecs::ContainerDefinition] {
        match &self.task_definition {
            Some(task_definition) => &task_definition.container_definitions,
            None => &[],
        }
    }

    /// The virtual node or gateway that its tasks' Envoys belong to, if they say so and it is known.
    pub(crate) fn mesh_place(&self, names: &Names<'_>) -> Option<ResourcePath> {
        let variables = self.containers().iter().flat_map(|container| &container.environment);
        let mut places = variables.filter(|variable| variable.name == Value::from(APPMESH_RESOURCE_ARN));
        let place = names.resolve_known(&places.next()?.value.to_json());
        ResourcePath::parse(place.as_str()?)
    }

    /// The cluster it runs in.
    pub(crate) fn cluster(&self) -> Shared {
        match &self.service.cluster {
            // A cluster's name and its ARN lead to the same cluster.
            Some(Value::Ref(id) | Value::GetAtt { logical_id: id, .. }) => Shared::named(id),
            Some(other) => Shared::of(other),
            // The cluster that ECS takes when none is named.
            None => Shared::named("default"),
        }
    }

    /// The namespace it takes part in, given that it does. `None` when neither the service nor its cluster, which
    /// is in the template, names one.
    pub(crate) fn namespace(&self, template: &Template) -> Option<Shared> {
        if let Some(namespace) = self
            .service_connect()
            .and_then(ecs::ServiceConnectConfiguration::namespace)
        {
            return Some(namespace_of(template, &namespace));
        }
        let cluster: Option<ecs::Cluster> = self
            .service
            .cluster
            .as_ref()
            .and_then(|cluster| referred(template, cluster))
            .and_then(|(_, resource)| read_as(resource));
        match cluster {
            Some(cluster) => cluster
                .service_connect_defaults
                .and_then(|defaults| defaults.namespace)
                .map(|namespace| namespace_of(template, &namespace)),
            None => {
                let Shared { key, label, .. } = self.cluster();
                Some(Shared {
                    key: format!("default of {key}"),
                    label: format!("default of cluster {label}"),
                    is_named: false,
                })
            }
        }
    }
}

impl Shared {
    /// What stands for something that is not there.
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

    fn of(value: &Value<String>) -> Self {
        match value {
            Value::Known(name) => Self::named(name),
            late => Self {
                key: late.to_json().to_string(),
                label: late.to_string(),
                is_named: false,
            },
        }
    }
}

/// The resource that a value refers to, by `Ref` or by an attribute.
pub(crate) fn referred<'a>(template: &'a Template, value: &Value<String>) -> Option<(&'a str, &'a Resource)> {
    let (Value::Ref(logical_id) | Value::GetAtt { logical_id, .. }) = value else {
        return None;
    };
    template
        .resources
        .get_key_value(logical_id)
        .map(|(id, resource)| (id.as_str(), resource))
}

/// The namespace by its own name where the template has it.
fn namespace_of(template: &Template, namespace: &Value<String>) -> Shared {
    let declared: Option<servicediscovery::HttpNamespace> =
        referred(template, namespace).and_then(|(_, resource)| read_as(resource));
    match declared.map(|declared| declared.name) {
        Some(Value::Known(name)) => Shared::named(&name),
        _ => Shared::of(namespace),
    }
}

/// The other kinds of namespace carry their name in the same property, so they are read alike.
fn read_as<T: cfn::ResourceType>(resource: &Resource) -> Option<T> {
    let namespace = |kind: &str| kind.starts_with("AWS::ServiceDiscovery::") && kind.ends_with("Namespace");
    let same_kind = resource.kind == T::KIND || (namespace(T::KIND) && namespace(&resource.kind));
    same_kind.then(|| resource.read().ok()).flatten()
}
