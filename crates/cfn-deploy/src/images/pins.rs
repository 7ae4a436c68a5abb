//! Image references of a template with a digest in place of their tag, and back. Pure.
//!
//! Only the end of a reference changes; intrinsic functions in it stay. The tag is kept in the metadata of the task
//! definition, so that it remains readable and the reference can be compared with that of a description:
//!
//! ```text
//! "Metadata": {"meshwright:images": {"app": "1.0"}},
//! "Properties": {"ContainerDefinitions": [{"Name": "app", "Image": {"Fn::Sub": "${AWS::AccountId}…/shop@sha256:…"}}]}
//! ```

use std::collections::BTreeMap;

use cfn::Template;
use serde_json::{Map, Value as Json};

/// The key of the tags in the metadata of a task definition, by container.
const METADATA: &str = "meshwright:images";
pub(super) const TASK_DEFINITION: &str = "AWS::ECS::TaskDefinition";

/// A container of a template: the logical id of its task definition, and its name.
pub(super) type ContainerId = (String, String);

/// Puts tags back in place of digests. Returns the digests. A digest of the description stays: it has no tag in the
/// metadata.
pub(super) fn unpin(template: &mut Template) -> BTreeMap<ContainerId, String> {
    let mut digests = BTreeMap::new();
    for (id, resource) in &mut template.resources {
        let metadata = resource.metadata.as_mut().and_then(Json::as_object_mut);
        let Some(tags) = metadata.and_then(|metadata| metadata.shift_remove(METADATA)) else {
            continue;
        };
        if resource.metadata.as_ref() == Some(&Json::Object(Map::new())) {
            resource.metadata = None;
        }
        let containers = resource.properties.get_mut("ContainerDefinitions");
        for container in containers.and_then(Json::as_array_mut).into_iter().flatten() {
            let Some(name) = container["Name"].as_str().map(str::to_owned) else {
                continue;
            };
            let text = container.get_mut("Image").and_then(last_text);
            let (Some(text), Some(tag)) = (text, tags[&name].as_str()) else {
                continue;
            };
            let Some((start, digest)) = text
                .split_once('@')
                .map(|(start, digest)| (start.to_owned(), digest.to_owned()))
            else {
                continue;
            };
            *text = if tag.is_empty() {
                start
            } else {
                format!("{start}:{tag}")
            };
            digests.insert((id.clone(), name), digest);
        }
    }
    digests
}

/// Pins the image of a container: its new reference is `image`, as [`with_digest`] returns it.
pub(super) fn pin(template: &mut Template, (definition, container): &ContainerId, image: Json, tag: &str) {
    let Some(resource) = template.resources.get_mut(definition) else {
        return;
    };
    let containers = resource.properties.get_mut("ContainerDefinitions");
    let mut containers = containers.and_then(Json::as_array_mut).into_iter().flatten();
    let Some(found) = containers.find(|found| found["Name"].as_str() == Some(container)) else {
        return;
    };
    found["Image"] = image;
    let metadata = resource.metadata.get_or_insert_with(|| Json::Object(Map::new()));
    metadata[METADATA][container] = tag.into();
}

/// An image reference with a digest in place of its tag, and that tag: empty if it has none. `None` if the reference does
/// not end in a text, or has a digest.
pub(super) fn with_digest(image: &Json, digest: &str) -> Option<(Json, String)> {
    let mut image = image.clone();
    let text = last_text(&mut image)?;
    let start = tag_start(text)?;
    let tag = text[start..].trim_start_matches(':').to_owned();
    text.truncate(start);
    text.push('@');
    text.push_str(digest);
    Some((image, tag))
}

/// The literal text that an image reference ends in: of a string, `Fn::Sub`, or `Fn::Join` without a delimiter.
fn last_text(image: &mut Json) -> Option<&mut String> {
    if image.is_string() {
        return as_text(image);
    }
    let (function, argument) = image
        .as_object_mut()
        .filter(|image| image.len() == 1)?
        .iter_mut()
        .next()?;
    match function.as_str() {
        "Fn::Sub" if argument.is_string() => as_text(argument),
        "Fn::Sub" => as_text(argument.get_mut(0)?),
        "Fn::Join" if argument[0] == "" => as_text(argument.get_mut(1)?.as_array_mut()?.last_mut()?),
        _ => None,
    }
}

fn as_text(value: &mut Json) -> Option<&mut String> {
    match value {
        Json::String(text) => Some(text),
        _ => None,
    }
}

/// Where the tag of a reference begins, with its colon, or where the reference ends if it has none. `None` if it has a
/// digest. Colons in `${…}` and before the last slash, such as that of a port, begin no tag.
pub(super) fn tag_start(text: &str) -> Option<usize> {
    let (mut start, mut is_inside) = (None, false);
    for (at, letter) in text.char_indices() {
        match letter {
            '{' if text[..at].ends_with('$') => is_inside = true,
            '}' => is_inside = false,
            '/' if !is_inside => start = None,
            '@' if !is_inside => return None,
            ':' if !is_inside && start.is_none() => start = Some(at),
            _ => {}
        }
    }
    Some(start.unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DIGEST: &str = "sha256:ab";

    #[test]
    fn only_the_end_of_a_reference_changes() {
        let registry = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}";
        let sub = |end: &str| json!({"Fn::Sub": format!("{registry}/team/app{end}")});
        let join = |end: &str| json!({"Fn::Join": ["", ["host/", {"Ref": "Repository"}, end]]});
        for (image, pinned, tag) in [
            (json!("host:5000/app:1"), json!("host:5000/app@sha256:ab"), "1"),
            (sub(":1.0"), sub("@sha256:ab"), "1.0"),
            (sub(""), sub("@sha256:ab"), ""),
            (sub(":${Tag}"), sub("@sha256:ab"), "${Tag}"),
            (sub(":v-${Tag}.1"), sub("@sha256:ab"), "v-${Tag}.1"),
            (
                json!({"Fn::Sub": ["${Host}/app:1", {"Host": "h"}]}),
                json!({"Fn::Sub": ["${Host}/app@sha256:ab", {"Host": "h"}]}),
                "1",
            ),
            (join(":1"), join("@sha256:ab"), "1"),
        ] {
            assert_eq!(with_digest(&image, DIGEST), Some((pinned, tag.to_owned())), "{image}");
        }
        for other in [
            json!({"Ref": "Image"}),
            json!({"Fn::Join": ["/", ["host", "app:1"]]}),
            json!({"Fn::Join": ["", ["host/app:", {"Ref": "Tag"}]]}),
            json!("host/app@sha256:cd"),
            json!("host/app:1@sha256:cd"),
            json!(null),
        ] {
            assert_eq!(with_digest(&other, DIGEST), None, "{other}");
        }
    }

    #[test]
    fn tags_come_back_and_digests_of_the_description_stay() {
        let described = Template::from_json(
            &json!({"Resources": {
                "Web": {"Type": TASK_DEFINITION, "Properties": {"ContainerDefinitions": [
                    {"Name": "app", "Image": {"Fn::Sub": "${Host}/app:1"}},
                    {"Name": "plain", "Image": "host/plain"},
                    {"Name": "fixed", "Image": "host/fixed@sha256:cd"},
                ]}},
                "Jobs": {"Type": TASK_DEFINITION, "Metadata": {"mine": 1}, "Properties": {"ContainerDefinitions": [
                    {"Name": "app", "Image": "host/app:${Tag}"}]}},
            }})
            .to_string(),
        )
        .unwrap();
        let mut template = described.clone();
        let mut expected = BTreeMap::new();
        for (definition, container, image) in [
            ("Web", "app", json!({"Fn::Sub": "${Host}/app:1"})),
            ("Web", "plain", json!("host/plain")),
            ("Jobs", "app", json!("host/app:${Tag}")),
        ] {
            let id = (definition.to_owned(), container.to_owned());
            let (image, tag) = with_digest(&image, DIGEST).unwrap();
            pin(&mut template, &id, image, &tag);
            expected.insert(id, DIGEST.to_owned());
        }
        let web = &template.resources["Web"];
        assert_eq!(web.metadata, Some(json!({METADATA: {"app": "1", "plain": ""}})));
        let image = &web.properties["ContainerDefinitions"][0]["Image"];
        assert_eq!(image, &json!({"Fn::Sub": "${Host}/app@sha256:ab"}));
        assert_eq!(unpin(&mut template), expected);
        assert_eq!(template, described);
        assert!(unpin(&mut template).is_empty());
    }
}
