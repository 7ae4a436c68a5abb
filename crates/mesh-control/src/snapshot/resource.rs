//! One resource of an Envoy: a message, its name, its version, and what it refers to.

use std::fmt;

use envoy_types::pb::google::protobuf::Any;
use prost::Name;
use sha2::{Digest, Sha256};

/// The kinds of resource that this control plane serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceType {
    /// `envoy.config.cluster.v3.Cluster`, told by CDS.
    Cluster,
    /// `envoy.config.endpoint.v3.ClusterLoadAssignment`, told by EDS.
    Endpoint,
    /// `envoy.config.listener.v3.Listener`, told by LDS.
    Listener,
    /// `envoy.config.route.v3.RouteConfiguration`, told by RDS.
    Route,
}

impl ResourceType {
    /// Every type, in the order in which additions are told: what is referred to comes first.
    pub const IN_ORDER: [ResourceType; 4] = [
        ResourceType::Cluster,
        ResourceType::Endpoint,
        ResourceType::Listener,
        ResourceType::Route,
    ];

    /// The type URL that stands for it on the wire.
    #[must_use]
    pub fn type_url(self) -> &'static str {
        match self {
            ResourceType::Cluster => "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            ResourceType::Endpoint => "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
            ResourceType::Listener => "type.googleapis.com/envoy.config.listener.v3.Listener",
            ResourceType::Route => "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        }
    }

    /// The type behind a type URL; `None` for one that this control plane does not serve.
    #[must_use]
    pub fn from_type_url(url: &str) -> Option<Self> {
        Self::IN_ORDER.into_iter().find(|kind| kind.type_url() == url)
    }

    /// True for the types of which Envoy wants all there are, and whose state-of-the-world answers must
    /// therefore be complete. The others are asked for by name, and an answer may hold some of them.
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

/// A resource that another one cannot do without.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reference {
    /// The kind of the resource referred to.
    pub kind: ResourceType,
    /// Its name.
    pub name: String,
}

/// A message for Envoy, with what the protocol needs to know about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// Its kind.
    pub kind: ResourceType,
    /// Its name, unique within its kind.
    pub name: String,
    /// A hash of its content: the same content has the same version, in every copy of the control plane.
    pub version: String,
    /// The message as it goes over the wire.
    pub body: Any,
    /// What it refers to, without duplicates.
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

/// A short name for some content: the first 64 bits of its SHA-256, in hexadecimal digits.
///
/// It must not depend on anything but the content. Messages with maps of more than one entry would break that,
/// since prost encodes maps in random order; translation therefore writes none.
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
