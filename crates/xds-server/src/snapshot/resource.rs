//! One resource: a message with its name, its version, and its references to other resources.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use envoy_types::pb::envoy::config::cluster::v3::Cluster;
use envoy_types::pb::envoy::config::endpoint::v3::ClusterLoadAssignment;
use envoy_types::pb::envoy::config::listener::v3::Listener;
use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
use prost::encoding::WireType;
use prost::encoding::{encode_key, encode_varint, encoded_len_varint, key_len};
use prost::{DecodeError, Message};
use sha2::{Digest, Sha256};

use super::references;

/// The resource types that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceType {
    /// `envoy.config.cluster.v3.Cluster`, served by CDS.
    Cluster,
    /// `envoy.config.endpoint.v3.ClusterLoadAssignment`, served by EDS.
    Endpoint,
    /// `envoy.config.listener.v3.Listener`, served by LDS.
    Listener,
    /// `envoy.config.route.v3.RouteConfiguration`, served by RDS.
    Route,
}

impl ResourceType {
    /// All types, in the order in which additions are pushed: make before break.
    pub const IN_ORDER: &[ResourceType] = &[
        ResourceType::Cluster,
        ResourceType::Endpoint,
        ResourceType::Listener,
        ResourceType::Route,
    ];

    /// The position in [`Self::IN_ORDER`].
    pub(crate) fn index(self) -> usize {
        match self {
            ResourceType::Cluster => 0,
            ResourceType::Endpoint => 1,
            ResourceType::Listener => 2,
            ResourceType::Route => 3,
        }
    }

    /// The type URL.
    #[must_use]
    pub fn type_url(self) -> &'static str {
        match self {
            ResourceType::Cluster => "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            ResourceType::Endpoint => "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
            ResourceType::Listener => "type.googleapis.com/envoy.config.listener.v3.Listener",
            ResourceType::Route => "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        }
    }

    /// The type of a type URL; `None` for one that is not served.
    #[must_use]
    pub fn from_type_url(url: &str) -> Option<Self> {
        Self::IN_ORDER.iter().copied().find(|kind| kind.type_url() == url)
    }

    /// True for the types to which Envoy subscribes by wildcard: their SotW responses must contain all resources. The
    /// others are subscribed to by name, and a response may contain some of them.
    /// Source: Envoy, "xDS REST and gRPC protocol" (read 2026-11-23).
    #[must_use]
    pub fn is_wildcard_type(self) -> bool {
        matches!(self, ResourceType::Cluster | ResourceType::Listener)
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ResourceType::Cluster => "cluster",
            ResourceType::Endpoint => "endpoints",
            ResourceType::Listener => "listener",
            ResourceType::Route => "routes",
        })
    }
}

/// A reference to another resource, which must exist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The type of the resource referred to.
    pub kind: ResourceType,
    /// Its name.
    pub name: String,
}

/// A message for Envoy, with what the protocol needs. Immutable: snapshots and streams share it.
///
/// The message is kept encoded, as the fields `resource` and `name` of xDS's `Resource`, so that a response is put together
/// from bytes. Version and references are derived from it when they are first asked for.
pub struct Resource {
    kind: ResourceType,
    name: Arc<str>,
    encoded: Bytes,
    /// The field `resource` in `encoded`, which is also the field `resources` of a SotW response.
    body: Range<usize>,
    /// The message in `encoded`.
    message: Range<usize>,
    is_on_demand: bool,
    derived: OnceLock<Derived>,
}

#[derive(Debug)]
struct Derived {
    version: String,
    references: Vec<Reference>,
}

/// The field `resource` of `Resource`.
const BODY_FIELD: u32 = 2;
/// The field `name` of `Resource`.
const NAME_FIELD: u32 = 3;
/// The fields of `Any`.
const TYPE_URL_FIELD: u32 = 1;
const VALUE_FIELD: u32 = 2;

impl Resource {
    pub(crate) fn new(kind: ResourceType, name: &str, message: &impl Message) -> Self {
        Self::encode(kind, name, message.encoded_len(), |encoded| message.encode_raw(encoded))
    }

    /// A resource from its [`Self::message`], as it was stored.
    ///
    /// # Errors
    ///
    /// If these bytes are no message of this type.
    pub fn from_message(kind: ResourceType, name: &str, message: &[u8]) -> Result<Self, DecodeError> {
        match kind {
            ResourceType::Cluster => drop(Cluster::decode(message)?),
            ResourceType::Endpoint => drop(ClusterLoadAssignment::decode(message)?),
            ResourceType::Listener => drop(Listener::decode(message)?),
            ResourceType::Route => drop(RouteConfiguration::decode(message)?),
        }
        Ok(Self::encode(kind, name, message.len(), |encoded| {
            encoded.extend_from_slice(message);
        }))
    }

    fn encode(kind: ResourceType, name: &str, length: usize, write: impl FnOnce(&mut Vec<u8>)) -> Self {
        let url = kind.type_url();
        let body_length = field_len(TYPE_URL_FIELD, url.len()) + field_len(VALUE_FIELD, length);
        let total = field_len(BODY_FIELD, body_length) + field_len(NAME_FIELD, name.len());
        let mut encoded = Vec::with_capacity(total);
        encode_header(BODY_FIELD, body_length, &mut encoded);
        encode_header(TYPE_URL_FIELD, url.len(), &mut encoded);
        encoded.extend_from_slice(url.as_bytes());
        encode_header(VALUE_FIELD, length, &mut encoded);
        let start = encoded.len();
        write(&mut encoded);
        let end = encoded.len();
        encode_header(NAME_FIELD, name.len(), &mut encoded);
        encoded.extend_from_slice(name.as_bytes());
        Self {
            kind,
            name: name.into(),
            encoded: encoded.into(),
            body: 0..end,
            message: start..end,
            is_on_demand: false,
            derived: OnceLock::new(),
        }
    }

    /// A cluster that is sent to clients that subscribe to it by name, and not to those that subscribe to all clusters:
    /// Envoy's on-demand discovery (ODCDS). SotW has no on-demand discovery, so its clients get it with all others.
    #[must_use]
    pub fn on_demand_cluster(cluster: &Cluster) -> Self {
        Self::new(ResourceType::Cluster, &cluster.name, cluster).on_demand(true)
    }

    /// The endpoints of a cluster.
    #[must_use]
    pub fn endpoints(endpoints: &ClusterLoadAssignment) -> Self {
        Self::new(ResourceType::Endpoint, &endpoints.cluster_name, endpoints)
    }

    /// A resource with these references instead of those in the message.
    #[cfg(test)]
    pub(crate) fn with_references(
        kind: ResourceType,
        name: &str,
        message: &impl Message,
        references: Vec<Reference>,
    ) -> Self {
        let resource = Self::new(kind, name, message);
        let version = version_of([resource.message()]);
        let derived = Derived {
            version,
            references: sorted(references),
        };
        resource.derived.set(derived).expect("a new resource");
        resource
    }

    /// The same resource, sent only to clients that subscribe to it by name, or to all. Has an effect on clusters only.
    #[must_use]
    pub fn on_demand(self, is_on_demand: bool) -> Self {
        Self { is_on_demand, ..self }
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> ResourceType {
        self.kind
    }

    /// Its name, unique within its type.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn shared_name(&self) -> &Arc<str> {
        &self.name
    }

    /// True for a cluster that is sent to clients that subscribe to it by name only.
    #[must_use]
    pub fn is_on_demand(&self) -> bool {
        self.is_on_demand
    }

    /// The encoded message.
    #[must_use]
    pub fn message(&self) -> &[u8] {
        self.encoded.get(self.message.clone()).unwrap_or_default()
    }

    /// A hash of its content: the same content has the same version, on every replica of the server.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.derived().version
    }

    /// The resources it refers to, sorted and without duplicates.
    #[must_use]
    pub fn references(&self) -> &[Reference] {
        &self.derived().references
    }

    fn derived(&self) -> &Derived {
        self.derived.get_or_init(|| Derived {
            version: version_of([self.message()]),
            references: sorted(references::of_message(self.kind, self.message())),
        })
    }

    /// The fields `resource` and `name` of `Resource`.
    pub(crate) fn encoded(&self) -> &Bytes {
        &self.encoded
    }

    /// The field `resources` of a SotW response.
    pub(crate) fn encoded_body(&self) -> Bytes {
        self.encoded.slice(self.body.clone())
    }
}

impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        // The encoded form has name and type.
        self.encoded == other.encoded && self.is_on_demand == other.is_on_demand
    }
}

impl Eq for Resource {}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource")
            .field("kind", &self.kind)
            .field("name", &self.name)
            .field("derived", &self.derived)
            .finish_non_exhaustive()
    }
}

fn sorted(mut references: Vec<Reference>) -> Vec<Reference> {
    references.sort();
    references.dedup();
    references
}

/// The length of a length-delimited field.
pub(crate) fn field_len(field: u32, length: usize) -> usize {
    key_len(field) + encoded_len_varint(length as u64) + length
}

/// Writes the key and the length of a length-delimited field.
pub(crate) fn encode_header(field: u32, length: usize, buffer: &mut impl bytes::BufMut) {
    encode_key(field, WireType::LengthDelimited, buffer);
    encode_varint(length as u64, buffer);
}

/// A hash of some content: the first 64 bits of its SHA-256, in hexadecimal digits.
///
/// Messages with protobuf maps of more than one entry get a random version, because prost encodes maps in random order.
/// Sources must not write such maps.
pub(crate) fn version_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // The length keeps ["ab", "c"] and ["a", "bc"] apart.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use envoy_types::pb::envoy::config::route::v3::RouteConfiguration;
    use envoy_types::pb::envoy::service::discovery::v3::{DiscoveryResponse, Resource as DeltaResource};

    use super::*;

    #[test]
    fn the_encoded_form_is_part_of_both_responses() {
        let message = RouteConfiguration {
            name: "routes".repeat(50),
            ..Default::default()
        };
        let resource = Resource::new(ResourceType::Route, "some name", &message);
        assert_eq!(resource.message(), message.encode_to_vec());

        let delta = DeltaResource::decode(resource.encoded().clone()).expect("a resource");
        assert_eq!(delta.name, "some name");
        let body = delta.resource.expect("a body");
        assert_eq!(body.type_url, ResourceType::Route.type_url());
        assert_eq!(body.value, message.encode_to_vec());

        let response = DiscoveryResponse::decode(resource.encoded_body()).expect("a response");
        assert_eq!(response.resources, [body]);
    }
}
