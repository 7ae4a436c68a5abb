//! The environment variables by which a service learns of the sidecar beside it.
//!
//! Whoever starts the task sets them (the local runner, or the task definition on AWS); `mesh-client` reads
//! them. They are the whole contract between the two.

/// The address of the sidecar's egress listener, `127.0.0.1:15001` for instance. Its presence means explicit
/// wiring: calls into the mesh connect there and name the service in the Host header.
pub const EGRESS: &str = "MESHWRIGHT_EGRESS";

/// The mesh's name suffixes, separated by commas: `serviceconnect,appmesh`. See [`crate::MeshSuffixes`].
pub const SUFFIXES: &str = "MESHWRIGHT_SUFFIXES";

/// Where TCP endpoints are reached in explicit wiring, as `NAME:PORT=ADDRESS` separated by commas:
/// `db.serviceconnect:5432=127.0.0.1:41234`. TCP carries no Host header, so each endpoint has its own listener.
pub const TCP_EGRESS: &str = "MESHWRIGHT_TCP_EGRESS";
