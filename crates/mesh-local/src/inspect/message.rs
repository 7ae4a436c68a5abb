//! Envoy's messages as JSON, as Envoy writes them itself: fields by their names in its documentation, in its order,
//! without those that have their defaults.
//!
//! The control plane has them in protobuf's binary encoding, of which Rust's types know no JSON. So the descriptors of
//! Envoy's API are kept beside this file: `envoy.binpb`, a `FileDescriptorSet` without comments, options and services,
//! made from the one that comes with `envoy-types`. A test sees to it that it is of the version that the messages are.
//!
//! Asking an Envoy for its `/config_dump` would not do: it has nothing that it refused, and where private keys are
//! stands there as `[redacted]`.

use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, SerializeOptions};
use serde_json::{Map, Value};

const DESCRIPTORS: &[u8] = include_bytes!("envoy.binpb");

/// Why a message cannot be written as JSON.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// The descriptors of Envoy's API cannot be used.
    #[error("the descriptors of Envoy's API cannot be used")]
    Descriptors(#[source] prost_reflect::DescriptorError),
    /// It is none of Envoy's API.
    #[error("`{0}` is no type of Envoy's API")]
    Unknown(String),
    /// It is not of its type.
    #[error("a message cannot be read as `{kind}`")]
    Encoding {
        /// The type.
        kind: String,
        /// What is wrong with it.
        source: prost_reflect::prost::DecodeError,
    },
    /// It holds something that JSON has no words for.
    #[error("`{kind}` cannot be written as JSON")]
    Json {
        /// The type.
        kind: String,
        /// What it is.
        source: serde_json::Error,
    },
}

/// What is known of Envoy's messages.
pub(super) struct Messages(DescriptorPool);

impl Messages {
    pub(super) fn load() -> Result<Self, MessageError> {
        let pool = DescriptorPool::decode(DESCRIPTORS).map_err(MessageError::Descriptors)?;
        Ok(Self(pool))
    }

    /// A message as JSON, given as what an `Any` holds: the URL of its type, and its binary encoding.
    pub(super) fn to_json(&self, type_url: &str, encoded: &[u8]) -> Result<Value, MessageError> {
        let kind = type_name(type_url).to_owned();
        let Some(descriptor) = self.0.get_message_by_name(&kind) else {
            return Err(MessageError::Unknown(kind));
        };
        let message = match DynamicMessage::decode(descriptor.clone(), encoded) {
            Ok(message) => message,
            Err(source) => return Err(MessageError::Encoding { kind, source }),
        };
        let options = SerializeOptions::new().use_proto_field_name(true);
        let mut json = match message.serialize_with_options(serde_json::value::Serializer, &options) {
            Ok(json) => json,
            Err(source) => return Err(MessageError::Json { kind, source }),
        };
        self.sort_maps(&mut json, &descriptor);
        Ok(json)
    }

    /// Sorts the entries of maps, which come in random order. Fields are in order already.
    fn sort_maps(&self, json: &mut Value, descriptor: &MessageDescriptor) {
        let Value::Object(fields) = json else {
            // A message that has a spelling of its own in JSON, such as a duration.
            return;
        };
        match descriptor.full_name() {
            "google.protobuf.Struct" => json.sort_all_objects(),
            "google.protobuf.Any" => {
                let url = fields.get("@type").and_then(Value::as_str).unwrap_or_default();
                if let Some(descriptor) = self.0.get_message_by_name(type_name(url)) {
                    self.sort_maps(json, &descriptor);
                }
            }
            _ => {
                for field in descriptor.fields() {
                    if let Some(value) = fields.get_mut(field.name()) {
                        if let (true, Value::Object(entries)) = (field.is_map(), &mut *value) {
                            entries.sort_keys();
                        }
                        self.sort_maps_in_field(value, &field.kind(), field.is_map());
                    }
                }
            }
        }
    }

    fn sort_maps_in_field(&self, value: &mut Value, kind: &Kind, is_map: bool) {
        let Kind::Message(descriptor) = kind else { return };
        match value {
            Value::Object(entries) if is_map => {
                let of_values = descriptor.map_entry_value_field().kind();
                for value in entries.values_mut() {
                    self.sort_maps_in_field(value, &of_values, false);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.sort_maps(item, descriptor)),
            value => self.sort_maps(value, descriptor),
        }
    }
}

/// The name of a message's type, from its URL.
fn type_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

/// Whether this JSON is that of a message of this type inside an `Any`.
pub(super) fn is_of_type(fields: &Map<String, Value>, name: &str) -> bool {
    let url = fields.get("@type").and_then(Value::as_str);
    url.is_some_and(|url| type_name(url) == name)
}

#[cfg(test)]
mod tests;
