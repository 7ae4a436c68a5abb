//! Dumps of `aws appmesh describe-…`: the output of the AWS CLI, in which the resource has a key, or the body of the API's
//! response, which is the resource.

use std::collections::{BTreeMap, BTreeSet};

use mesh_model::app_mesh::{KeyCasing, Kind, ResourcePath, ResourceSpec};
use serde_json::{Map, Value as Json, json};
use sidecar_contract::{Diagnostics, ValidationErrors};

use super::{JsonText, parse};
use crate::meshes::{MeshDocument, Meshes};

/// The kinds with the key of their dumps, that of their lists, and the members with the names in their path. Those with a
/// parent come first: their dumps have the name of the parent as well.
pub(crate) const KINDS: [(Kind, &str, &str, &[&str]); 7] = [
    (
        Kind::Route,
        "route",
        "routes",
        &["meshName", "virtualRouterName", "routeName"],
    ),
    (
        Kind::GatewayRoute,
        "gatewayRoute",
        "gatewayRoutes",
        &["meshName", "virtualGatewayName", "gatewayRouteName"],
    ),
    (
        Kind::VirtualNode,
        "virtualNode",
        "virtualNodes",
        &["meshName", "virtualNodeName"],
    ),
    (
        Kind::VirtualRouter,
        "virtualRouter",
        "virtualRouters",
        &["meshName", "virtualRouterName"],
    ),
    (
        Kind::VirtualService,
        "virtualService",
        "virtualServices",
        &["meshName", "virtualServiceName"],
    ),
    (
        Kind::VirtualGateway,
        "virtualGateway",
        "virtualGateways",
        &["meshName", "virtualGatewayName"],
    ),
    (Kind::Mesh, "mesh", "meshes", &["meshName"]),
];

/// The members of a dump that App Mesh assigned and a mesh does not contain.
const ASSIGNED: [&str; 2] = ["metadata", "status"];
/// What the AWS CLI and SDKs add to a response.
const OF_CLIENT: [&str; 2] = ["ResponseMetadata", "nextToken"];

/// Reads dumps: objects as `describe-…` prints them or the API sends them, lists of such objects, and the outputs of
/// `list-…`, which name resources that must be among the dumps.
///
/// # Errors
///
/// Texts that are not JSON, objects that are no dump, unknown members, invalid specs, resources that are described twice and
/// differently, and resources of a list without a dump.
pub fn read_dumps(texts: &[JsonText]) -> Result<Meshes, ValidationErrors> {
    let documents = parse(texts)?;
    let mut reader = Reader::default();
    for (location, document) in &documents {
        reader.read(document, location);
    }
    let Reader {
        meshes,
        listed,
        mut diagnostics,
    } = reader;
    for (path, location) in listed {
        if !meshes.resources.contains_key(&path) {
            let message = format!(
                "lists the {}, of which there is no dump; add its describe output",
                path.description()
            );
            diagnostics.add(location, message);
        }
    }
    diagnostics.into_result(meshes)
}

#[derive(Default)]
struct Reader {
    meshes: Meshes,
    /// The resources of lists, with the place of the list.
    listed: BTreeMap<ResourcePath, String>,
    diagnostics: Diagnostics,
}

impl Reader {
    fn read(&mut self, document: &Json, location: &str) {
        match document {
            Json::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.read(item, &format!("{location}[{index}]"));
                }
            }
            Json::Object(object) => self.read_object(object, location),
            _ => self
                .diagnostics
                .add(location, "is not the output of a describe or list command"),
        }
    }

    fn read_object(&mut self, object: &Map<String, Json>, location: &str) {
        if object.contains_key("meshName") {
            return self.read_resource(object, location);
        }
        let mut is_known = false;
        for (key, value) in object {
            let path = format!("{location}.{key}");
            let kind = KINDS.iter().find(|(_, one, several, _)| key == one || key == several);
            match (kind, value) {
                (Some((_, one, ..)), Json::Object(resource)) if key == one => self.read_resource(resource, &path),
                (Some((kind, _, several, names)), Json::Array(items)) if key == several => {
                    for (index, item) in items.iter().enumerate() {
                        self.read_list_item(*kind, names, item, &format!("{path}[{index}]"));
                    }
                }
                _ if OF_CLIENT.contains(&key.as_str()) => {
                    if key == "nextToken" && !value.is_null() {
                        self.diagnostics
                            .add(path, "says that the list goes on; add the other pages");
                    }
                    continue;
                }
                _ => self
                    .diagnostics
                    .add(path, "is not part of the output of a describe or list command"),
            }
            is_known = true;
        }
        if !is_known {
            self.diagnostics
                .add(location, "is not the output of a describe or list command");
        }
    }

    /// An item of a list, which may itself be a whole dump.
    fn read_list_item(&mut self, kind: Kind, names: &[&'static str], item: &Json, location: &str) {
        let Some(object) = item.as_object() else {
            return self.diagnostics.add(location, "is not an item of a list command");
        };
        if object.contains_key("spec") {
            return self.read_resource(object, location);
        }
        match path(kind, names, object) {
            Ok(path) => drop(self.listed.insert(path, location.to_owned())),
            Err((member, reason)) => self.diagnostics.add(format!("{location}.{member}"), reason),
        }
    }

    fn read_resource(&mut self, object: &Map<String, Json>, location: &str) {
        // The member with its own name tells the kind.
        let own = |names: &[&str]| names.last().is_some_and(|name| object.contains_key(*name));
        let Some((kind, _, _, names)) = KINDS.iter().find(|(.., names)| own(names)) else {
            return self.diagnostics.add(location, "lacks the name of a resource");
        };
        let path = match path(*kind, names, object) {
            Ok(path) => path,
            Err((member, reason)) => return self.diagnostics.add(format!("{location}.{member}"), reason),
        };
        let known: BTreeSet<&str> = names.iter().copied().chain(ASSIGNED).chain(["spec", "tags"]).collect();
        for name in object.keys().filter(|name| !known.contains(name.as_str())) {
            self.diagnostics
                .add(format!("{location}.{name}"), "is not a member of a dump");
        }
        if object.get("status").and_then(|status| status.get("status")) == Some(&json!("DELETED")) {
            return self.meshes.note(location, "is the dump of a deletion, and is left out");
        }
        self.note_owner(object, location);
        let tags = match object.get("tags").map(tags) {
            Some(None) => {
                return self
                    .diagnostics
                    .add(format!("{location}.tags"), "is not a list of keys and values");
            }
            tags => tags.flatten().unwrap_or_default(),
        };
        let empty = json!({});
        let spec = match object.get("spec") {
            Some(spec) => spec,
            None if *kind == Kind::Mesh => &empty,
            None => return self.diagnostics.add(format!("{location}.spec"), "is missing"),
        };
        match ResourceSpec::read(*kind, spec, KeyCasing::Camel, &format!("{location}.spec")) {
            Ok(spec) => {
                let document = MeshDocument::new(spec, tags);
                self.meshes.add(path, document, location, &mut self.diagnostics);
            }
            Err(errors) => self.diagnostics.extend(errors),
        }
    }

    fn note_owner(&mut self, object: &Map<String, Json>, location: &str) {
        let owner = |name: &str| object.get("metadata").and_then(|metadata| metadata.get(name)?.as_str());
        if let (Some(mesh), Some(resource)) = (owner("meshOwner"), owner("resourceOwner"))
            && mesh != resource
        {
            let message = format!("belongs to the account {resource} in a mesh of {mesh}; a mesh here has one account");
            self.meshes.note(location, message);
        }
    }
}

/// The path of a resource. The error names the member that is missing or invalid.
fn path(
    kind: Kind,
    members: &[&'static str],
    object: &Map<String, Json>,
) -> Result<ResourcePath, (&'static str, String)> {
    let mut names = Vec::new();
    for (position, member) in members.iter().copied().enumerate() {
        let name = object.get(member).and_then(Json::as_str);
        let name = name.ok_or_else(|| (member, "is missing".to_owned()))?;
        let named = if position == 0 { Kind::Mesh } else { kind };
        named
            .check_name(name)
            .map_err(|invalid| (member, invalid.to_string()))?;
        names.push(name);
    }
    Ok(match names.as_slice() {
        [mesh, parent, name] => ResourcePath::within(mesh, parent, kind, name),
        [mesh, name] => ResourcePath::new(mesh, kind, name),
        names => ResourcePath::of_mesh(names.first().copied().unwrap_or_default()),
    })
}

/// Tags as the API lists them.
fn tags(tags: &Json) -> Option<BTreeMap<String, String>> {
    let pairs = tags.as_array()?.iter().map(|tag| {
        let text = |key: &str| tag.get(key)?.as_str();
        Some((text("key")?.to_owned(), text("value")?.to_owned()))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(documents: &[Json]) -> Result<Meshes, ValidationErrors> {
        let texts = documents.iter().enumerate().map(|(number, document)| JsonText {
            location: format!("{number}.json"),
            text: document.to_string(),
        });
        read_dumps(&texts.collect::<Vec<_>>())
    }

    fn router() -> Json {
        json!({"meshName": "demo", "virtualRouterName": "split", "status": {"status": "ACTIVE"},
               "metadata": {"version": 1, "meshOwner": "1", "resourceOwner": "1"},
               "spec": {"listeners": [{"portMapping": {"port": 80, "protocol": "http"}}]}})
    }

    #[test]
    fn dumps_are_read_with_and_without_their_key() {
        let mesh = json!({"mesh": {"meshName": "demo", "spec": {}}});
        let wrapped = read(&[mesh.clone(), json!({"virtualRouter": router()})]).expect("meshes");
        let payload = read(&[mesh, router()]).expect("meshes");
        assert_eq!(wrapped, payload);
        assert_eq!(
            wrapped.resources.keys().map(ToString::to_string).collect::<Vec<_>>(),
            ["mesh/demo", "mesh/demo/virtualRouter/split"]
        );
    }

    #[test]
    fn nothing_is_left_out_silently() {
        let mut unknown = router();
        unknown["surprise"] = json!(1);
        let mut unknown_in_spec = router();
        unknown_in_spec["spec"]["surprise"] = json!(1);
        let listed = json!({"virtualRouters": [{"meshName": "demo", "virtualRouterName": "split"}], "nextToken": "x"});
        for (document, expected) in [
            (unknown, "0.json.surprise: is not a member of a dump"),
            (
                unknown_in_spec,
                "0.json.spec.surprise: is not a known field; known are listeners",
            ),
            (
                json!({"things": []}),
                "0.json.things: is not part of the output of a describe or list command",
            ),
            (json!(1), "0.json: is not the output of a describe or list command"),
            (
                json!({"meshName": "a/b"}),
                "0.json.meshName: is \"a/b\"; a name contains neither / nor control characters",
            ),
            (
                listed,
                "0.json.nextToken: says that the list goes on; add the other pages\n0.json.virtualRouters[0]: lists the virtual \
                 router `split`, of which there is no dump; add its describe output",
            ),
        ] {
            let errors = read(&[document]).expect_err(expected);
            assert!(errors.to_string().contains(expected), "{errors}");
        }
        let mut deleted = router();
        deleted["status"]["status"] = json!("DELETED");
        assert_eq!(read(&[deleted]).expect("meshes").notes.len(), 1);
    }

    #[test]
    fn two_dumps_of_one_resource_must_be_equal() {
        assert!(read(&[router(), router()]).is_ok());
        let mut other = router();
        other["spec"]["listeners"] = json!([]);
        assert!(read(&[router(), other]).is_err());
    }
}
