//! App Mesh: the seven types of resource, as AWS's API defined them until its end on 2026-09-30.
//!
//! ```text
//! mesh ┬ virtual gateway ─ gateway route ─┐
//!      ├ virtual service ◄────────────────┘
//!      │   └► provider: virtual node, or virtual router ─ route ─► weighted virtual nodes
//!      └ virtual node ─ backends ─► virtual services
//! ```
//!
//! Structs and limits: the AWS SDK's service model of App Mesh, version 2019-01-25 (read 2026-11-23). CloudFormation
//! has the same structure with capitalised keys.
//!
//! - [`virtual_node`], [`virtual_gateway`], [`route`], [`gateway_route`], [`virtual_service`], [`virtual_router`],
//!   [`mesh`]: the resources; [`listener`], [`tls`], [`logging`], [`matching`] and [`client_policy`]: their parts;
//! - `schema`: the macros that define each of these structs together with its schema;
//! - [`document`]: reading and writing in both key casings, all errors at once; `reader`: validation against the
//!   schema; `rules`: combinations of fields; [`cursor`]: position in a document;
//! - [`blocks`]: specs as nested blocks, as Terraform writes them;
//! - [`kind`] and [`resource_spec`]: the type of a resource, and a spec of any type;
//! - [`resource_name`]: the rule for names; [`resource_path`]: the path of a resource in ARNs, node ids and parameters; [`mesh_claim`]: a parameter that names another
//!   source of the mesh;
//! - [`assembly`]: builds meshes from documents; [`topology`]: one mesh with resolved references.

pub mod assembly;
pub mod blocks;
pub mod client_policy;
pub mod cursor;
pub mod document;
pub mod gateway_route;
pub mod kind;
pub mod listener;
pub mod logging;
pub mod matching;
pub mod mesh;
pub mod mesh_claim;
mod reader;
pub mod resource_name;
pub mod resource_path;
pub mod resource_spec;
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

pub use crate::key_casing::KeyCasing;
pub use assembly::{Assembly, AssemblyErrors};
pub use document::Spec;
pub use gateway_route::GatewayRouteSpec;
pub use kind::Kind;
pub use mesh::MeshSpec;
pub use mesh_claim::MeshClaim;
pub use resource_path::ResourcePath;
pub use resource_spec::ResourceSpec;
pub use route::RouteSpec;
pub use topology::Topology;
pub use virtual_gateway::VirtualGatewaySpec;
pub use virtual_node::VirtualNodeSpec;
pub use virtual_router::VirtualRouterSpec;
pub use virtual_service::VirtualServiceSpec;

use schema::{UNLIMITED, keywords, structure, whole};

structure! {
    /// A duration as App Mesh writes it.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Duration {
        /// Number of units, at least 0. Default, decided by App Mesh: 0.
        value: Option<u64> = optional("value", whole(0, UNLIMITED)),
        /// The unit. Optional in the API; a value without a unit is rejected here because its meaning is undefined.
        unit: Option<DurationUnit> = optional("unit"),
    }
}

keywords! {
    /// The unit of a [`Duration`].
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum DurationUnit {
        /// Seconds.
        Seconds = "s",
        /// Milliseconds.
        Milliseconds = "ms",
    }
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

keywords! {
    /// The protocol of a port.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
    pub enum Protocol {
        /// HTTP/1.1.
        Http = "http",
        /// HTTP/2 without TLS of its own.
        Http2 = "http2",
        /// gRPC.
        Grpc = "grpc",
        /// Any protocol over TCP. Not supported by virtual gateways.
        Tcp = "tcp" node_only,
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

structure! {
    /// A port and its protocol.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct PortMapping {
        /// 1 to 65535.
        port: u16 = required("port"),
        /// The protocol.
        protocol: Protocol = required("protocol"),
    }
}

keywords! {
    /// IP version of the addresses that a mesh or virtual node uses. Default: see the translation to Envoy.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum IpPreference {
        /// IPv4 if available, else IPv6.
        Ipv4Preferred = "IPv4_PREFERRED",
        /// IPv6 if available, else IPv4.
        Ipv6Preferred = "IPv6_PREFERRED",
        /// IPv4 only.
        Ipv4Only = "IPv4_ONLY",
        /// IPv6 only.
        Ipv6Only = "IPv6_ONLY",
    }
}

#[cfg(test)]
mod tests;
