//! Serializes a unit variant as `{"NAME":{}}` instead of `"NAME"`, for `#[serde(with)]`.
//!
//! Documents had this form first, when the variants were written as structs without fields.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Empty {}

pub(crate) fn serialize<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
    Empty {}.serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    Empty::deserialize(deserializer).map(|_| ())
}
