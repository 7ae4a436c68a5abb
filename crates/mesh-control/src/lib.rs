//! A control plane for Envoy: what is true about a mesh goes in, configuration that Envoys accept comes out.
//!
//! ```text
//! MeshState ──translate──► Snapshot ──ads──► Envoy
//!   ▲    (pure)      (consistent)  (told in order, answers kept)
//!   └── ControlPlane::update
//! ```
//!
//! It is no proxy and starts no process. It keeps no list of tasks: each Envoy says in its node metadata how
//! its task is wired ([`NodeMetadata`]). It knows nothing of CloudFormation; others tell it what is true.
//!
//! Reading order:
//! - [`mesh_state`]: what is true for all Envoys;
//! - [`node`]: who an Envoy says it is;
//! - `translate`: from the two to Envoy's resources, pure;
//! - [`snapshot`]: those resources, named, versioned, checked against each other;
//! - [`ads`]: how they are told, in both protocols of the protocol, and what becomes of refusals;
//! - [`source`]: the seam between what is true and how it is told, and `mesh_state_source`, which is the world behind it;
//! - [`control_plane`]: the whole, served;
//! - `aws`, with the feature of that name: what is true, learned from an account, and the program `mesh-control`;
//! - `envoy-bootstrap`, a crate of its own: the file an Envoy starts from, and how its task is wired;
//! - [`access_log`]: what Envoys write down about requests, to find the path one took.
//!
//! # Defaults that nobody set
//!
//! What Service Connect does without being told is done here too, and can be read here:
//!
//! | what | value | decided by |
//! |---|---|---|
//! | time for a whole answer, retries included | 15 s; none for TCP | ECS; `Timeout.PerRequestTimeoutSeconds` |
//! | idle connections are closed after | 5 min, TCP 1 h | ECS; `Timeout.IdleTimeoutSeconds` |
//! | retries | 2, with other tasks as long as there are any | ECS; cannot be configured there |
//! | tried again, whatever the method | failed connections, refused streams, answers with status 503 | ECS, by word of its staff |
//! | tried again for GET, HEAD, OPTIONS, TRACE, PUT, DELETE | also connections that break before the answer | us |
//! | a task is left alone | after 5 connections in a row that failed, broke or timed out; 30 s, longer each time, up to 300 s | ECS |
//! | at most left alone at a time | half of the tasks | us; ECS's number is not public |
//! | connections, requests, pending requests | no limit | us, as App Mesh; Service Connect has nothing to configure |
//! | time to connect | 1 s to a peer, 0.25 s to the application | us, as App Mesh |
//! | load balancing | round robin | ECS |
//!
//! A POST that an application answers with 503 is made up to three times, then, as under Service Connect. An
//! application that must not see a request twice should say so with another status.
//!
//! # Status
//!
//! | feature | here |
//! |---|---|
//! | ADS, state of the world and delta | served; tested with Envoy 1.40 |
//! | clusters, endpoints, listeners, routes | served in make-before-break order |
//! | secrets, runtime, scoped and virtual-host routes | not served: nothing here needs them |
//! | Service Connect, explicit and intercepted wiring, HTTP/1.1, HTTP/2, gRPC, TCP | translated |
//! | `IngressPortOverride` | not used, with a note on the status page: the task's wiring says where listeners are |
//! | Service Connect, TLS | not yet |
//! | App Mesh, explicit and intercepted wiring | translated |
//! | spans of HTTP requests | sent by OTLP over gRPC where a task's wiring names a collector ([`node::MeshwrightMetadata::collector`]), for requests whose caller samples them; none of TCP connections |
//! | access control and TLS on the xDS port | not yet: bind it to loopback, or let only the mesh's tasks reach it |
//! | configuration from Parameter Store, endpoints from Cloud Map, acknowledgements for deploy tools | feature `aws`; tested with MiniStack |
//! | namespaces of Cloud Map that another account shares | not yet |
//!
#![doc = include_str!("docs/app_mesh.md")]

pub mod access_log;
pub mod control_plane;
pub mod mesh_state;
mod mesh_state_source;
pub mod node;
pub mod status;
mod translate;

pub use control_plane::{Addresses, BindError, ControlPlane, ControlPlaneBuilder, ReadinessSource, ServeError};
pub use envoy_bootstrap::{Admin, ApiType, Bootstrap, Upstream};
pub use mesh_state::{Endpoint, MeshState, NodeEndpoint};
pub use mesh_state_source::MeshStateSource;
pub use node::{Identity, NodeMetadata, ServiceIdentity};
pub use status::{SourceStatus, Status};
pub use translate::egress_clusters;
pub use xds_server::{
    Configured, NodeStatus, RejectedResource, ResourceType, Snapshot, Source, SourceError, StatusBoard, TypeReport,
    XdsProtocol,
};
