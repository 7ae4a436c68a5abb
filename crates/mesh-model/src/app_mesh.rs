//! App Mesh: the seven kinds of resource, as AWS's API described them until it was switched off on 2026-09-30.
//!
//! ```text
//! mesh ┬ virtual gateway ─ gateway route ─┐
//!      ├ virtual service ◄────────────────┘
//!      │   └► provider: virtual node, or virtual router ─ route ─► weighted virtual nodes
//!      └ virtual node ─ backends ─► virtual services
//! ```
//!
//! Shapes and limits: AWS SDK's service model of App Mesh, version 2019-01-25 (read 2026-11-23). CloudFormation
//! has the same shapes under capitalised keys; [`crate::key_casing`] turns one spelling into the other.
//!
//! - `schema`: every field with its limits, as data;
//! - [`document`]: reading and writing, in both spellings, with every problem reported at once;
//! - [`virtual_node`], [`virtual_gateway`], [`route`], [`gateway_route`], [`virtual_service`],
//!   [`virtual_router`], [`mesh`]: the resources; [`listener`], [`tls`], [`logging`], [`matching`] and
//!   [`client_policy`]: their parts;
//! - `rules`: what goes beyond a single field; `regular_expression`: which ones a proxy will take;
//! - [`resource_path`]: how a resource is called among all meshes;
//! - [`assembly`]: meshes put together from documents;
//! - [`topology`]: resources together, with their references resolved.

pub mod assembly;
pub mod client_policy;
pub mod document;
pub mod gateway_route;
pub mod listener;
pub mod logging;
pub mod matching;
pub mod mesh;
pub mod resource_path;
mod resource_spec;
pub mod route;
mod rules;
mod schema;
pub mod tls;
pub mod topology;
pub mod virtual_gateway;
pub mod virtual_node;
pub mod virtual_router;
pub mod virtual_service;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use crate::key_casing::KeyCasing;
pub use assembly::{Assembly, AssemblyErrors};
pub use document::{Kind, Spec};
pub use gateway_route::GatewayRouteSpec;
pub use mesh::MeshSpec;
pub use resource_path::ResourcePath;
pub use resource_spec::ResourceSpec;
pub use route::RouteSpec;
pub use topology::Topology;
pub use virtual_gateway::VirtualGatewaySpec;
pub use virtual_node::VirtualNodeSpec;
pub use virtual_router::VirtualRouterSpec;
pub use virtual_service::VirtualServiceSpec;

/// A span of time, as App Mesh writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duration {
    /// How many units, 0 or more. App Mesh takes one without a value for 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<u64>,
    /// The unit. The API lets it be absent; a value without one is refused here, since nobody can know what it
    /// means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<DurationUnit>,
}

/// The unit of a [`Duration`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DurationUnit {
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
    /// Milliseconds.
    #[serde(rename = "ms")]
    Milliseconds,
}

impl From<Duration> for std::time::Duration {
    fn from(duration: Duration) -> Self {
        let value = duration.value.unwrap_or(0);
        match duration.unit {
            Some(DurationUnit::Seconds) | None => Self::from_secs(value),
            Some(DurationUnit::Milliseconds) => Self::from_millis(value),
        }
    }
}

/// What a port speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1.
    Http,
    /// HTTP/2 without TLS of its own.
    Http2,
    /// gRPC.
    Grpc,
    /// Anything. Virtual gateways do not have it.
    Tcp,
}

impl Protocol {
    /// The word of the API, which is also part of Envoy's resource names.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Http => "http",
            Protocol::Http2 => "http2",
            Protocol::Grpc => "grpc",
            Protocol::Tcp => "tcp",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A port and what it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortMapping {
    /// 1 to 65535.
    pub port: u16,
    /// What is spoken there.
    pub protocol: Protocol,
}

/// Which family of addresses a mesh or virtual node uses. Default: none of them, see the translation to Envoy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IpPreference {
    /// IPv4 where there is one, else IPv6.
    #[serde(rename = "IPv4_PREFERRED")]
    Ipv4Preferred,
    /// IPv6 where there is one, else IPv4.
    #[serde(rename = "IPv6_PREFERRED")]
    Ipv6Preferred,
    /// IPv4 and nothing else.
    #[serde(rename = "IPv4_ONLY")]
    Ipv4Only,
    /// IPv6 and nothing else.
    #[serde(rename = "IPv6_ONLY")]
    Ipv6Only,
}

#[cfg(test)]
mod tests;
