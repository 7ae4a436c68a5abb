//! Cloud Map: the namespaces in which services find each other.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::ResourceType;
use crate::value::Value;

/// `AWS::ServiceDiscovery::HttpNamespace`: a namespace that is found by API calls, not by DNS.
///
/// `Ref` answers the namespace's id (`ns-…`), which Service Connect does **not** take: it wants the name or the
/// ARN. `Fn::GetAtt` knows `Arn` and `Id`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HttpNamespace {
    /// The name, 1 to 1024 printable ASCII characters. Replaced when changed. Required.
    pub name: Value<String>,
    /// A description, at most 1024 characters. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Value<String>>,
    /// Properties without a field here, `Tags` for instance.
    #[serde(flatten)]
    pub other: Map<String, Json>,
}

impl HttpNamespace {
    /// A namespace of this name.
    pub fn new(name: impl Into<Value<String>>) -> Self {
        Self {
            name: name.into(),
            description: None,
            other: Map::new(),
        }
    }
}

impl ResourceType for HttpNamespace {
    const KIND: &'static str = "AWS::ServiceDiscovery::HttpNamespace";
}
