//! Tags of all resources in a stack.

use cfn::{ResourceType, Template, ecs};
use indexmap::IndexMap;
use serde_json::{Value as Json, json};
use sidecar_contract::Diagnostics;

/// Tags of a resource, without those of AWS. Source of this and the other limits: AWS General Reference, "Tag your AWS
/// resources", and ECS developer guide, "Tagging Amazon ECS resources" (read 2026-11-30).
const TAGS: usize = 50;
/// Characters of a key.
const KEY: usize = 128;
/// Characters of a value.
const VALUE: usize = 256;
/// Reserved by AWS, in any case.
const RESERVED: &str = "aws:";

/// Reports tags that AWS rejects.
pub(super) fn check(tags: &IndexMap<String, String>, diagnostics: &mut Diagnostics) {
    if tags.len() > TAGS {
        diagnostics.add("Tags", format!("are {}; a resource has at most {TAGS}", tags.len()));
    }
    for (key, value) in tags {
        let path = format!("Tags.{key}");
        let length = key.chars().count();
        if length == 0 || length > KEY {
            diagnostics.add(
                path.as_str(),
                format!("has a key of {length} characters; allowed are 1 to {KEY}"),
            );
        }
        if key.to_lowercase().starts_with(RESERVED) {
            let message = format!("begins with `{RESERVED}`, which is reserved by AWS; use another key");
            diagnostics.add(path.as_str(), message);
        }
        let length = value.chars().count();
        if length > VALUE {
            let message = format!("has a value of {length} characters; allowed are at most {VALUE}");
            diagnostics.add(path.as_str(), message);
        }
        if let Some(other) = key.chars().chain(value.chars()).find(|c| !is_allowed(*c)) {
            let message = format!("contains `{other}`; allowed are letters, digits, spaces and _ . : / = + - @");
            diagnostics.add(path, message);
        }
    }
}

/// What all of ECS, EC2, IAM and the other services allow.
fn is_allowed(character: char) -> bool {
    character.is_alphanumeric() || " _.:/=+-@".contains(character)
}

/// Lets tasks have the tags of their service.
pub(super) fn propagate(tags: &IndexMap<String, String>, template: &mut Template) {
    if tags.is_empty() {
        return;
    }
    for resource in template.resources.values_mut() {
        if resource.kind != ecs::Service::KIND {
            continue;
        }
        if let Json::Object(properties) = &mut resource.properties {
            properties.entry("PropagateTags").or_insert_with(|| json!("SERVICE"));
            properties.entry("EnableECSManagedTags").or_insert_with(|| json!(true));
        }
    }
}
