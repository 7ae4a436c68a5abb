//! Whichever way a mesh goes in, the same mesh comes out.

use std::collections::BTreeMap;

use app_mesh_migrate::{JsonText, Meshes, SourceStack, read_dumps, read_templates, read_terraform, to_template};
use cfn::Template;
use mesh_infra::MeshEncoding;
use mesh_model::app_mesh::{KeyCasing, Kind, ResourcePath};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use crate::meshes::meshes;

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_source_gives_the_same_mesh(meshes in meshes()) {
        for encoding in [MeshEncoding::Parameters, MeshEncoding::AppMesh] {
            let template = to_template(&meshes, "demo", encoding).unwrap_or_else(|errors| panic!("{errors}"));
            // As text, as a file has it.
            let template = Template::from_text(&template.to_json()).expect("a template");
            let read = read_templates(&[source(template)]).unwrap_or_else(|errors| panic!("{errors}"));
            prop_assert_eq!(&read.resources, &meshes.resources, "{:?}", encoding);
        }
        for is_wrapped in [false, true] {
            let read = read_dumps(&dumps(&meshes, is_wrapped)).unwrap_or_else(|errors| panic!("{errors}"));
            prop_assert_eq!(&read.resources, &meshes.resources, "wrapped: {}", is_wrapped);
        }
        for document in [state(&meshes), plan(&meshes)] {
            let text = JsonText { location: "x".to_owned(), text: document.to_string() };
            let read = read_terraform(&[text]).unwrap_or_else(|errors| panic!("{errors}\n{document:#}"));
            prop_assert_eq!(&read.resources, &meshes.resources);
        }
    }
}

pub(crate) fn source(template: Template) -> SourceStack {
    SourceStack {
        name: "demo".to_owned(),
        template,
        parameters: BTreeMap::new(),
    }
}

/// The members with the names of a resource, and the key of its dump.
fn names(path: &ResourcePath) -> (&'static str, Vec<(&'static str, &str)>) {
    let parent = path.parent.as_deref().unwrap_or_default();
    let (key, own, container) = match path.kind {
        Kind::Mesh => return ("mesh", vec![("meshName", &path.mesh)]),
        Kind::VirtualNode => ("virtualNode", "virtualNodeName", None),
        Kind::VirtualRouter => ("virtualRouter", "virtualRouterName", None),
        Kind::Route => ("route", "routeName", Some("virtualRouterName")),
        Kind::VirtualService => ("virtualService", "virtualServiceName", None),
        Kind::VirtualGateway => ("virtualGateway", "virtualGatewayName", None),
        Kind::GatewayRoute => ("gatewayRoute", "gatewayRouteName", Some("virtualGatewayName")),
    };
    let container = container.map(|name| (name, parent));
    let names = [("meshName", path.mesh.as_str())]
        .into_iter()
        .chain(container)
        .chain([(own, path.name.as_str())]);
    (key, names.collect())
}

fn dumps(meshes: &Meshes, is_wrapped: bool) -> Vec<JsonText> {
    let dumps = meshes.resources.iter().map(|(path, document)| {
        let (key, names) = names(path);
        let mut dump: Map<String, Json> = names.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
        let metadata = json!({"arn": format!("arn:aws:appmesh:eu-west-1:1:{path}"), "createdAt": 1.5, "lastUpdatedAt": 1.5,
                              "meshOwner": "1", "resourceOwner": "1", "uid": "u", "version": 1});
        dump.insert("metadata".to_owned(), metadata);
        dump.insert("status".to_owned(), json!({"status": "ACTIVE"}));
        dump.insert("spec".to_owned(), document.spec.write(KeyCasing::Camel));
        let tags = document.tags.iter().map(|(key, value)| json!({"key": key, "value": value}));
        dump.insert("tags".to_owned(), tags.collect());
        let dump = Json::Object(dump);
        JsonText {
            location: format!("{path}.json"),
            text: if is_wrapped { json!({key: dump}).to_string() } else { dump.to_string() },
        }
    });
    dumps.collect()
}

/// The resources as (type, name, attributes).
fn resources(meshes: &Meshes) -> Vec<(String, String, Json)> {
    let resources = meshes.resources.iter().enumerate().map(|(number, (path, document))| {
        let (key, _) = names(path);
        let mut attributes = json!({"id": "x", "arn": "arn", "name": path.name, "mesh_owner": "1", "resource_owner": "1",
                                    "created_date": "2022", "tags": document.tags, "tags_all": document.tags});
        if path.kind != Kind::Mesh {
            attributes["mesh_name"] = json!(path.mesh);
        }
        match path.kind {
            Kind::Route => attributes["virtual_router_name"] = json!(path.parent),
            Kind::GatewayRoute => attributes["virtual_gateway_name"] = json!(path.parent),
            _ => {}
        }
        attributes["spec"] = json!([blocks(document.spec.write(KeyCasing::Camel))]);
        (format!("aws_appmesh_{}", snake_case(key)), format!("r{number}"), attributes)
    });
    resources.collect()
}

fn state(meshes: &Meshes) -> Json {
    let resources = resources(meshes).into_iter().map(|(kind, name, attributes)| {
        let provider = "provider[\"registry.terraform.io/hashicorp/aws\"]";
        json!({"mode": "managed", "type": kind, "name": name, "provider": provider,
               "instances": [{"schema_version": 0, "attributes": attributes}]})
    });
    json!({"version": 4, "terraform_version": "1.9.0", "resources": resources.collect::<Vec<_>>()})
}

fn plan(meshes: &Meshes) -> Json {
    let resources = resources(meshes).into_iter().map(|(kind, name, values)| {
        json!({"mode": "managed", "type": kind, "name": name, "address": format!("{kind}.{name}"), "values": values})
    });
    json!({"format_version": "1.2", "planned_values": {"root_module": {"resources": resources.collect::<Vec<_>>()}}})
}

/// A document as Terraform's provider writes it: blocks as lists, keys in snake case, repeated blocks in the singular.
fn blocks(document: Json) -> Json {
    let Json::Object(object) = document else {
        return document;
    };
    let mut blocks = Map::new();
    // What is not set is in a state all the same.
    blocks.insert("port".to_owned(), json!(0));
    for (key, value) in object {
        let name = snake_case(&key);
        let (name, value) = match value {
            Json::Object(_) => (name, json!([self::blocks(value)])),
            Json::Array(items) if key == "attributes" => {
                let pairs = items
                    .iter()
                    .map(|item| (item["key"].as_str().expect("a key").to_owned(), item["value"].clone()));
                (name, Json::Object(pairs.collect()))
            }
            Json::Array(items) if items.iter().all(Json::is_object) && key != "json" && key != "metadata" => {
                let singular = name.strip_suffix('s').unwrap_or(&name).to_owned();
                (singular, items.into_iter().map(self::blocks).collect())
            }
            Json::Array(items) => (name, items.into_iter().map(self::blocks).collect()),
            scalar => (name, scalar),
        };
        blocks.insert(name, value);
    }
    Json::Object(blocks)
}

fn snake_case(name: &str) -> String {
    let letters = name.chars().map(|letter| match letter.is_ascii_uppercase() {
        true => format!("_{}", letter.to_ascii_lowercase()),
        false => letter.to_string(),
    });
    letters.collect()
}
