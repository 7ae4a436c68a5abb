//! Meshes in Terraform: a state file, and the JSON of `terraform show -json` for a state or a plan.

use std::collections::BTreeMap;

use mesh_model::app_mesh::blocks::from_blocks;
use mesh_model::app_mesh::{KeyCasing, Kind, ResourcePath, ResourceSpec};
use serde_json::{Map, Value as Json};
use sidecar_contract::{Diagnostics, ValidationErrors};

use super::{JsonText, parse, texts};
use crate::meshes::{MeshDocument, Meshes};

/// The resource types, with the attributes that contain the names in their path.
const TYPES: [(&str, Kind, &[&str]); 7] = [
    ("aws_appmesh_mesh", Kind::Mesh, &["name"]),
    ("aws_appmesh_virtual_node", Kind::VirtualNode, &["mesh_name", "name"]),
    (
        "aws_appmesh_virtual_router",
        Kind::VirtualRouter,
        &["mesh_name", "name"],
    ),
    (
        "aws_appmesh_route",
        Kind::Route,
        &["mesh_name", "virtual_router_name", "name"],
    ),
    (
        "aws_appmesh_virtual_service",
        Kind::VirtualService,
        &["mesh_name", "name"],
    ),
    (
        "aws_appmesh_virtual_gateway",
        Kind::VirtualGateway,
        &["mesh_name", "name"],
    ),
    (
        "aws_appmesh_gateway_route",
        Kind::GatewayRoute,
        &["mesh_name", "virtual_gateway_name", "name"],
    ),
];

/// Attributes that App Mesh or the provider assigned.
const ASSIGNED: [&str; 9] = [
    "arn",
    "created_date",
    "id",
    "last_updated_date",
    "mesh_owner",
    "region",
    "resource_owner",
    "timeouts",
    "tags_all",
];

/// Reads state files, and the output of `terraform show -json` for states and plans.
///
/// # Errors
///
/// Texts that are none of these, unknown attributes with a value, values that are known only after a plan is applied, and
/// invalid specs.
pub fn read_terraform(texts: &[JsonText]) -> Result<Meshes, ValidationErrors> {
    let documents = parse(texts)?;
    let mut reader = Reader::default();
    for (location, document) in &documents {
        reader.read(document, location);
    }
    reader.diagnostics.into_result(reader.meshes)
}

#[derive(Default)]
struct Reader {
    meshes: Meshes,
    diagnostics: Diagnostics,
}

impl Reader {
    fn read(&mut self, document: &Json, location: &str) {
        let root = |name: &str| document.get(name).and_then(|values| values.get("root_module"));
        if let Some(resources) = document.get("resources").and_then(Json::as_array)
            && (document.get("terraform_version").is_some() || document.get("version").is_some_and(Json::is_number))
        {
            self.read_state(resources, location);
        } else if let Some(module) = root("planned_values") {
            self.read_module(module, &format!("{location}.planned_values"));
        } else if let Some(module) = root("values") {
            self.read_module(module, &format!("{location}.values"));
        } else {
            self.diagnostics.add(
                location,
                "is neither a state of Terraform nor the output of `terraform show -json`; a plan file is converted by \
                 `terraform show -json FILE`",
            );
        }
    }

    fn read_state(&mut self, resources: &[Json], location: &str) {
        let mut others: BTreeMap<String, usize> = BTreeMap::new();
        for resource in resources {
            let text = |key: &str| resource.get(key).and_then(Json::as_str).unwrap_or_default();
            let address = [text("module"), text("type"), text("name")];
            let address = address.into_iter().filter(|part| !part.is_empty());
            let location = format!("{location}: {}", address.collect::<Vec<_>>().join("."));
            let instances = resource.get("instances").and_then(Json::as_array).into_iter().flatten();
            for instance in instances {
                let index = instance
                    .get("index_key")
                    .map(|key| format!("[{key}]"))
                    .unwrap_or_default();
                let attributes = instance.get("attributes").unwrap_or(&Json::Null);
                let location = format!("{location}{index}");
                self.read_resource(text("mode"), text("type"), attributes, &location, &mut others);
            }
        }
        self.note_others(others, location);
    }

    fn read_module(&mut self, module: &Json, location: &str) {
        let mut others: BTreeMap<String, usize> = BTreeMap::new();
        for resource in module.get("resources").and_then(Json::as_array).into_iter().flatten() {
            let text = |key: &str| resource.get(key).and_then(Json::as_str).unwrap_or_default();
            let values = resource.get("values").unwrap_or(&Json::Null);
            let location = format!("{location}: {}", text("address"));
            self.read_resource(text("mode"), text("type"), values, &location, &mut others);
        }
        self.note_others(others, location);
        for child in module
            .get("child_modules")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
        {
            self.read_module(child, location);
        }
    }

    fn note_others(&mut self, others: BTreeMap<String, usize>, location: &str) {
        for (kind, count) in others {
            self.meshes
                .note(location, format!("{count} × {kind}, which is not part of a mesh"));
        }
    }

    fn read_resource(
        &mut self,
        mode: &str,
        kind: &str,
        values: &Json,
        location: &str,
        others: &mut BTreeMap<String, usize>,
    ) {
        let known = TYPES.iter().find(|(name, ..)| *name == kind);
        let (Some((_, kind, names)), "managed") = (known, mode) else {
            let prefix = if mode == "data" { "data." } else { "" };
            *others.entry(format!("{prefix}{kind}")).or_default() += 1;
            return;
        };
        let Some(values) = values.as_object() else {
            return self.diagnostics.add(location, "has no attributes");
        };
        let Some(path) = self.path(*kind, names, values, location) else {
            return;
        };
        for (name, value) in values {
            let is_known = names.contains(&name.as_str()) || ASSIGNED.contains(&name.as_str());
            if !is_known && !["spec", "tags"].contains(&name.as_str()) && !is_unset(value) {
                self.diagnostics
                    .add(format!("{location}.{name}"), "is not a known attribute of the resource");
            }
        }
        self.note_owner(values, location);
        let tags = match values.get("tags") {
            Some(Json::Object(tags)) => texts(tags),
            Some(Json::Null) | None => Some(BTreeMap::new()),
            Some(_) => None,
        };
        let Some(tags) = tags else {
            return self
                .diagnostics
                .add(format!("{location}.tags"), "is not a map of texts");
        };
        let spec_location = format!("{location}.spec");
        let Some(blocks) = values
            .get("spec")
            .or_else(|| (*kind == Kind::Mesh).then_some(&Json::Null))
        else {
            return self
                .diagnostics
                .add(spec_location, "is missing, or known only after the plan is applied");
        };
        let spec = from_blocks(*kind, blocks, &spec_location).and_then(|spec| {
            for path in &spec.ambiguous {
                let message = "is 0, which Terraform also writes where nothing is set; read as not set";
                self.meshes.note(path.as_str(), message);
            }
            ResourceSpec::read(*kind, &spec.document, KeyCasing::Camel, &spec_location)
        });
        match spec {
            Ok(spec) => {
                let document = MeshDocument::new(spec, tags);
                self.meshes.add(path, document, location, &mut self.diagnostics);
            }
            Err(errors) => self.diagnostics.extend(errors),
        }
    }

    fn path(&mut self, kind: Kind, names: &[&str], values: &Map<String, Json>, location: &str) -> Option<ResourcePath> {
        let mut found = Vec::new();
        for (position, attribute) in names.iter().enumerate() {
            let named = if position == 0 { Kind::Mesh } else { kind };
            let invalid = match values.get(*attribute).and_then(Json::as_str) {
                None | Some("") => "is missing, or known only after the plan is applied".to_owned(),
                Some(name) => match named.check_name(name) {
                    Ok(()) => {
                        found.push(name);
                        continue;
                    }
                    Err(invalid) => invalid.to_string(),
                },
            };
            self.diagnostics.add(format!("{location}.{attribute}"), invalid);
            return None;
        }
        Some(match found.as_slice() {
            [mesh, parent, name] => ResourcePath::within(mesh, parent, kind, name),
            [mesh, name] => ResourcePath::new(mesh, kind, name),
            names => ResourcePath::of_mesh(names.first()?),
        })
    }

    fn note_owner(&mut self, values: &Map<String, Json>, location: &str) {
        let owner = |name: &str| {
            values
                .get(name)
                .and_then(Json::as_str)
                .filter(|owner| !owner.is_empty())
        };
        if let (Some(mesh), Some(resource)) = (owner("mesh_owner"), owner("resource_owner"))
            && mesh != resource
        {
            let message = format!("belongs to the account {resource} in a mesh of {mesh}; a mesh here has one account");
            self.meshes.note(location, message);
        }
    }
}

fn is_unset(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(entries) => entries.is_empty(),
        Json::Bool(_) | Json::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(document: &Json) -> Result<Meshes, ValidationErrors> {
        read_terraform(&[JsonText {
            location: "x".to_owned(),
            text: document.to_string(),
        }])
    }

    fn mesh() -> Json {
        json!({"name": "demo", "arn": "arn:x", "id": "demo", "mesh_owner": "1", "resource_owner": "1", "tags": {"a": "b"},
               "tags_all": {"a": "b"}, "spec": [{"egress_filter": [{"type": "ALLOW_ALL"}]}]})
    }

    #[test]
    fn states_and_plans_give_the_same_mesh() {
        let state = json!({"version": 4, "terraform_version": "1.9.0", "resources": [
            {"mode": "managed", "type": "aws_appmesh_mesh", "name": "m", "instances": [{"attributes": mesh()}]},
            {"mode": "managed", "type": "aws_vpc", "name": "v", "instances": [{"attributes": {}}]}
        ]});
        let resource =
            json!({"mode": "managed", "type": "aws_appmesh_mesh", "address": "module.a.m", "values": mesh()});
        let other = json!({"mode": "managed", "type": "aws_vpc", "address": "v", "values": {}});
        let module = json!({"root_module": {"resources": [other], "child_modules": [{"resources": [resource]}]}});
        let read = |document: Json| read(&document).unwrap_or_else(|errors| panic!("{errors}"));
        let state = read(state);
        assert_eq!(state.resources, read(json!({"values": module.clone()})).resources);
        assert_eq!(state.resources, read(json!({"planned_values": module})).resources);
        assert_eq!(state.notes.len(), 1);
        let (path, document) = state.resources.iter().next().expect("a mesh");
        assert_eq!(
            (path.to_string().as_str(), document.tags["a"].as_str()),
            ("mesh/demo", "b")
        );
    }

    #[test]
    fn what_is_not_a_state_or_unknown_is_an_error() {
        assert!(read(&json!({"format_version": "1.0"})).is_err());
        let mut unknown = mesh();
        unknown["surprise"] = json!("x");
        let module =
            json!({"resources": [{"mode": "managed", "type": "aws_appmesh_mesh", "address": "m", "values": unknown}]});
        let errors = read(&json!({"values": {"root_module": module}})).expect_err("an unknown attribute");
        assert_eq!(
            errors.to_string(),
            "x.values: m.surprise: is not a known attribute of the resource"
        );
    }
}
