//! Resources as they are once their functions are evaluated, and what services refer to among them.

use std::collections::BTreeMap;

use mesh_infra::Template;
use mesh_infra::cfn::{self, ResourceType, ecs, servicediscovery};
use mesh_model::Problems;
use serde_json::Value as Json;

use super::container::known;
use super::{names, note};
use crate::evaluate::Evaluation;

/// Reads evaluated resources, and notes what cannot be read.
pub(super) struct Reader<'t, 'p> {
    pub(super) template: &'t Template,
    pub(super) evaluation: &'t Evaluation<'t>,
    pub(super) problems: &'p mut Problems,
    /// The paths of properties that mean nothing here.
    pub(super) not_simulated: Vec<String>,
}

/// What services refer to, by what `Ref` and `Fn::GetAtt` made of it.
pub(super) struct Stack {
    /// By name and ARN.
    pub(super) clusters: BTreeMap<String, Cluster>,
    /// Namespace names, ids and ARNs, to the namespace's name.
    pub(super) namespaces: BTreeMap<String, String>,
    /// Task definition ARNs, to logical ids.
    pub(super) task_definitions: BTreeMap<String, String>,
}

/// A cluster, as far as its services need to know it.
#[derive(Clone)]
pub(super) struct Cluster {
    pub(super) name: String,
    pub(super) default_namespace: Reference,
}

/// What a service or cluster says of its namespace.
#[derive(Clone)]
pub(super) enum Reference {
    Nothing,
    To(String),
    /// It could not be evaluated or read, which was reported.
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

impl Reader<'_, '_> {
    pub(super) fn stack(&mut self) -> Stack {
        Stack {
            clusters: self.clusters(),
            namespaces: self.namespaces(),
            task_definitions: self.by_physical_id(ecs::TaskDefinition::KIND),
        }
    }

    pub(super) fn ids_of(&mut self, kind: &str) -> Vec<String> {
        let resources = self.template.resources.iter();
        resources
            .filter(|(id, resource)| resource.kind == kind && self.evaluation.has(id, self.problems))
            .map(|(id, _)| id.clone())
            .collect()
    }

    /// A resource, with everything that does not fit noted and late in it. `None` if nothing of it fits.
    pub(super) fn read<T: ResourceType>(&mut self, id: &str) -> Option<T> {
        let path = format!("Resources.{id}.Properties");
        let mut properties = self.evaluation.properties(id, self.problems);
        let not_simulated = names::sort_out(T::KIND, &mut properties, &path, self.problems);
        self.not_simulated.extend(not_simulated);
        let (resource, errors) = cfn::read_all(&properties);
        self.note_all(errors, &path);
        resource
    }

    /// Notes what could not be read. What is late was reported when it was evaluated.
    pub(super) fn note_all(&mut self, errors: Vec<cfn::ReadError>, path: &str) {
        for error in errors.into_iter().filter(|error| !error.is_late()) {
            let problem = error.into_problem(path);
            note(self.problems, problem.path, problem.message);
        }
    }

    fn physical_id(&mut self, id: &str) -> String {
        string(&self.evaluation.physical_id(id, self.problems))
    }

    pub(super) fn attribute(&mut self, id: &str, attribute: &str) -> String {
        string(&self.evaluation.attribute_of(id, attribute, self.problems))
    }

    fn by_physical_id(&mut self, kind: &str) -> BTreeMap<String, String> {
        let ids = self.ids_of(kind);
        ids.into_iter().map(|id| (self.physical_id(&id), id)).collect()
    }

    fn clusters(&mut self) -> BTreeMap<String, Cluster> {
        let mut clusters = BTreeMap::new();
        for id in self.ids_of(ecs::Cluster::KIND) {
            let Some(cluster) = self.read::<ecs::Cluster>(&id) else {
                continue;
            };
            let defaults = cluster.service_connect_defaults;
            let namespace = defaults.as_ref().and_then(|defaults| defaults.namespace.as_ref());
            let cluster = Cluster {
                name: self.physical_id(&id),
                default_namespace: Reference::new(namespace),
            };
            clusters.insert(self.attribute(&id, "Arn"), cluster.clone());
            clusters.insert(cluster.name.clone(), cluster);
        }
        clusters
    }

    fn namespaces(&mut self) -> BTreeMap<String, String> {
        let mut namespaces = BTreeMap::new();
        for id in self.ids_of(servicediscovery::HttpNamespace::KIND) {
            let Some(namespace) = self.read::<servicediscovery::HttpNamespace>(&id) else {
                continue;
            };
            let name = known(&namespace.name).unwrap_or_else(|| format!("unknown-{id}"));
            namespaces.insert(self.physical_id(&id), name.clone());
            namespaces.insert(self.attribute(&id, "Arn"), name.clone());
            namespaces.insert(name.clone(), name);
        }
        namespaces
    }
}

fn string(json: &Json) -> String {
    json.as_str().map(str::to_owned).unwrap_or_default()
}
