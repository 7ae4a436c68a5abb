//! JSON bodies: read with a limit, and without unknown fields.

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use mesh_model::app_mesh::ResourcePath;
use serde_json::{Map, Value};
use sigv4_verify::{VerifyError, read_body};

use super::route::{check_name, item};
use crate::error::{ApiError, ErrorCode};
use crate::operation::{Collection, Operation};
use crate::registry::MAX_TAGS;
use crate::response::name_key;

/// Maximum size of a body. The largest spec within AWS's limits, a route with 10 headers and 10 targets or a virtual node
/// with 50 backends, has some 100 kB.
const MAX_BYTES: usize = 1 << 20;

/// Reads a body.
///
/// # Errors
///
/// With status 413 for a larger one, as the layer that verifies signatures.
pub(super) async fn read(body: Body) -> Result<Bytes, ApiError> {
    read_body(body, MAX_BYTES).await.map_err(|error| match error {
        VerifyError::BodyTooLarge(_) => ApiError::new(ErrorCode::BodyTooLarge, error.to_string()),
        error => ApiError::bad_request(error.to_string()),
    })
}

pub(super) fn create(collection: Collection, body: &[u8]) -> Result<Operation, ApiError> {
    let key = name_key(collection.kind);
    let mut fields = Fields::parse(body, &[key, "spec", "tags", "clientToken"])?;
    let name = fields
        .text(key)?
        .ok_or_else(|| ApiError::bad_request(format!("{key}: is missing")))?;
    check_name(collection.kind, &name)?;
    Ok(Operation::Create {
        path: item(&collection, name),
        tags: fields.tags()?.unwrap_or_default(),
        client_token: fields.client_token()?,
        spec: fields.take("spec"),
    })
}

pub(super) fn update(path: ResourcePath, body: &[u8]) -> Result<Operation, ApiError> {
    let mut fields = Fields::parse(body, &["spec", "clientToken"])?;
    Ok(Operation::Update {
        path,
        client_token: fields.client_token()?,
        spec: fields.take("spec"),
    })
}

pub(super) fn tag(path: ResourcePath, body: &[u8]) -> Result<Operation, ApiError> {
    let mut fields = Fields::parse(body, &["tags"])?;
    let tags = fields
        .tags()?
        .ok_or_else(|| ApiError::bad_request("tags: is missing"))?;
    Ok(Operation::Tag { path, tags })
}

pub(super) fn untag(path: ResourcePath, body: &[u8]) -> Result<Operation, ApiError> {
    let mut fields = Fields::parse(body, &["tagKeys"])?;
    let keys = match fields.take("tagKeys") {
        Some(Value::Array(keys)) => keys,
        Some(other) => return Err(wrong_kind("tagKeys", &other, "a list")),
        None => return Err(ApiError::bad_request("tagKeys: is missing")),
    };
    let mut read = Vec::with_capacity(keys.len());
    for (index, key) in keys.into_iter().enumerate() {
        read.push(tag_key(&format!("tagKeys[{index}]"), key)?);
    }
    Ok(Operation::Untag { path, keys: read })
}

/// The fields of a body.
struct Fields(Map<String, Value>);

impl Fields {
    /// An empty body is an empty object.
    fn parse(body: &[u8], known: &[&str]) -> Result<Self, ApiError> {
        let value = match body {
            [] => Value::Object(Map::new()),
            body => serde_json::from_slice(body)
                .map_err(|error| ApiError::bad_request(format!("the body is not valid JSON: {error}")))?,
        };
        let Value::Object(fields) = value else {
            return Err(wrong_kind("the body", &value, "an object"));
        };
        match fields.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(Self(fields)),
            Some(name) => Err(ApiError::bad_request(format!(
                "{name}: is not a known field; known are {}",
                known.join(", ")
            ))),
        }
    }

    /// A field's value. Null is absent.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_kind(name, &other, "a string")),
        }
    }

    fn client_token(&mut self) -> Result<Option<String>, ApiError> {
        let token = self.text("clientToken")?;
        let is_valid = |token: &String| {
            (1..=36).contains(&token.len())
                && token
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        match token {
            Some(token) if !is_valid(&token) => Err(ApiError::bad_request(
                "clientToken: allowed are 1 to 36 letters, digits, hyphens and underscores",
            )),
            other => Ok(other),
        }
    }

    fn tags(&mut self) -> Result<Option<BTreeMap<String, String>>, ApiError> {
        let tags = match self.take("tags") {
            None => return Ok(None),
            Some(Value::Array(tags)) => tags,
            Some(other) => return Err(wrong_kind("tags", &other, "a list")),
        };
        let mut read = BTreeMap::new();
        for (index, tag) in tags.into_iter().enumerate() {
            let path = format!("tags[{index}]");
            let (key, value) = read_tag(&path, tag)?;
            if read.insert(key.clone(), value).is_some() {
                return Err(ApiError::bad_request(format!(
                    "{path}.key: is {key:?}, which is there twice"
                )));
            }
        }
        if read.len() > MAX_TAGS {
            return Err(crate::registry::too_many_tags(read.len()));
        }
        Ok(Some(read))
    }
}

fn read_tag(path: &str, tag: Value) -> Result<(String, String), ApiError> {
    let Value::Object(mut tag) = tag else {
        return Err(wrong_kind(path, &tag, "an object"));
    };
    let key = tag.remove("key").unwrap_or_default();
    let value = tag.remove("value").unwrap_or_default();
    if let Some(name) = tag.keys().next() {
        return Err(ApiError::bad_request(format!(
            "{path}.{name}: is not a known field; known are key, value"
        )));
    }
    let key = tag_key(&format!("{path}.key"), key)?;
    let path = format!("{path}.value");
    match value {
        // The model requires a value, but App Mesh's documentation calls it optional.
        Value::Null => Ok((key, String::new())),
        Value::String(value) if value.chars().count() <= 256 => Ok((key, value)),
        Value::String(value) => Err(ApiError::bad_request(format!(
            "{path}: has {} characters; allowed are 0 to 256",
            value.chars().count()
        ))),
        other => Err(wrong_kind(&path, &other, "a string")),
    }
}

fn tag_key(path: &str, key: Value) -> Result<String, ApiError> {
    let key = match key {
        Value::String(key) => key,
        Value::Null => return Err(ApiError::bad_request(format!("{path}: is missing"))),
        other => return Err(wrong_kind(path, &other, "a string")),
    };
    let length = key.chars().count();
    if !(1..=128).contains(&length) {
        return Err(ApiError::bad_request(format!(
            "{path}: has {length} characters; allowed are 1 to 128"
        )));
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(ApiError::bad_request(format!(
            "{path}: is {key:?}; AWS reserves keys that start with aws:"
        )));
    }
    Ok(key)
}

fn wrong_kind(path: &str, value: &Value, allowed: &str) -> ApiError {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    ApiError::bad_request(format!("{path}: is {kind}; allowed is {allowed}"))
}

#[cfg(test)]
mod tests {
    use mesh_model::app_mesh::Kind;

    use super::*;

    fn mesh(body: &str) -> Result<Operation, ApiError> {
        let meshes = Collection {
            kind: Kind::Mesh,
            mesh: None,
            parent: None,
        };
        create(meshes, body.as_bytes())
    }

    #[test]
    fn bodies_are_read() {
        let body = r#"{"meshName": "m", "tags": [{"key": "b", "value": "1"}, {"key": "a"}], "clientToken": "t-1"}"#;
        let Operation::Create {
            path,
            spec,
            tags,
            client_token,
        } = mesh(body).unwrap()
        else {
            panic!("another operation");
        };
        assert_eq!((path, spec), (ResourcePath::of_mesh("m"), None));
        assert_eq!(
            tags,
            BTreeMap::from([("a".to_owned(), String::new()), ("b".to_owned(), "1".to_owned())])
        );
        assert_eq!(client_token.as_deref(), Some("t-1"));
    }

    #[test]
    fn errors_name_the_field() {
        for (body, message) in [
            ("", "meshName: is missing"),
            (
                "{",
                "the body is not valid JSON: EOF while parsing an object at line 1 column 1",
            ),
            ("[]", "the body: is a list; allowed is an object"),
            (r#"{"meshName": 1}"#, "meshName: is a number; allowed is a string"),
            (
                r#"{"meshName": "m", "mode": 1}"#,
                "mode: is not a known field; known are meshName, spec, tags, clientToken",
            ),
            (
                r#"{"meshName": "m", "clientToken": "a b"}"#,
                "clientToken: allowed are 1 to 36 letters, digits, hyphens and underscores",
            ),
            (
                r#"{"meshName": "m", "tags": [{"value": "v"}]}"#,
                "tags[0].key: is missing",
            ),
            (
                r#"{"meshName": "m", "tags": [{"key": "aws:x"}]}"#,
                "tags[0].key: is \"aws:x\"; AWS reserves keys that start with aws:",
            ),
            (
                r#"{"meshName": "m", "tags": [{"key": "k", "values": []}]}"#,
                "tags[0].values: is not a known field; known are key, value",
            ),
            (
                r#"{"meshName": "m", "tags": [{"key": "k"}, {"key": "k"}]}"#,
                "tags[1].key: is \"k\", which is there twice",
            ),
        ] {
            assert_eq!(mesh(body).unwrap_err().message(), message, "{body}");
        }
        let many: Vec<String> = (0..51).map(|n| format!(r#"{{"key": "{n}"}}"#)).collect();
        let error = mesh(&format!(r#"{{"meshName": "m", "tags": [{}]}}"#, many.join(","))).unwrap_err();
        assert_eq!(error.code(), ErrorCode::TooManyTags);
    }

    #[tokio::test]
    async fn large_bodies_are_not_kept() {
        let error = read(Body::from(vec![b' '; MAX_BYTES + 1])).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::BodyTooLarge);
        assert_eq!(read(Body::from(vec![0; MAX_BYTES])).await.unwrap().len(), MAX_BYTES);
    }
}
