//! The identity that an Envoy sends with its first request: node id and metadata.

use envoy_types::pb::envoy::config::core::v3 as core;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value as Protobuf};
use serde_json::{Map, Value};

/// Node id and metadata of an Envoy.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The node id. Streams without one are closed, so a [`Source`](crate::Source) never gets an empty id.
    pub id: String,
    /// The node metadata.
    pub metadata: Map<String, Value>,
    /// The zone of its locality: on AWS the id of the availability zone, `euw1-az1`.
    pub zone: Option<String>,
}

impl Node {
    /// A node with this id and these metadata, without a zone.
    #[must_use]
    pub fn new(id: impl Into<String>, metadata: Map<String, Value>) -> Self {
        Self {
            id: id.into(),
            metadata,
            zone: None,
        }
    }

    /// Converts Envoy's message.
    #[must_use]
    pub fn from_proto(node: &core::Node) -> Self {
        let zone = node.locality.as_ref().map(|locality| locality.zone.clone());
        Self {
            zone: zone.filter(|zone| !zone.is_empty()),
            ..Self::new(&node.id, node.metadata.as_ref().map(to_json).unwrap_or_default())
        }
    }
}

fn to_json(metadata: &Struct) -> Map<String, Value> {
    metadata
        .fields
        .iter()
        .map(|(key, value)| (key.clone(), value_to_json(value)))
        .collect()
}

fn value_to_json(value: &Protobuf) -> Value {
    match &value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(flag)) => Value::from(*flag),
        Some(Kind::NumberValue(number)) => number_to_json(*number),
        Some(Kind::StringValue(text)) => Value::from(text.clone()),
        Some(Kind::StructValue(fields)) => Value::Object(to_json(fields)),
        Some(Kind::ListValue(list)) => list.values.iter().map(value_to_json).collect(),
    }
}

/// Protobuf has floating-point numbers only; whole numbers become JSON integers again, such as ports.
fn number_to_json(number: f64) -> Value {
    let integer = number as i64;
    if integer as f64 == number {
        Value::from(integer)
    } else {
        Value::from(number)
    }
}
