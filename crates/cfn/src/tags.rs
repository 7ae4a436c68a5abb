//! Tags of resources: which types take them, in which property and form.

mod generated;

use indexmap::IndexMap;
use serde_json::{Map, Value as Json, json};

use crate::Resource;
use generated::TAGGABLE;

/// The form of a tag property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TagForm {
    /// A list of objects with `Key` and `Value`.
    List,
    /// An object with the keys as names.
    Map,
    /// As `List`, with `PropagateAtLaunch`: Auto Scaling groups, whose instances get the tag as well.
    Propagated,
}

/// The tag property of a resource type. Source: the resource schemas in cfn-lint 1.58.0 (read 2026-11-30).
fn tag_property(kind: &str) -> Option<(TagForm, &'static str)> {
    let contains = |kinds: &str| kinds.split_whitespace().any(|known| known == kind);
    let found = TAGGABLE.iter().find(|(_, _, kinds)| contains(kinds));
    found.map(|(form, property, _)| (*form, *property))
}

impl Resource {
    /// Adds tags; those that it has with the same key stay. A resource of a type without tags is left unchanged, and so is
    /// one whose tags are an expression.
    ///
    /// A type whose resources are replaced when tags change is treated as one without tags.
    pub fn add_tags(&mut self, tags: &IndexMap<String, String>) {
        let Some((form, property)) = tag_property(&self.kind).filter(|_| !tags.is_empty()) else {
            return;
        };
        if self.properties.is_null() {
            self.properties = Json::Object(Map::new());
        }
        let Json::Object(properties) = &mut self.properties else {
            return;
        };
        let empty = match form {
            TagForm::Map => json!({}),
            TagForm::List | TagForm::Propagated => json!([]),
        };
        let own = properties.entry(property).or_insert(empty);
        match own {
            Json::Array(own) if form != TagForm::Map => add_to_list(own, tags, form),
            Json::Object(own) if form == TagForm::Map && !is_expression(own) => {
                for (key, value) in tags {
                    own.entry(key.as_str()).or_insert_with(|| Json::from(value.as_str()));
                }
            }
            _ => {}
        }
    }
}

fn add_to_list(own: &mut Vec<Json>, tags: &IndexMap<String, String>, form: TagForm) {
    for (key, value) in tags {
        let has_key = |tag: &Json| tag.get("Key").is_some_and(|own| own == key.as_str());
        if own.iter().any(has_key) {
            continue;
        }
        let mut tag = json!({"Key": key, "Value": value});
        if form == TagForm::Propagated {
            tag["PropagateAtLaunch"] = Json::from(true);
        }
        own.push(tag);
    }
}

/// Whether an object is an intrinsic function, such as `Fn::If`.
fn is_expression(object: &Map<String, Json>) -> bool {
    let mut names = object.keys();
    matches!((names.next(), names.next()), (Some(name), None) if name == "Ref" || name.starts_with("Fn::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(kind: &str, properties: Json) -> Json {
        let tags = [("team", "mesh"), ("stage", "test")].map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut resource = Resource::new(kind, properties);
        resource.add_tags(&IndexMap::from(tags));
        resource.properties
    }

    #[test]
    fn tags_have_the_form_of_the_type() {
        let team = json!({"Key": "team", "Value": "mesh"});
        let stage = json!({"Key": "stage", "Value": "test"});
        for (kind, before, after) in [
            (
                "AWS::ECS::Service",
                json!({"A": 1}),
                json!({"A": 1, "Tags": [team, stage]}),
            ),
            ("AWS::SNS::Topic", Json::Null, json!({"Tags": [team, stage]})),
            (
                "AWS::SSM::Parameter",
                json!({"Tags": {"team": "own"}}),
                json!({"Tags": {"team": "own", "stage": "test"}}),
            ),
            (
                "AWS::EFS::FileSystem",
                json!({}),
                json!({"FileSystemTags": [team, stage]}),
            ),
            (
                "AWS::EC2::VPC",
                json!({"Tags": [{"Key": "team", "Value": "own"}]}),
                json!({"Tags": [{"Key": "team", "Value": "own"}, stage]}),
            ),
            (
                "AWS::AutoScaling::AutoScalingGroup",
                json!({}),
                json!({"Tags": [
                    {"Key": "team", "Value": "mesh", "PropagateAtLaunch": true},
                    {"Key": "stage", "Value": "test", "PropagateAtLaunch": true}
                ]}),
            ),
            ("AWS::EC2::Route", json!({}), json!({})),
            ("AWS::EFS::MountTarget", json!({}), json!({})),
            ("Custom::Own", json!({}), json!({})),
        ] {
            assert_eq!(tagged(kind, before), after, "{kind}");
        }
        let expression = json!({"Tags": {"Fn::If": ["A", {}, {}]}});
        assert_eq!(tagged("AWS::SSM::Parameter", expression.clone()), expression);
        assert_eq!(tagged("AWS::ECS::Cluster", expression.clone()), expression);
    }
}
