//! One resource: a message with its name, its version, and its references to other resources.

use std::fmt;

use envoy_types::pb::google::protobuf::Any;
use prost::Name;
use sha2::{Digest, Sha256};

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

/// A message for Envoy, with what the protocol needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its type.
    pub kind: ResourceType,
    /// Its name, unique within its type.
    pub name: String,
    /// A hash of its content: the same content has the same version, on every replica of the server.
    pub version: String,
    /// The encoded message.
    pub body: Any,
    /// The resources it refers to, without duplicates.
    pub references: Vec<Reference>,
}

impl Resource {
    pub(crate) fn new<M: Name>(kind: ResourceType, name: &str, message: &M, mut references: Vec<Reference>) -> Self {
        let value = message.encode_to_vec();
        references.sort();
        references.dedup();
        Self {
            kind,
            name: name.to_owned(),
            version: version_of([value.as_slice()]),
            body: Any {
                type_url: kind.type_url().to_owned(),
                value,
            },
            references,
        }
    }
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
