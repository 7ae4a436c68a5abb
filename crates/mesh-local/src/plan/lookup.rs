//! Lookup of referenced resources by their `Ref` and `Fn::GetAtt` values.

use std::collections::BTreeMap;

use mesh_infra::cfn::{ResourceType, ecs};

use super::reader::Reader;
use super::values::known;
use crate::evaluate::Resource;

/// Resources that services refer to.
pub(super) struct Lookup<'s> {
    /// By name and ARN.
    pub(super) clusters: BTreeMap<String, Cluster>,
    /// By ARN.
    pub(super) task_definitions: BTreeMap<String, Resource<'s>>,
}

/// A cluster, reduced to what its services need.
#[derive(Clone)]
pub(super) struct Cluster {
    pub(super) name: String,
    pub(super) default_namespace: Reference,
}

/// A service's or cluster's reference to a namespace.
#[derive(Clone)]
pub(super) enum Reference {
    Nothing,
    To(String),
    /// Not evaluable or readable; reported earlier.
    Unknown,
}

impl Reference {
    pub(super) fn new(value: Option<&mesh_infra::Value<String>>) -> Self {
        match value.map(known) {
            None => Self::Nothing,
            Some(Some(text)) => Self::To(text),
            Some(None) => Self::Unknown,
        }
    }
}

impl<'s> Lookup<'s> {
    pub(super) fn read(reader: &mut Reader<'s, '_>) -> Self {
        let mut clusters = BTreeMap::new();
        for resource in reader.all_of(ecs::Cluster::KIND) {
            let Some(cluster) = reader.read::<ecs::Cluster>(resource) else {
                continue;
            };
            let defaults = cluster.service_connect_defaults;
            let namespace = defaults.as_ref().and_then(|defaults| defaults.namespace.as_ref());
            let cluster = Cluster {
                name: reader.physical_id(resource),
                default_namespace: Reference::new(namespace),
            };
            clusters.insert(reader.attribute(resource, "Arn"), cluster.clone());
            clusters.insert(cluster.name.clone(), cluster);
        }
        let definitions = reader.all_of(ecs::TaskDefinition::KIND);
        let task_definitions = definitions
            .map(|resource| (reader.physical_id(resource), resource))
            .collect();
        Self {
            clusters,
            task_definitions,
        }
    }
}
