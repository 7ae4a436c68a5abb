#![doc = include_str!("../README.md")]
//!
//! # Modules
//!
//! ```text
//! MeshState ──translate──► Snapshot ──xds-server──► Envoy
//!   ▲          (pure)      (checked)
//!   └── ControlPlane::update
//! ```
//!
//! Reading order:
//! - [`mesh_state`]: namespaces, meshes, load balancers and endpoints, the same for all Envoys, with [`certificates`];
//! - [`node`]: node id and node metadata of one Envoy, from `envoy-bootstrap`;
//! - `translate`: from the two to Envoy's resources, pure; `configuration`: in parts that Envoys share;
//! - `incremental`: the translations in use, and what of them a change touches;
//! - `mesh_state_source`: the mesh state as a source of snapshots for `xds-server`;
//! - [`control_plane`], `incoming`, `xds_port`, `grpc_message`, [`status`], `metrics`: the servers; `open_files`: their limit;
//! - [`access`]: who may use the xDS port;
//! - [`statistics`], [`call_statistics`]: calls between virtual nodes, as Envoys count them;
//! - [`access_log`]: access-log entries of sampled requests.
#![doc = include_str!("docs/app_mesh.md")]

pub mod access;
pub mod access_log;
pub mod call_statistics;
pub mod certificates;
mod change_spans;
mod configuration;
pub mod control_plane;
mod grpc_message;
mod incoming;
mod incremental;
pub mod mesh_state;
mod mesh_state_source;
mod metrics;
pub mod node;
mod open_files;
pub mod statistics;
pub mod status;
mod translate;
mod xds_port;

pub use access::{NodeGrant, TokenKeys, XdsAuthenticator};
pub use call_statistics::CallStatistics;
pub use certificates::{Certificates, ServerCertificate};
pub use control_plane::{Addresses, BindError, ControlPlane, ControlPlaneBuilder, ReadinessSource, ServeError};
pub use envoy_bootstrap::{
    Admin, ApiType, Bootstrap, ClientCertificate, EntranceBootstrap, TrustedCa, Upstream, XdsSecurity, XdsTls,
    token_secret,
};
pub use mesh_state::{Endpoint, HeaderLimits, MeshState, NodeEndpoint, Target};
pub use mesh_state_source::MeshStateSource;
pub use node::{Identity, NodeMetadata, ServiceIdentity};
pub use open_files::raise_open_file_limit;
pub use server_tls::{CertificateFiles, ServerTls};
pub use statistics::{Counts, NodeStatistics};
pub use status::{SourceStatus, Status, StatusPage, StatusSummary};
pub use translate::egress_clusters;
pub use xds_server::{
    AcceptedObserver, Authenticating, AuthenticationError, Authenticator, Configured, Credentials, Limits, NodeStatus,
    Principal, RejectedResource, ResourceType, Snapshot, Source, SourceError, StatusBoard, TypeReport, XdsProtocol,
};
