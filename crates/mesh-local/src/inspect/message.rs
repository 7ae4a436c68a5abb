//! Converts Envoy's protobuf messages to JSON as Envoy does: documented field names and order, without default values.
//!
//! The control plane encodes messages in binary protobuf, and the Rust types have no JSON mapping. So `envoy.binpb`
//! beside this file contains the descriptors of Envoy's API: a `FileDescriptorSet` without comments, options and
//! services, created from the one in `envoy-types`. A test checks that both have the same version.
//!
//! Envoy's `/config_dump` is not an alternative: it lacks rejected resources, and replaces paths of private keys by
//! `[redacted]`.

use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, SerializeOptions};
use serde_json::{Map, Value};

const DESCRIPTORS: &[u8] = include_bytes!("envoy.binpb");

/// An error of `prost-reflect`, which is not part of this API.
type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a message cannot be converted to JSON.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The descriptors of Envoy's API are invalid.
    #[error("invalid descriptors of Envoy's API")]
    Descriptors(#[source] Cause),
    /// The type is not part of Envoy's API.
    #[error("`{0}` is not a type of Envoy's API")]
    Unknown(String),
    /// The encoding is invalid.
    #[error("cannot decode a message as `{kind}`")]
    Encoding {
        /// The type.
        kind: String,
        /// The cause.
        source: Cause,
    },
    /// A value has no JSON representation.
    #[error("cannot convert `{kind}` to JSON")]
    Json {
        /// The type.
        kind: String,
        /// The cause.
        source: serde_json::Error,
    },
}

/// Descriptors of Envoy's messages.
pub(super) struct Messages(DescriptorPool);

impl Messages {
    pub(super) fn load() -> Result<Self, MessageError> {
        let pool = DescriptorPool::decode(DESCRIPTORS).map_err(|error| MessageError::Descriptors(error.into()))?;
        Ok(Self(pool))
    }

    /// Converts a message, given as the type URL and value of an `Any`.
    pub(super) fn to_json(&self, type_url: &str, encoded: &[u8]) -> Result<Value, MessageError> {
        let kind = type_name(type_url).to_owned();
        let Some(descriptor) = self.0.get_message_by_name(&kind) else {
            return Err(MessageError::Unknown(kind));
        };
        let message = match DynamicMessage::decode(descriptor.clone(), encoded) {
            Ok(message) => message,
            Err(error) => {
                let source = error.into();
                return Err(MessageError::Encoding { kind, source });
            }
        };
        let options = SerializeOptions::new().use_proto_field_name(true);
        let mut json = match message.serialize_with_options(serde_json::value::Serializer, &options) {
            Ok(json) => json,
            Err(source) => return Err(MessageError::Json { kind, source }),
        };
        self.sort_maps(&mut json, &descriptor);
        Ok(json)
    }

    /// Sorts map entries, which have random order. Fields are already in order.
    fn sort_maps(&self, json: &mut Value, descriptor: &MessageDescriptor) {
        let Value::Object(fields) = json else {
            // A message with a JSON mapping of its own, such as a duration.
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

/// The type name in a type URL.
fn type_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

/// Whether this JSON object is an `Any` of this type.
pub(super) fn is_of_type(fields: &Map<String, Value>, name: &str) -> bool {
    let url = fields.get("@type").and_then(Value::as_str);
    url.is_some_and(|url| type_name(url) == name)
}

#[cfg(test)]
mod tests;
