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

/// How calls leave the service: [`EXPLICIT`], [`INTERCEPTED`] or [`DIRECT`]. Not set, [`EGRESS`] or what else is found
/// in the task decides. It is the only sign of a sidecar to which the kernel redirects connections, as App Mesh's did:
/// nothing else that a service can see tells of one.
pub const WIRING: &str = "MESHWRIGHT_WIRING";

/// A value of [`WIRING`]: the service connects to its sidecar's egress listener, which [`EGRESS`] names.
pub const EXPLICIT: &str = "explicit";

/// A value of [`WIRING`]: the service connects to whatever a name resolves to, and the connection is led to its
/// sidecar on the way.
pub const INTERCEPTED: &str = "intercepted";

/// A value of [`WIRING`]: the service has no sidecar, and connects to the tasks that a name resolves to.
pub const DIRECT: &str = "direct";

/// The page that says whether the sidecar takes calls: Envoy's `http://127.0.0.1:9901/ready`, the agent's
/// `http://127.0.0.1:9902/status`, or `http://unix:/tmp/envoy_admin.sock:/ready` on a Unix socket. Not set, a connection
/// to the sidecar's egress listener has to do.
pub const READY: &str = "MESHWRIGHT_READY";
