//! Meshes as dumps: what `aws appmesh describe-…` prints, without what App Mesh assigns, and with the tags.

use mesh_model::app_mesh::{KeyCasing, Kind, ResourcePath};
use serde_json::{Map, Value as Json, json};

use crate::meshes::Meshes;
use crate::read::dumps::KINDS;

/// A JSON list of dumps, which [`read_dumps`](crate::read_dumps) reads.
#[must_use]
pub fn to_dumps(meshes: &Meshes) -> String {
    let dumps = meshes.resources.iter().map(|(path, document)| {
        let (key, mut dump) = names(path);
        dump.insert("spec".to_owned(), document.spec.write(KeyCasing::Camel));
        if !document.tags.is_empty() {
            let tags = document
                .tags
                .iter()
                .map(|(key, value)| json!({"key": key, "value": value}));
            dump.insert("tags".to_owned(), tags.collect());
        }
        json!({key: dump})
    });
    let mut text = format!("{:#}", dumps.collect::<Json>());
    text.push('\n');
    text
}

/// The key of a resource's dump, and the members with the names in its path.
fn names(path: &ResourcePath) -> (&'static str, Map<String, Json>) {
    let ResourcePath { mesh, parent, name, .. } = path;
    let values = match path.kind {
        Kind::Mesh => vec![Some(mesh)],
        Kind::Route | Kind::GatewayRoute => vec![Some(mesh), parent.as_ref(), Some(name)],
        _ => vec![Some(mesh), Some(name)],
    };
    let row = KINDS.iter().find(|(kind, ..)| *kind == path.kind);
    let (key, members) = row.map_or(("", [].as_slice()), |(_, key, _, members)| (*key, *members));
    let members = members.iter().zip(values);
    let members = members.map(|(member, value)| ((*member).to_owned(), json!(value)));
    (key, members.collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use mesh_model::app_mesh::ResourceSpec;

    use super::*;
    use crate::meshes::MeshDocument;

    #[test]
    fn a_dump_has_the_names_of_the_path() {
        let mut meshes = Meshes::default();
        let path = ResourcePath::parse("mesh/m/virtualRouter/v/route/r").expect("a path");
        let route = json!({"tcpRoute": {"action": {"weightedTargets": [{"virtualNode": "n", "weight": 1}]}}});
        let spec = ResourceSpec::read(path.kind, &route, KeyCasing::Camel, "").expect("a spec");
        let tags = BTreeMap::from([("stage".to_owned(), "test".to_owned())]);
        meshes.resources.insert(path, MeshDocument::new(spec, tags));
        let dumps: Json = serde_json::from_str(&to_dumps(&meshes)).expect("JSON");
        let expected = json!([{"route": {"meshName": "m", "virtualRouterName": "v", "routeName": "r", "spec": route,
                                         "tags": [{"key": "stage", "value": "test"}]}}]);
        assert_eq!(dumps, expected);
    }
}
