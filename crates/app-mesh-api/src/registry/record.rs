//! A resource with its spec and metadata, as it is stored.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use mesh_model::app_mesh::{Kind, ResourcePath, ResourceSpec};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::client_token::TokenUse;

/// Maximum size of a record as it is stored. DynamoDB's items have up to 400 KB with their keys, which are up to 3.3 kB
/// here; a record of every store fits, so that one can be moved to another.
pub(crate) const MAX_BYTES: usize = 400_000;

/// A resource with its spec and metadata.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its path.
    pub path: ResourcePath,
    pub(crate) stored: Stored,
}

/// What is stored of a resource, besides its path.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Stored {
    pub(crate) uid: Uuid,
    /// 1 at creation, one more at each update.
    pub(crate) version: u64,
    /// Milliseconds since 1970.
    pub(crate) created_at: u64,
    /// Milliseconds since 1970.
    pub(crate) last_updated_at: u64,
    pub(crate) mesh_owner: String,
    pub(crate) resource_owner: String,
    pub(crate) spec: Arc<SpecDocument>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
    /// The last uses of client tokens, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tokens: Vec<TokenUse>,
}

/// A spec as JSON text, and the same, parsed on first use.
#[derive(Debug)]
pub(crate) struct SpecDocument {
    json: Box<RawValue>,
    parsed: OnceLock<Option<ResourceSpec>>,
}

impl Record {
    /// The version of the resource: 1 at creation, one more at each update.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.stored.version
    }

    /// Its id, a UUID that stays the same for the life of the resource.
    #[must_use]
    pub fn uid(&self) -> Uuid {
        self.stored.uid
    }

    /// The spec as JSON, in the key casing of the API.
    #[must_use]
    pub fn spec_json(&self) -> &str {
        self.stored.spec.json()
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &BTreeMap<String, String> {
        &self.stored.tags
    }

    /// The parsed spec. `None` if it is not valid, which only another program can have stored.
    #[must_use]
    pub fn spec(&self) -> Option<&ResourceSpec> {
        self.stored.spec.parsed(self.path.kind)
    }

    /// The record as JSON, for a [`Store`](crate::store::Store). The path is the key beside it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Strings, numbers and raw JSON cannot fail to serialize.
        serde_json::to_vec(&self.stored).unwrap_or_default()
    }

    /// The size of what [`encode`](Self::encode) returns, and of the path beside it.
    #[must_use]
    pub fn stored_bytes(&self) -> usize {
        self.encode().len() + self.path.to_string().len()
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    ///
    /// The reason, if it is not such a document.
    pub fn decode(path: ResourcePath, encoded: &[u8]) -> Result<Self, serde_json::Error> {
        let stored = serde_json::from_slice(encoded)?;
        Ok(Self { path, stored })
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path && self.encode() == other.encode()
    }
}

impl SpecDocument {
    /// A spec that was parsed before.
    pub(crate) fn new(document: &Value, parsed: ResourceSpec) -> Self {
        let parsed = OnceLock::from(Some(parsed));
        // A `Value` cannot fail to serialize.
        let json = serde_json::value::to_raw_value(document).unwrap_or_default();
        Self { json, parsed }
    }

    pub(crate) fn json(&self) -> &str {
        self.json.get()
    }

    pub(crate) fn parsed(&self, kind: Kind) -> Option<&ResourceSpec> {
        // It was validated before it was stored, so it only has to be deserialized, which is ten times as fast.
        self.parsed
            .get_or_init(|| deserialized(kind, self.json()).ok())
            .as_ref()
    }
}

fn deserialized(kind: Kind, json: &str) -> Result<ResourceSpec, serde_json::Error> {
    Ok(match kind {
        Kind::Mesh => ResourceSpec::Mesh(serde_json::from_str(json)?),
        Kind::VirtualNode => ResourceSpec::VirtualNode(serde_json::from_str(json)?),
        Kind::VirtualRouter => ResourceSpec::VirtualRouter(serde_json::from_str(json)?),
        Kind::Route => ResourceSpec::Route(serde_json::from_str(json)?),
        Kind::VirtualService => ResourceSpec::VirtualService(serde_json::from_str(json)?),
        Kind::VirtualGateway => ResourceSpec::VirtualGateway(serde_json::from_str(json)?),
        Kind::GatewayRoute => ResourceSpec::GatewayRoute(serde_json::from_str(json)?),
    })
}

impl Serialize for SpecDocument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.json.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SpecDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self {
            json,
            parsed: OnceLock::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use mesh_model::app_mesh::KeyCasing;
    use serde_json::json;

    use super::*;

    /// Specs from a store are deserialized without validation, which must not lose anything.
    #[test]
    fn deserialized_specs_are_those_that_were_validated() {
        let target = json!({"weightedTargets": [{"virtualNode": "a", "weight": 1, "port": 80}]});
        let retries = json!({"maxRetries": 1, "perRetryTimeout": {"value": 1, "unit": "s"}, "grpcRetryEvents": ["internal"],
            "httpRetryEvents": ["server-error"], "tcpRetryEvents": ["connection-error"]});
        let listener = json!({"portMapping": {"port": 80, "protocol": "http2"},
            "connectionPool": {"http2": {"maxRequests": 3}},
            "tls": {"mode": "STRICT", "certificate": {"sds": {"secretName": "s"}}}});
        let backend = json!({"virtualService": {"virtualServiceName": "b", "clientPolicy": {"tls": {"ports": [1],
            "validation": {"trust": {"file": {"certificateChain": "/ca"}}}}}}});
        for (kind, spec) in [
            (
                Kind::Mesh,
                json!({"egressFilter": {"type": "ALLOW_ALL"}, "serviceDiscovery": {"ipPreference": "IPv4_ONLY"}}),
            ),
            (
                Kind::VirtualNode,
                json!({"listeners": [listener], "backends": [backend], "serviceDiscovery": {"awsCloudMap":
                    {"namespaceName": "n", "serviceName": "s", "attributes": [{"key": "k", "value": "v"}]}},
                    "logging": {"accessLog": {"file": {"path": "/x", "format": {"json": [{"key": "k", "value": "v"}]}}}}}),
            ),
            (
                Kind::VirtualRouter,
                json!({"listeners": [{"portMapping": {"port": 80, "protocol": "tcp"}}]}),
            ),
            (
                Kind::Route,
                json!({"priority": 3, "grpcRoute": {"match": {"serviceName": "a.B", "metadata": [{"name": "m", "invert": true,
                    "match": {"range": {"start": -1, "end": 5}}}]}, "action": target, "retryPolicy": retries}}),
            ),
            (
                Kind::VirtualService,
                json!({"provider": {"virtualNode": {"virtualNodeName": "a"}}}),
            ),
            (Kind::VirtualGateway, json!({"listeners": [listener]})),
            (
                Kind::GatewayRoute,
                json!({"httpRoute": {"match": {"prefix": "/a/", "hostname": {"suffix": "b"}}, "action": {"target":
                    {"virtualService": {"virtualServiceName": "s"}}, "rewrite": {"prefix": {"value": "/b/"}}}}}),
            ),
        ] {
            let validated = ResourceSpec::read(kind, &spec, KeyCasing::Camel, "spec").unwrap();
            assert_eq!(deserialized(kind, &spec.to_string()).unwrap(), validated, "{kind}");
        }
    }

    #[test]
    fn records_round_trip() {
        let path = ResourcePath::of_mesh("demo");
        let encoded = br#"{"uid":"936da01f-9abd-4d9d-80c7-02af85c822a8","version":3,"createdAt":1,"lastUpdatedAt":2,"meshOwner":"1","resourceOwner":"1","spec":{"egressFilter":{"type":"ALLOW_ALL"}},"tags":{"a":"b"}}"#;
        let record = Record::decode(path.clone(), encoded).unwrap();
        assert_eq!(record.encode(), encoded);
        assert_eq!(record.version(), 3);
        assert_eq!(record.spec_json(), r#"{"egressFilter":{"type":"ALLOW_ALL"}}"#);
        assert!(matches!(record.spec(), Some(ResourceSpec::Mesh(_))));
        assert!(Record::decode(path, &encoded[1..]).is_err());
    }
}
