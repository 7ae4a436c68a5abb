//! Environment variables that describe a sidecar to its service.
//!
//! The local runner or the task definition on AWS sets them; `mesh-client` reads them.

/// The address of the sidecar's egress listener, such as `127.0.0.1:15001`. It implies [`EXPLICIT_PROXY`]: the service
/// connects there and names the service that it calls in the Host header.
pub const EGRESS: &str = "MESHWRIGHT_EGRESS";

/// The suffixes of the mesh's host names, separated by commas: `serviceconnect,appmesh`. See [`crate::MeshSuffixes`].
pub const SUFFIXES: &str = "MESHWRIGHT_SUFFIXES";

/// The sidecar's listeners for TCP services in explicit-proxy mode, as `NAME:PORT=ADDRESS` separated by commas:
/// `db.serviceconnect:5432=127.0.0.1:41234`. TCP has no Host header, so each service has its own listener.
pub const TCP_EGRESS: &str = "MESHWRIGHT_TCP_EGRESS";

/// The traffic mode: how calls leave the service. One of [`EXPLICIT_PROXY`], [`TRANSPARENT_PROXY`] and [`NO_PROXY`]. If it
/// is not set, the service detects the mode from [`EGRESS`] and its hosts file. Redirection by iptables, as under App Mesh,
/// cannot be detected and has to be set here.
pub const TRAFFIC_MODE: &str = "MESHWRIGHT_WIRING";

/// A value of [`TRAFFIC_MODE`]: the service connects to its sidecar's egress listener, the address in [`EGRESS`].
pub const EXPLICIT_PROXY: &str = "explicit";

/// A value of [`TRAFFIC_MODE`]: the service connects to the address that a name resolves to, and the kernel redirects the
/// connection to the sidecar.
pub const TRANSPARENT_PROXY: &str = "intercepted";

/// A value of [`TRAFFIC_MODE`]: the service has no sidecar and connects to the tasks that a name resolves to.
pub const NO_PROXY: &str = "direct";

/// The URL of the sidecar's readiness endpoint: `http://127.0.0.1:9901/ready` of Envoy, `http://127.0.0.1:9902/status` of
/// the agent beside it, or `http://unix:/tmp/envoy_admin.sock:/ready` on a Unix socket. If it is not set, readiness means
/// that the egress listener accepts a connection.
pub const READY: &str = "MESHWRIGHT_READY";
