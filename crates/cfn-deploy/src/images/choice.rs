//! Which digest each container of a template gets. Pure.

use std::collections::{BTreeMap, BTreeSet};

use cfn::Template;
use cfn::evaluate::Evaluator;

use super::pins::{ContainerId, TASK_DEFINITION};

/// Where the digests of a deployment come from.
///
/// A task definition is unchanged if it is the deployed one, apart from digests, and its image references are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PinPolicy {
    /// From ECR, except for these task definitions, by logical id: if one is unchanged, it keeps the deployed digests.
    Latest {
        /// The task definitions to keep.
        except: BTreeSet<String>,
    },
    /// Unchanged task definitions keep the deployed digests; the others get those of ECR. For steps of a rollout.
    KeepUnchanged,
    /// As [`PinPolicy::KeepUnchanged`], but the others get the digest that another deployed task definition has for the
    /// image, preferably in a container of the same name and beside the same containers: the other side of a blue-green
    /// deployment. For rollbacks.
    Restore,
    /// Deployed digests are kept for the same references; other references keep their tags. No call to ECR.
    Deployed,
}

/// The images of a template with tags, and the digests in place of them.
#[derive(Debug)]
pub(super) struct Images<'t> {
    template: &'t Template,
    pub(super) references: BTreeMap<ContainerId, Option<String>>,
    digests: BTreeMap<ContainerId, String>,
}

/// Where the digest of an image comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice {
    /// The deployed one; `None` for a tag.
    Keep(Option<String>),
    /// ECR, or else the deployed one.
    LookUp { deployed: Option<String> },
}

impl<'t> Images<'t> {
    /// The images of a template without digests, with the digests that it had.
    pub(super) fn new(
        template: &'t Template,
        evaluator: &Evaluator<'_>,
        digests: BTreeMap<ContainerId, String>,
    ) -> Self {
        let mut references = BTreeMap::new();
        let is_definition = |kind: &str| kind == TASK_DEFINITION;
        for (id, resource) in template
            .resources
            .iter()
            .filter(|(_, found)| is_definition(&found.kind))
        {
            let containers = resource.properties["ContainerDefinitions"].as_array();
            for container in containers.into_iter().flatten() {
                let Some(name) = container["Name"].as_str() else {
                    continue;
                };
                let image = evaluator.evaluate(&container["Image"]).text();
                references.insert((id.clone(), name.to_owned()), image);
            }
        }
        Self {
            template,
            references,
            digests,
        }
    }

    /// The digest of a container if it has this reference. `Some(None)` if it has the reference with its tag.
    pub(super) fn digest_of(&self, container: &ContainerId, reference: &str) -> Option<Option<String>> {
        let has_reference = self.references.get(container)?.as_deref() == Some(reference);
        has_reference.then(|| self.digests.get(container).cloned())
    }

    /// The containers of a task definition with their references.
    fn containers(&self, definition: &str) -> BTreeMap<&str, Option<&str>> {
        let all = self.references.iter().filter(|((id, _), _)| id == definition);
        all.map(|((_, name), reference)| (name.as_str(), reference.as_deref()))
            .collect()
    }

    /// The digest that another task definition has for the image of a container.
    fn digest_elsewhere(&self, (definition, container): &ContainerId, reference: &str) -> Option<Option<String>> {
        let names = |id: &str| self.containers(id).into_keys().map(str::to_owned).collect::<Vec<_>>();
        let own = names(definition);
        let others = self.references.keys().filter(|(id, _)| id != definition);
        let mut found: Vec<_> = others
            .filter_map(|other| {
                let digest = self.digest_of(other, reference)?;
                Some(((other.1 != *container, names(&other.0) != own), digest))
            })
            .collect();
        // Stable: of several, the first one by name.
        found.sort_by_key(|(unlike, _)| *unlike);
        found.into_iter().next().map(|(_, digest)| digest)
    }
}

/// Chooses for a container, whose image is `reference`.
pub(super) fn choose(
    policy: &PinPolicy,
    new: &Images<'_>,
    deployed: &Images<'_>,
    container: &ContainerId,
    reference: &str,
) -> Choice {
    let definition = &container.0;
    let own = deployed.digest_of(container, reference);
    let properties = |images: &Images<'_>| {
        images
            .template
            .resources
            .get(definition)
            .map(|found| found.properties.clone())
    };
    let is_unchanged =
        || properties(new) == properties(deployed) && new.containers(definition) == deployed.containers(definition);
    let look_up = Choice::LookUp {
        deployed: own.clone().flatten(),
    };
    match policy {
        PinPolicy::Deployed => Choice::Keep(own.flatten()),
        PinPolicy::Latest { except } if !except.contains(definition) => look_up,
        _ if is_unchanged() => Choice::Keep(own.flatten()),
        PinPolicy::Restore => match deployed.digest_elsewhere(container, reference).or(own) {
            Some(digest) => Choice::Keep(digest),
            None => look_up,
        },
        PinPolicy::KeepUnchanged | PinPolicy::Latest { .. } => look_up,
    }
}

#[cfg(test)]
mod tests;
