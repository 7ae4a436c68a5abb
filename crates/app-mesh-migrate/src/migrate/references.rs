//! The values of references to mesh resources: what `Ref` and `Fn::GetAtt` returned while App Mesh existed.

use cfn::evaluate::escape_sub;
use cfn::{ReferenceSite, Template, rewrite_references};
use indexmap::IndexMap;
use mesh_model::app_mesh::ResourcePath;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use sidecar_contract::Diagnostics;

use super::stacks::{Paths, name_attribute};

/// Replaces the references to the mesh resources of a stack by their values. Returns, for each resource that had some, the
/// logical ids that it referred to.
pub(crate) fn rewrite(
    stack: usize,
    stack_name: &str,
    template: &mut Template,
    paths: &Paths,
    diagnostics: &mut Diagnostics,
) -> IndexMap<String, Vec<String>> {
    let mut referring: IndexMap<String, Vec<String>> = IndexMap::new();
    rewrite_references(template, &mut |at, site| {
        let ReferenceSite::Id { logical_id, attribute } = site else {
            return None;
        };
        let path = paths.get(&(stack, logical_id.to_owned()))?;
        if let Some(resource) = at.strip_prefix("Resources.").and_then(|rest| rest.split('.').next()) {
            let others = referring.entry(resource.to_owned()).or_default();
            if !others.iter().any(|other| other == logical_id) {
                others.push(logical_id.to_owned());
            }
        }
        let value = value_of(path, attribute);
        if value.is_none() {
            let message = format!(
                "refers to the attribute `{}` of `{logical_id}`, which {} did not have",
                attribute.unwrap_or_default(),
                path.kind.resource_type()
            );
            diagnostics.add(format!("{stack_name}.{at}"), message);
        }
        value
    });
    referring
}

/// The value of an attribute, or of `Ref`. `None` for an attribute that App Mesh did not have.
fn value_of(path: &ResourcePath, attribute: Option<&str>) -> Option<Json> {
    Some(match attribute {
        None | Some("Arn") => {
            let path = escape_sub(&path.to_string());
            json!({"Fn::Sub": format!("arn:${{AWS::Partition}}:appmesh:${{AWS::Region}}:${{AWS::AccountId}}:{path}")})
        }
        Some("MeshOwner" | "ResourceOwner") => json!({"Ref": "AWS::AccountId"}),
        Some("Uid") => Json::from(uid(path)),
        Some(attribute) => Json::from(name_attribute(path, attribute)?),
    })
}

/// The unique id of a resource, decided by us: derived from its path, so that it is stable and differs for each resource.
/// App Mesh's were random.
#[must_use]
pub(crate) fn uid(path: &ResourcePath) -> String {
    let hash = Sha256::digest(path.to_string());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use mesh_model::app_mesh::Kind;

    use super::*;

    #[test]
    fn attributes_have_the_values_that_app_mesh_returned() {
        let route = ResourcePath::within("demo", "split", Kind::Route, "all");
        let arn =
            "arn:${AWS::Partition}:appmesh:${AWS::Region}:${AWS::AccountId}:mesh/demo/virtualRouter/split/route/all";
        for (attribute, value) in [
            (None, Some(json!({"Fn::Sub": arn}))),
            (Some("Arn"), Some(json!({"Fn::Sub": arn}))),
            (Some("MeshName"), Some(json!("demo"))),
            (Some("VirtualRouterName"), Some(json!("split"))),
            (Some("RouteName"), Some(json!("all"))),
            (Some("MeshOwner"), Some(json!({"Ref": "AWS::AccountId"}))),
            (Some("VirtualNodeName"), None),
        ] {
            assert_eq!(value_of(&route, attribute), value, "{attribute:?}");
        }
        assert_ne!(uid(&route), uid(&ResourcePath::of_mesh("demo")));
        assert_eq!(uid(&route), uid(&route.clone()));
    }
}
