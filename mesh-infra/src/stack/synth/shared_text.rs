//! Texts that every Envoy of a template has: once in a mapping, in place of once per task definition.
//!
//! Without it, more than half of a service's bytes are the parts of the bootstrap and of the health check that all Envoys
//! share. CloudFormation inserts them, so task definitions stay the same.

use std::collections::BTreeMap;

use cfn::{ResourceType as _, Template, ecs};
use envoy_bootstrap::Bootstrap;
use serde_json::{Map, Value as Json, json};

use crate::labels;

/// The name of the mapping.
const MAPPING: &str = "MeshwrightEnvoy";
const BOOTSTRAP: &str = "Bootstrap";
const HEALTH_CHECK: &str = "HealthCheck";

/// Moves texts that several Envoys have into the template's mapping.
pub(super) fn share(template: &mut Template) {
    let mut texts = Texts::default();
    for container in envoys(template) {
        visit(container, &mut |kind, shared| {
            texts.count(kind, shared);
            None
        });
    }
    texts.number();
    for container in envoys(template) {
        visit(container, &mut |kind, shared| texts.reference(kind, shared));
    }
    if let Some(mapping) = texts.mapping() {
        template.mappings.insert(MAPPING.to_owned(), mapping);
    }
}

/// The containers of Envoys.
fn envoys(template: &mut Template) -> impl Iterator<Item = &mut Json> {
    let tasks = template
        .resources
        .values_mut()
        .filter(|resource| resource.kind == ecs::TaskDefinition::KIND);
    let containers = tasks.filter_map(|task| task.properties.get_mut("ContainerDefinitions")?.as_array_mut());
    containers
        .flatten()
        .filter(|container| container["DockerLabels"][labels::ROLE] == labels::ROLE_ENVOY)
}

/// Calls `replace` with the shared texts of an Envoy, and inserts what it returns.
fn visit(envoy: &mut Json, replace: &mut dyn FnMut(&'static str, &str) -> Option<Json>) {
    if let Some(command) = envoy.get_mut("Command").and_then(Json::as_array_mut)
        && let [Json::String(option), bootstrap] = command.as_mut_slice()
        && option == "--config-yaml"
        && let Json::String(text) = &*bootstrap
        && let Some((own, shared)) = Bootstrap::split_shared(text)
        && let Some(reference) = replace(BOOTSTRAP, shared)
    {
        *bootstrap = json!({"Fn::Join": ["", [own, reference]]});
    }
    let health_check = envoy.pointer_mut("/HealthCheck/Command");
    if let Some(Json::Array(command)) = health_check
        && let Some(last) = command.last_mut()
        && let Json::String(text) = &*last
        && let Some(reference) = replace(HEALTH_CHECK, text)
    {
        *last = reference;
    }
}

/// Shared texts by kind, with the number of their uses and, once numbered, their key in the mapping.
#[derive(Default)]
struct Texts(BTreeMap<&'static str, Vec<Text>>);

struct Text {
    text: String,
    uses: usize,
    key: Option<String>,
}

impl Texts {
    fn count(&mut self, kind: &'static str, text: &str) {
        let texts = self.0.entry(kind).or_default();
        match texts.iter_mut().find(|known| known.text == text) {
            Some(known) => known.uses += 1,
            None => texts.push(Text {
                text: text.to_owned(),
                uses: 1,
                key: None,
            }),
        }
    }

    /// Gives a key to each text that is used more than once.
    fn number(&mut self) {
        for texts in self.0.values_mut() {
            let shared = texts.iter_mut().filter(|text| text.uses > 1);
            for (number, text) in shared.enumerate() {
                text.key = Some(format!("Shared{}", number + 1));
            }
        }
    }

    fn reference(&self, kind: &'static str, text: &str) -> Option<Json> {
        let known = self.0.get(kind)?.iter().find(|known| known.text == text)?;
        let key = known.key.as_ref()?;
        Some(json!({"Fn::FindInMap": [MAPPING, kind, key]}))
    }

    fn mapping(self) -> Option<Json> {
        let mut mapping = Map::new();
        for (kind, texts) in self.0 {
            let entries = texts
                .into_iter()
                .filter_map(|text| Some((text.key?, Json::from(text.text))));
            let entries: Map<String, Json> = entries.collect();
            if !entries.is_empty() {
                mapping.insert(kind.to_owned(), entries.into());
            }
        }
        (!mapping.is_empty()).then_some(Json::Object(mapping))
    }
}
