//! Which nodes have the same configuration: node id and node metadata, without the name of the task.

use std::collections::BTreeMap;
use std::fmt;

use envoy_bootstrap::MESHWRIGHT_KEY;
use serde_json::Value;
use sha2::{Digest, Sha256};
use xds_server::Node;

/// The key of a view: a hash of node id and node metadata. Tasks of one service have the same, so a task that starts finds
/// what an earlier one has accepted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ViewKey(String);

impl ViewKey {
    /// The key of this node.
    #[must_use]
    pub fn of(node: &Node) -> Self {
        let mut metadata = node.metadata.clone();
        // Its name differs from task to task, and is in its spans only.
        if let Some(Value::Object(extension)) = metadata.get_mut(MESHWRIGHT_KEY) {
            extension.remove("task");
        }
        let text = Value::from(vec![Value::from(node.id.as_str()), sorted(&Value::Object(metadata))]).to_string();
        Self(hex(&Sha256::digest(text)))
    }

    /// As 64 hexadecimal digits, which is also a safe file name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ViewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The same value with its keys in order: protobuf maps have none.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<&String, Value> = fields.iter().map(|(key, value)| (key, sorted(value))).collect();
            fields.into_iter().map(|(key, value)| (key.clone(), value)).collect()
        }
        Value::Array(values) => values.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// As hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(id: &str, metadata: &Value) -> ViewKey {
        ViewKey::of(&Node::new(id, metadata.as_object().cloned().unwrap_or_default()))
    }

    #[test]
    fn tasks_of_a_service_share_a_key() {
        let task = |name: &str| json!({"a": 1, "meshwright": {"task": name, "ingressAddress": "0.0.0.0"}});
        let reversed = json!({"meshwright": {"ingressAddress": "0.0.0.0", "task": "3"}, "a": 1});
        let blue = key("blue", &task("1"));
        assert_eq!(blue, key("blue", &task("2")));
        assert_eq!(blue, key("blue", &reversed));
        assert_ne!(blue, key("green", &task("1")));
        assert_ne!(
            blue,
            key("blue", &json!({"a": 2, "meshwright": {"ingressAddress": "0.0.0.0"}}))
        );
        assert_eq!(blue.as_str().len(), 64);
    }
}
