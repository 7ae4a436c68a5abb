//! Envoy's metadata (a protobuf `Struct`) as JSON.

use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value as Protobuf};
use serde_json::{Map, Value};

pub(super) fn to_json(metadata: &Struct) -> Map<String, Value> {
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

/// Protobuf knows only floating-point numbers, JSON readers want their ports back as integers.
fn number_to_json(number: f64) -> Value {
    let integer = number as i64;
    if integer as f64 == number {
        Value::from(integer)
    } else {
        Value::from(number)
    }
}
