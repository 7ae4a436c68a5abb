//! Responses of the API as JSON: the `*Data` objects, lists and tags.

use std::fmt::Write as _;
use std::sync::Arc;

use mesh_model::app_mesh::{Kind, ResourcePath};

use crate::registry::{Page, Record};
use crate::settings::Settings;

/// The result of an operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// A resource: created, described or updated.
    Resource(Arc<Record>),
    /// A deleted resource, as it was before.
    Deleted(Arc<Record>),
    /// A part of a list of resources of one type.
    List(Kind, Page<Arc<Record>>),
    /// A part of a list of tags.
    Tags(Page<(String, String)>),
    /// Nothing: the operation has no output.
    Empty,
}

impl Output {
    /// The body of the response.
    #[must_use]
    pub fn to_json(&self, settings: &Settings) -> String {
        let mut json = String::with_capacity(1024);
        match self {
            Self::Resource(record) => write_data(&mut json, record, "ACTIVE", settings),
            Self::Deleted(record) => write_data(&mut json, record, "DELETED", settings),
            Self::List(kind, page) => {
                write_list(&mut json, list_key(*kind), page, |json, record| {
                    write_ref(json, record, settings);
                });
            }
            Self::Tags(page) => write_list(&mut json, "tags", page, |json, (key, value)| {
                json.push_str("{\"key\":");
                write_string(json, key);
                json.push_str(",\"value\":");
                write_string(json, value);
                json.push('}');
            }),
            Self::Empty => json.push_str("{}"),
        }
        json
    }
}

/// The key of a list: `meshes`, `virtualNodes`.
fn list_key(kind: Kind) -> &'static str {
    match kind {
        Kind::Mesh => "meshes",
        Kind::VirtualNode => "virtualNodes",
        Kind::VirtualRouter => "virtualRouters",
        Kind::Route => "routes",
        Kind::VirtualService => "virtualServices",
        Kind::VirtualGateway => "virtualGateways",
        Kind::GatewayRoute => "gatewayRoutes",
    }
}

/// The key of a resource's name: `meshName`, `virtualNodeName`.
pub(crate) fn name_key(kind: Kind) -> &'static str {
    match kind {
        Kind::Mesh => "meshName",
        Kind::VirtualNode => "virtualNodeName",
        Kind::VirtualRouter => "virtualRouterName",
        Kind::Route => "routeName",
        Kind::VirtualService => "virtualServiceName",
        Kind::VirtualGateway => "virtualGatewayName",
        Kind::GatewayRoute => "gatewayRouteName",
    }
}

/// `MeshData`, `VirtualNodeData`, …
fn write_data(json: &mut String, record: &Record, status: &str, settings: &Settings) {
    json.push('{');
    write_names(json, &record.path);
    json.push_str(",\"metadata\":{");
    write_metadata(json, record, settings);
    json.push_str(",\"uid\":");
    write_string(json, &record.uid().to_string());
    json.push_str("},\"spec\":");
    json.push_str(record.spec_json());
    json.push_str(",\"status\":{\"status\":");
    write_string(json, status);
    json.push_str("}}");
}

/// `MeshRef`, `VirtualNodeRef`, …
fn write_ref(json: &mut String, record: &Record, settings: &Settings) {
    json.push('{');
    write_names(json, &record.path);
    json.push(',');
    write_metadata(json, record, settings);
    json.push('}');
}

fn write_names(json: &mut String, path: &ResourcePath) {
    json.push_str("\"meshName\":");
    write_string(json, &path.mesh);
    if path.kind == Kind::Mesh {
        return;
    }
    if let Some(parent) = &path.parent {
        json.push_str(match path.kind {
            Kind::GatewayRoute => ",\"virtualGatewayName\":",
            _ => ",\"virtualRouterName\":",
        });
        write_string(json, parent);
    }
    json.push_str(",\"");
    json.push_str(name_key(path.kind));
    json.push_str("\":");
    write_string(json, &path.name);
}

fn write_metadata(json: &mut String, record: &Record, settings: &Settings) {
    let stored = &record.stored;
    json.push_str("\"arn\":");
    write_string(json, &settings.arn(&record.path));
    json.push_str(",\"createdAt\":");
    write_time(json, stored.created_at);
    json.push_str(",\"lastUpdatedAt\":");
    write_time(json, stored.last_updated_at);
    json.push_str(",\"meshOwner\":");
    write_string(json, &stored.mesh_owner);
    json.push_str(",\"resourceOwner\":");
    write_string(json, &stored.resource_owner);
    // Writing to a string cannot fail.
    let _infallible = write!(json, ",\"version\":{}", stored.version);
}

fn write_list<T>(json: &mut String, key: &str, page: &Page<T>, mut write_item: impl FnMut(&mut String, &T)) {
    json.push('{');
    write_string(json, key);
    json.push_str(":[");
    for (index, item) in page.items.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        write_item(json, item);
    }
    json.push(']');
    if let Some(token) = &page.next_token {
        json.push_str(",\"nextToken\":");
        write_string(json, token);
    }
    json.push('}');
}

/// Seconds since 1970, with milliseconds.
fn write_time(json: &mut String, millis: u64) {
    // Writing to a string cannot fail.
    let _infallible = write!(json, "{}.{:03}", millis / 1000, millis % 1000);
}

fn write_string(json: &mut String, text: &str) {
    json.push_str(&serde_json::Value::from(text).to_string());
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn data_has_names_metadata_spec_and_status() {
        let encoded = br#"{"uid":"936da01f-9abd-4d9d-80c7-02af85c822a8","version":3,"createdAt":1500,"lastUpdatedAt":2007,"meshOwner":"000000000000","resourceOwner":"000000000000","spec":{"priority": 1}}"#;
        let path = ResourcePath::within("de\"mo", "split", Kind::Route, "all");
        let record = Arc::new(Record::decode(path, encoded).unwrap());
        let settings = Settings::default();
        let data: Value = serde_json::from_str(&Output::Deleted(Arc::clone(&record)).to_json(&settings)).unwrap();
        let arn = "arn:aws:appmesh:us-east-1:000000000000:mesh/de\"mo/virtualRouter/split/route/all";
        let metadata = json!({"arn": arn, "createdAt": 1.5, "lastUpdatedAt": 2.007, "meshOwner": "000000000000",
            "resourceOwner": "000000000000", "version": 3});
        let mut with_uid = metadata.clone();
        with_uid["uid"] = json!("936da01f-9abd-4d9d-80c7-02af85c822a8");
        let names = json!({"meshName": "de\"mo", "virtualRouterName": "split", "routeName": "all"});
        let mut expected = names.clone();
        expected["metadata"] = with_uid;
        expected["spec"] = json!({"priority": 1});
        expected["status"] = json!({"status": "DELETED"});
        assert_eq!(data, expected);

        let page = Page {
            items: vec![record],
            next_token: Some("t".to_owned()),
        };
        let list: Value = serde_json::from_str(&Output::List(Kind::Route, page).to_json(&settings)).unwrap();
        let mut item = names;
        item.as_object_mut()
            .unwrap()
            .extend(metadata.as_object().unwrap().clone());
        assert_eq!(list, json!({"routes": [item], "nextToken": "t"}));
    }
}
